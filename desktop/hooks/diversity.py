"""Choosing several candidates that differ: in time, in their words, and rather from all over the video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from desktop.hooks.candidates import Candidates
from desktop.hooks.ranking import Ranked
from desktop.hooks.signals.curve import Material, Numbers

_NEAR = 60.0  # seconds; what is told a minute apart mostly belongs together
_NEARNESS = 0.6  # quality that a neighbour loses
_SAME_WORDS = 0.3  # share of a hook's word triples that another may have
_TRIPLE = 3


@dataclass(frozen=True)
class Pick:
    """The candidate `index`, and the log of expected highlights that it adds to those picked before."""

    index: int
    quality: float


def choose(material: Material, ranked: Ranked, count: int) -> list[Pick]:
    """At most `count` candidates, best first: none overlap, and none say the same.

    Ties go to the earlier and shorter one, so the same input always gives the same answer.
    """
    candidates = ranked.candidates
    lengths = candidates.ends - candidates.starts
    quality = ranked.quality.copy()
    free = np.ones(len(candidates), dtype=bool)
    chosen: list[Pick] = []
    said: list[frozenset[tuple[str, ...]]] = []
    while len(chosen) < count and free.any():
        best = quality[free].max()
        equal = np.flatnonzero(free & (quality >= best - 1e-9))
        pick = int(min(equal, key=lambda k: (candidates.first[k], lengths[k])))
        words = _triples(material, candidates, pick)
        if any(_alike(words, other) for other in said):
            free[pick] = False
            continue
        chosen.append(Pick(pick, float(quality[pick])))
        said.append(words)
        gap = _gaps(candidates, pick)
        free &= gap >= 0
        quality -= _NEARNESS * np.exp(-np.maximum(gap, 0.0) / _NEAR)
    return chosen


def _gaps(candidates: Candidates, pick: int) -> Numbers:
    """Seconds between each candidate and the one picked; below 0 where they share time or sentences."""
    after = candidates.starts - candidates.ends[pick]
    before = candidates.starts[pick] - candidates.ends
    apart = (candidates.first > candidates.last[pick]) | (candidates.last < candidates.first[pick])
    return np.where(apart, np.maximum(np.maximum(after, before), 0.0), -1.0)


def _triples(material: Material, candidates: Candidates, pick: int) -> frozenset[tuple[str, ...]]:
    words = [
        token
        for tokens in material.tokens[candidates.first[pick] : candidates.last[pick] + 1]
        for token in tokens
    ]
    return frozenset(tuple(words[k : k + _TRIPLE]) for k in range(max(0, len(words) - _TRIPLE + 1)))


def _alike(one: frozenset[tuple[str, ...]], two: frozenset[tuple[str, ...]]) -> bool:
    fewest = min(len(one), len(two))
    return fewest > 0 and len(one & two) > _SAME_WORDS * fewest
