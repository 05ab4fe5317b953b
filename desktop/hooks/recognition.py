"""Speech recognition on this computer: faster-whisper, in batches, with the times of words.

The sound is listened to in parts that end in a pause, so that memory does not grow with it. A voice detector
says where somebody speaks: what the recogniser writes elsewhere is invented and left out, and where it writes
nothing although somebody speaks, it has to listen once more, without batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from desktop.hooks.models import Origin
from desktop.hooks.onnx_models import unusable
from desktop.hooks.speech_models import ANY_LANGUAGE
from desktop.hooks.transcript import Cue, Transcript, Word, tidy
from desktop.jobs.protocol import Report
from desktop.media.mono import Mono, mono_blocks
from desktop.timecode import format_timecode

RATE = 16_000
"""Samples a second that Whisper and the voice detector want."""
_PART = 300.0  # seconds that are listened to at once, up to the last pause in them
_BLOCK = 30.0  # seconds
_BATCH = 8  # pieces of 30 s
_UNHEARD = 3.0  # seconds of speech without a word that are listened to again
_LEAST_INSIDE = 0.5  # of a word, within what the voice detector hears
_INVENTED = 0.6  # chance of no speech from which doubtful words are not believed
_DOUBTFUL = -0.8  # mean logarithm of the words' chances
_REPETITIVE = 2.4  # zlib's ratio of text that goes round in a circle
_LONELY = 6.0  # seconds of silence on both sides
# What Whisper writes for noise, as it was often at the end of what it learnt from.
_PHRASES = frozenset(
    {
        "thank you",
        "thanks",
        "thanks for watching",
        "thank you for watching",
        "applause",
        "music",
        "you",
        "bye",
    }
)


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, in seconds on the source's clock."""

    start: float
    end: float


@dataclass(frozen=True)
class Heard:
    """What was understood, where somebody spoke, and where nothing could be understood of it."""

    transcript: Transcript
    speech: tuple[Span, ...]
    unheard: tuple[Span, ...]

    @property
    def notes(self) -> list[str]:
        """What the user should know about it."""
        if not self.speech:
            return ["Nobody speaks in this source."]
        if not self.unheard:
            return []
        first = self.unheard[0]
        seconds = sum(span.end - span.start for span in self.unheard)
        where = format_timecode(first.start, 0)
        return [f"{seconds:.0f} s of speech could not be understood, the first of it at {where}."]


