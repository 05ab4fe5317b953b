"""Hooks from a transcript and whatever else is known: a pure function, the same answer every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from desktop.hooks.languages import guess_language
from desktop.hooks.models import FoundHooks, TranscriptOrigin, Wish
from desktop.hooks.sentences import beats_of, sentences_of
from desktop.hooks.signals import described, place
from desktop.hooks.signals.catalogue import SIGNALS
from desktop.hooks.signals.curve import Curve, Material, Missing, Signal
from desktop.hooks.signals.tokens import tokens_of
from desktop.hooks.slate import slate_of
from desktop.hooks.speech import Sound, SoundMark, Speech, speech_of
from desktop.hooks.transcript import Transcript
from desktop.hooks.weights import WEIGHTS
from desktop.source.models import HeatPoint
from desktop.timecode import format_length

_FEWEST_WORDS = 20


def material_of(
    transcript: Transcript,
    wish: Wish,
    *,
    duration: float | None = None,
    heatmap: tuple[HeatPoint, ...] = (),
) -> Material:
    """What the signals are made of; `duration` is the source's length in seconds where it is known."""
    whole = duration or transcript.end
    speech = _within(speech_of(transcript), whole)
    sentences = sentences_of(speech.words)
    tokens = tuple(tokens_of(sentence.text) for sentence in sentences)
    language = wish.language or transcript.language or guess_language(chain.from_iterable(tokens))
    return Material(
        sentences=sentences,
        duration=whole,
        language=language,
        sounds=speech.sounds,
        heatmap=heatmap,
        tokens=tokens,
        wanted=wish.describe,
    )


def with_observed(material: Material, curves: tuple[Curve, ...], sounds: tuple[SoundMark, ...]) -> Material:
    """The material with what was measured beside the words; `sounds` come to those that the captions name."""
    together = tuple(sorted((*material.sounds, *sounds), key=lambda mark: mark.start))
    return replace(material, curves=curves, sounds=together)


def hooks_in(
    transcript: Transcript, wish: Wish, material: Material, shots: Sequence[float] = ()
) -> FoundHooks:
    """The best moments of `material`, which was made of the transcript, and what to know about them."""
    origin = TranscriptOrigin(origin=transcript.origin, language=material.language)
    nothing = _why_no_words(material)
    if nothing is None:
        return _best(material, wish, origin, SIGNALS, shots)
    found = hooks_without_words(
        wish,
        material.duration,
        heatmap=material.heatmap,
        curves=material.curves,
        shots=shots,
        sounds=material.sounds,
    )
    return found.model_copy(update={"transcript": origin, "notes": (nothing, *found.notes)})


def hooks_without_words(
    wish: Wish,
    duration: float,
    *,
    heatmap: tuple[HeatPoint, ...] = (),
    curves: tuple[Curve, ...] = (),
    shots: Sequence[float] = (),
    sounds: tuple[SoundMark, ...] = (),
) -> FoundHooks:
    """What the other signals give where nobody speaks; `duration` in seconds."""
    material = Material(
        sentences=beats_of(duration), duration=duration, heatmap=heatmap, curves=curves, sounds=sounds
    )
    telling = [signal for signal in SIGNALS if not signal.of_words]
    if not any(isinstance(signal.curve(material), Curve) for signal in telling if signal is not place.SIGNAL):
        nothing = "There are no hooks: without words nothing is known of this source to choose by."
        return FoundHooks(hooks=(), transcript=None, notes=(nothing,))
    return _best(material, wish, None, telling, shots)


def _best(
    material: Material,
    wish: Wish,
    origin: TranscriptOrigin | None,
    signals: Sequence[Signal],
    shots: Sequence[float],
) -> FoundHooks:
    measured, notes = measure(material, signals)
    slate = slate_of(material, wish, measured, shots)
    if slate is None:
        return FoundHooks(hooks=(), transcript=origin, notes=(_why_no_candidate(material, wish),))
    picks = slate.picks(wish.count)
    if len(picks) < wish.count:
        notes.append(f"Only {len(picks)} of {wish.count} hooks were found that differ from each other.")
    return FoundHooks(
        hooks=tuple(slate.hook(pick) for pick in picks),
        transcript=origin,
        notes=tuple(notes),
        evidence=slate.evidence() if origin is not None else None,
    )


def measure(material: Material, signals: Sequence[Signal]) -> tuple[list[tuple[Signal, Curve]], list[str]]:
    """The signals that say something here, and for those that count but are missing a note."""
    measured: list[tuple[Signal, Curve]] = []
    missing: dict[str, list[str]] = {}
    for signal in signals:
        if signal.name not in WEIGHTS or (signal is described.SIGNAL and material.wanted is None):
            continue
        curve = signal.curve(material)
        if isinstance(curve, Missing):
            missing.setdefault(curve.why, []).append(f"“{signal.name}”")
        else:
            measured.append((signal, curve))
    return measured, [_left_out(names, why) for why, names in missing.items()]


def _left_out(names: Sequence[str], why: str) -> str:
    if len(names) == 1:
        return f"The signal {names[0]} was left out: {why}."
    return f"The signals {', '.join(names[:-1])} and {names[-1]} were left out: {why}."


def _within(speech: Speech, whole: float) -> Speech:
    """Without what is said after the source has ended: such captions belong to another cut of it."""
    return Speech(
        tuple(word for word in speech.words if word.end <= whole + 0.5),
        tuple(mark for mark in speech.sounds if mark.start <= whole),
    )


def _why_no_words(material: Material) -> str | None:
    if not material.sentences:
        if any(mark.sound is Sound.MUSIC for mark in material.sounds):
            return "The transcript has only music."
        return "The transcript has no speech."
    words = sum(len(sentence.words) for sentence in material.sentences)
    if words < _FEWEST_WORDS:
        return f"Only {words} word{'' if words == 1 else 's'} can be read, too few to choose from."
    return None


def _why_no_candidate(material: Material, wish: Wish) -> str:
    whole = material.sentences[-1].end - material.sentences[0].start if material.sentences else 0.0
    if whole < wish.shortest:
        return (
            f"There are no hooks: all there is lasts {format_length(whole)}, "
            f"too short for hooks of at least {format_length(wish.shortest)}."
        )
    return (
        f"There are no hooks: no run of whole sentences lasts {format_length(wish.shortest)} to "
        f"{format_length(wish.longest)}; allow longer or shorter ones."
    )
