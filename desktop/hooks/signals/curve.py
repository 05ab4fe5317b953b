"""What a signal is: a curve over time with a name and a unit, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from desktop.hooks.sentences import Sentence
from desktop.hooks.speech import SoundMark
from desktop.source.models import HeatPoint

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """`values[k]` holds from `starts[k]` to `ends[k]`, in seconds; bins are in order and do not overlap."""

    name: str
    unit: str
    starts: Numbers
    ends: Numbers
    values: Numbers

    def over(self, starts: Numbers, ends: Numbers) -> Numbers:
        """The mean over each of the spans, weighted by time; 0 where the curve says nothing."""
        widths = np.maximum(self.ends - self.starts, 1e-9)
        known = np.concatenate([[0.0], np.cumsum(widths)])
        area = np.concatenate([[0.0], np.cumsum(self.values * widths)])

        def until(totals: Numbers, times: Numbers) -> Numbers:
            place = np.clip(np.searchsorted(self.starts, times, side="right") - 1, 0, None)
            inside = np.clip((times - self.starts[place]) / widths[place], 0.0, 1.0)
            return np.asarray(totals[place] + inside * (totals[place + 1] - totals[place]))

        if not len(self.starts):
            return np.zeros(len(starts))
        seconds = until(known, ends) - until(known, starts)
        sums = until(area, ends) - until(area, starts)
        return np.where(seconds > 1e-9, sums / np.maximum(seconds, 1e-9), 0.0)


@dataclass(frozen=True)
class Missing:
    """Why a signal says nothing here, as the end of a sentence: "… was left out: <why>"."""

    name: str
    why: str


@dataclass(frozen=True)
class Material:
    """What signals are made of. Times in seconds; `tokens` are the sentences' words in lower case."""

    sentences: tuple[Sentence, ...]
    duration: float
    language: str | None = None
    sounds: tuple[SoundMark, ...] = ()
    heatmap: tuple[HeatPoint, ...] = ()
    vectors: NDArray[np.float32] | None = None
    """Unit vectors of the sentences, one a row; None without an embedding model."""
    anchors: NDArray[np.float32] | None = None
    """Those of the sentences of `desktop.hooks.signals.liveliness`, lively ones first."""
    wanted: str | None = None
    """What the user described."""
    wanted_vector: NDArray[np.float32] | None = None
    curves: tuple[Curve, ...] = ()
    """Curves that were measured elsewhere, such as loudness, shots and faces."""
    tokens: tuple[tuple[str, ...], ...] = ()

    @property
    def starts(self) -> Numbers:
        return np.array([sentence.start for sentence in self.sentences])

    @property
    def ends(self) -> Numbers:
        return np.array([sentence.end for sentence in self.sentences])

    def curve(self, name: str) -> Curve | None:
        """The curve of that name, if it was measured."""
        return next((curve for curve in self.curves if curve.name == name), None)

    @property
    def english(self) -> bool:
        return (self.language or "").partition("-")[0].lower() == "en"


class Place(StrEnum):
    """Which of a candidate's sentences a signal speaks of."""

    ANY = "any"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True)
class Signal:
    """One reason for a moment. `measure` gives a curve with one value for each sentence, or says why not.

    `note` is what is said of a hook that has much of it; with `shows`, the sentence that has most is quoted.
    """

    name: str
    unit: str
    note: str
    measure: Callable[[Material], Sequence[float] | Numbers | Missing]
    place: Place = Place.ANY
    shows: bool = False
    of_words: bool = True
    """Whether it says nothing where nobody speaks."""

    def curve(self, material: Material) -> Curve | Missing:
        """The curve over the sentences' times."""
        values = self.measure(material)
        if isinstance(values, Missing):
            return values
        return Curve(
            self.name, self.unit, material.starts, material.ends, np.asarray(values, dtype=np.float64)
        )


def english_only(name: str, material: Material) -> Missing | None:
    """For signals that know words: they know English ones."""
    return None if material.english else Missing(name, "it knows English words only")
