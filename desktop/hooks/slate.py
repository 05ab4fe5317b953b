"""A slate: all candidates of a source with what each is worth, from which hooks are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from desktop.hooks.candidates import Bounds, candidates_of
from desktop.hooks.diversity import Pick, choose
from desktop.hooks.models import Evidence, Hook, Line, Wish
from desktop.hooks.ranking import Ranked, rank, score_of
from desktop.hooks.reasons import reasons_of
from desktop.hooks.sentences import Sentence
from desktop.hooks.signals.catalogue import SIGNALS
from desktop.hooks.signals.curve import Curve, Material, Numbers, Signal
from desktop.hooks.signals.tokens import tokens_of
from desktop.hooks.speech import SpokenWord
from desktop.hooks.titles import title_of
from desktop.hooks.weights import WEIGHTS
from desktop.timecode import format_timecode


@dataclass(frozen=True)
class Slate:
    """Candidates of the sentences in `material`, ranked by the signals in `measured`. Never empty."""

    material: Material
    bounds: Bounds
    shots: tuple[float, ...]
    measured: tuple[tuple[Signal, Curve], ...]
    ranked: Ranked

    def picks(self, count: int) -> list[Pick]:
        """At most `count` candidates that differ, best first."""
        return choose(self.material, self.ranked, count)

    def with_quality(self, quality: Numbers) -> Slate:
        """The same candidates, each worth what is given (the log of expected highlights)."""
        return replace(self, ranked=replace(self.ranked, quality=quality))

    def hook(self, pick: Pick) -> Hook:
        """The candidate as it is proposed."""
        ranked, candidates = self.ranked, self.ranked.candidates
        first, last = int(candidates.first[pick.index]), int(candidates.last[pick.index])
        inside = self.material.sentences[first : last + 1]
        start, end = _in_milliseconds(candidates.starts[pick.index], candidates.ends[pick.index], self.bounds)
        return Hook(
            start=start,
            end=end,
            score=round(score_of(pick.quality), 1),
            title=title_of(inside, ranked.rates[first : last + 1].tolist())
            or f"At {format_timecode(float(candidates.starts[pick.index]), 0)}",
            reasons=reasons_of(pick.index, ranked, self.measured, self.material.sentences),
            text=" ".join(sentence.text for sentence in inside),
        )

    def evidence(self) -> Evidence:
        """What `slate_from` makes the same slate of."""
        material = self.material
        return Evidence(
            lines=tuple(
                Line(
                    start=one.start,
                    end=one.end,
                    text=one.text,
                    sure_start=one.sure_start,
                    sure_end=one.sure_end,
                )
                for one in material.sentences
            ),
            duration=material.duration,
            shots=self.shots,
            curves={signal.name: tuple(curve.values.tolist()) for signal, curve in self.measured},
        )


def slate_of(
    material: Material, wish: Wish, measured: Sequence[tuple[Signal, Curve]], shots: Sequence[float]
) -> Slate | None:
    """None where no run of sentences is as long as the user wishes; `shots` in seconds."""
    bounds = Bounds(wish.shortest, wish.longest)
    candidates = candidates_of(material.sentences, material.duration, bounds, shots)
    if not len(candidates):
        return None
    ranked = rank(material, candidates, [(curve, signal.place) for signal, curve in measured], WEIGHTS)
    return Slate(material, bounds, tuple(shots), tuple(measured), ranked)


def slate_from(evidence: Evidence, wish: Wish) -> Slate | None:
    """The slate that `Slate.evidence` was taken of, or one with other bounds."""
    sentences = tuple(_sentence(line) for line in evidence.lines)
    material = Material(
        sentences=sentences,
        duration=evidence.duration,
        tokens=tuple(tokens_of(sentence.text) for sentence in sentences),
        wanted=wish.describe,
    )
    starts, ends = material.starts, material.ends
    measured = [
        (signal, Curve(signal.name, signal.unit, starts, ends, np.array(evidence.curves[signal.name])))
        for signal in SIGNALS
        if len(evidence.curves.get(signal.name, ())) == len(sentences)
    ]
    return slate_of(material, wish, measured, evidence.shots)


def _sentence(line: Line) -> Sentence:
    whole = SpokenWord(line.start, line.end, line.text, line.sure_start, line.sure_end)
    return Sentence(start=line.start, end=line.end, text=line.text, words=(whole,))


def _in_milliseconds(start: float, end: float, bounds: Bounds) -> tuple[float, float]:
    """Both rounded, so that whoever subtracts them finds a length within the bounds."""
    first, last = round(float(start), 3), round(float(end), 3)
    while last - first > bounds.longest:
        last = round(last - 0.001, 3)
    while last - first < bounds.shortest and first > 0:
        first = round(first - 0.001, 3)
    return first, last