class Recogniser:
    """A loaded model. Not to be used from several threads at once."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        """Raises ReelyError `model-unusable`. `threads` of the processor; 0: as many as are useful."""
        from faster_whisper import BatchedInferencePipeline, WhisperModel  # noqa: PLC0415 - takes a second

        try:
            self._model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)
        except (RuntimeError, ValueError, OSError) as error:
            raise unusable(folder, ANY_LANGUAGE, error) from error
        self._batched = BatchedInferencePipeline(self._model)

    def transcribe(
        self, sound: Iterable[Mono], duration: float, language: str | None, report: Report
    ) -> Heard:
        """Listen to blocks of sound at `RATE` that follow each other from 0 s on; `duration` in seconds.

        `language` None: the one that is spoken at first.
        """
        cues: list[Cue] = []
        speech: list[Span] = []
        unheard: list[Span] = []
        if not self._model.model.is_multilingual:
            language = "en"
        for start, part, voices in _parts(sound):
            voiced = [Span(start + a / RATE, start + b / RATE) for a, b in voices]
            speech += voiced
            if voices:
                if language is None:
                    language = self._model.detect_language(part, vad_filter=True)[0]
                said = self._listen(part, start, voices, language)
                missed = list(_without_words(voiced, said))
                for span in missed:
                    said += self._listen_again(part, start, span, language)
                said.sort(key=lambda cue: cue.start)
                unheard += _without_words(missed, said)
                cues += said
            report("listening", min(1.0, (start + len(part) / RATE) / max(duration, 0.001)))
        believed = [cue for cue in cues if not _is_invented(cue, cues)]
        transcript = Transcript(
            origin=Origin.SPEECH, cues=tidy(believed), language=language, duration=duration
        )
        return Heard(transcript, tuple(speech), tuple(unheard))

    def _listen(
        self, part: Mono, start: float, voices: Sequence[tuple[int, int]], language: str
    ) -> list[Cue]:
        segments, _info = self._batched.transcribe(
            part,
            language=language,
            batch_size=_BATCH,
            word_timestamps=True,
            clip_timestamps=list(_clips(voices)),
            condition_on_previous_text=False,
        )
        voiced = [Span(start + a / RATE, start + b / RATE) for a, b in voices]
        return [cue for cue in _cues(segments, start) if _inside(cue, voiced)]

    def _listen_again(self, part: Mono, start: float, span: Span, language: str) -> list[Cue]:
        """One stretch on its own: without batches, and without what was written before it."""
        first, last = (round((at - start) * RATE) for at in (span.start, span.end))
        segments, _info = self._model.transcribe(
            part[max(0, first) : last],
            language=language,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        return [cue for cue in _cues(segments, span.start) if _inside(cue, [span])]


def listen(
    path: Path,
    folder: Path,
    *,
    duration: float,
    language: str | None,
    report: Report,
    origin: Fraction | None = None,
) -> Heard:
    """The words in a file, by the model in `folder`. Raises what `probe` raises, and `model-unusable`."""
    return Recogniser(folder).transcribe(mono_blocks(path, RATE, origin, _BLOCK), duration, language, report)


def _parts(sound: Iterable[Mono]) -> Iterator[tuple[float, Mono, list[tuple[int, int]]]]:
    """The sound in parts that end in a pause: where each starts in seconds, and its voices in samples."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps  # noqa: PLC0415

    options = VadOptions(max_speech_duration_s=_BLOCK - 1, min_silence_duration_ms=500, speech_pad_ms=200)
    start = 0
    kept: list[Mono] = []

    def cut(*, last: bool) -> Iterator[tuple[float, Mono, list[tuple[int, int]]]]:
        nonlocal start, kept
        whole = np.concatenate(kept) if kept else np.empty(0, np.float32)
        if not len(whole):
            return
        voices = [(int(v["start"]), int(v["end"])) for v in get_speech_timestamps(whole, options)]
        end = len(whole)
        if not last and voices and voices[-1][1] > end - RATE and len(voices) > 1:
            end = (
                voices[-2][1] + voices[-1][0]
            ) // 2  # somebody is still speaking: they go into the next part
            voices = voices[:-1]
        yield start / RATE, whole[:end], voices
        kept = [whole[end:]]
        start += end

    for block in sound:
        kept.append(block)
        if sum(map(len, kept)) >= _PART * RATE:
            yield from cut(last=False)
    yield from cut(last=True)


def _clips(voices: Sequence[tuple[int, int]]) -> Iterator[dict[str, float]]:
    """Neighbouring voices together, as long as they fit into what Whisper hears at once."""
    first = last = None
    for a, b in voices:
        if first is not None and last is not None and b - first > (_BLOCK - 1) * RATE:
            yield {"start": first / RATE, "end": last / RATE}
            first = None
        first, last = (a if first is None else first), b
    if first is not None and last is not None:
        yield {"start": first / RATE, "end": last / RATE}


def _cues(segments: Iterable[Any], start: float) -> Iterator[Cue]:
    for segment in segments:
        doubtful = segment.no_speech_prob > _INVENTED and segment.avg_logprob < _DOUBTFUL
        if doubtful or segment.compression_ratio > _REPETITIVE:
            continue
        words = tuple(
            Word(start=start + float(word.start), end=start + float(word.end), text=word.word.strip())
            for word in segment.words or ()
            if word.word.strip()
        )
        if words:
            yield Cue(start=words[0].start, end=words[-1].end, text=segment.text.strip(), words=words)


def _inside(cue: Cue, voices: Sequence[Span]) -> bool:
    """Whether enough of it is said while somebody speaks."""
    length = max(cue.end - cue.start, 0.01)
    heard = sum(max(0.0, min(cue.end, each.end) - max(cue.start, each.start)) for each in voices)
    return heard / length >= _LEAST_INSIDE


def _without_words(voices: Sequence[Span], said: Sequence[Cue]) -> Iterator[Span]:
    """The stretches of speech, of some length, in which no word begins or ends."""
    words = sorted((word.start, word.end) for cue in said for word in cue.words)
    for voice in voices:
        at = voice.start
        for start, end in words:
            if end <= at or start >= voice.end:
                continue
            if start - at >= _UNHEARD:
                yield Span(at, start)
            at = max(at, end)
        if voice.end - at >= _UNHEARD:
            yield Span(at, voice.end)


def _is_invented(cue: Cue, cues: Sequence[Cue]) -> bool:
    """Whether it is one of the recogniser's stock phrases, with nobody else speaking for a while."""
    text = cue.text.lower().strip(" .!?,♪[]()")
    if text not in _PHRASES:
        return False
    return all(
        other is cue or other.end < cue.start - _LONELY or other.start > cue.end + _LONELY for other in cues
    )
