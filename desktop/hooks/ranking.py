"""From signals to hooks: how good each candidate is and why, and the best ones that differ from each other.

Each sentence has a rate of highlights, whose logarithm is a weighted sum of the signals there. What a
candidate is expected to have is the sum over its sentences, corrected for its length, its first and its last
sentence; the score is the chance of at least one. That is comparable between videos, as nothing is scaled to
one of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from desktop.hooks.candidates import Candidates
from desktop.hooks.signals.curve import Curve, Material, Numbers, Place
from desktop.hooks.weights import TYPICAL_RATE, Weight

_LENGTH = 0.25
"""How much of a longer candidate's advantage is taken away: 0 nothing, 1 all."""
_USUAL_LENGTH = 30.0  # seconds
_UNSURE = 0.4  # for an edge whose time was only shared out within a caption
_LIMIT = 7.0  # scales from the centre beyond which a value counts no more


@dataclass(frozen=True)
class Ranked:
    """Candidates with what each is worth.

    `quality` is the log of expected highlights, `parts` what each signal adds to it,
    `rates` the logarithm of the rate of each sentence.
    """

    candidates: Candidates
    rates: Numbers
    quality: Numbers
    parts: Mapping[str, Numbers]


def score_of(quality: float) -> float:
    """0 to 100: the chance of at least one highlight where `exp(quality)` are expected (Poisson)."""
    return 100.0 * -math.expm1(-math.exp(min(quality, 10.0)))


def rank(
    material: Material,
    candidates: Candidates,
    curves: Sequence[tuple[Curve, Place]],
    weights: Mapping[str, Weight],
) -> Ranked:
    """The worth of every candidate; a curve without a weight counts nothing."""
    starts, ends = material.starts, material.ends
    everywhere: dict[str, Numbers] = {}
    at_edges: dict[str, Numbers] = {}
    for curve, place in curves:
        weight = weights.get(curve.name)
        if weight is None:
            continue
        values = (curve.over(starts, ends) - weight.centre) / weight.scale
        counted = weight.weight * np.clip(values, -_LIMIT, _LIMIT)
        if place is Place.ANY:
            everywhere[curve.name] = counted
        else:
            at_edges[curve.name] = counted[candidates.first if place is Place.FIRST else candidates.last]
    total: Numbers = np.full(len(starts), TYPICAL_RATE)
    for counted in everywhere.values():
        total += counted
    expected = _sums(np.exp(total), candidates)
    # What a signal adds is what would be missing without it.
    parts = {
        name: np.log(expected / _sums(np.exp(total - counted), candidates))
        for name, counted in everywhere.items()
    }
    lengths = candidates.ends - candidates.starts
    quality: Numbers = np.log(expected) - _LENGTH * np.log(np.maximum(lengths, 1.0) / _USUAL_LENGTH)
    for counted in at_edges.values():
        quality += counted
    return Ranked(candidates, total, quality - _doubt(material, candidates), {**parts, **at_edges})


def _sums(values: Numbers, candidates: Candidates) -> Numbers:
    totals: Numbers = np.concatenate([[0.0], np.cumsum(values)])
    return totals[candidates.last + 1] - totals[candidates.first]


def _doubt(material: Material, candidates: Candidates) -> Numbers:
    sure_start = np.array([sentence.sure_start for sentence in material.sentences])
    sure_end = np.array([sentence.sure_end for sentence in material.sentences])
    doubt: Numbers = _UNSURE * (2.0 - sure_start[candidates.first] - sure_end[candidates.last])
    return doubt
