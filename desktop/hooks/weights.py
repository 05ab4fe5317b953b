"""How much each signal counts: a handful of numbers, chosen by cross-validation (docs/hooks.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Weight:
    """A value counts as `weight * (value - centre) / scale`; `centre` is what is usual, so counts nothing."""

    centre: float
    scale: float
    weight: float


TYPICAL_RATE = -2.8
"""Log of the highlights that a usual sentence has: one in sixteen."""

WEIGHTS: dict[str, Weight] = {
    "described": Weight(0.0, 1.0, 0.8),
    "most replayed": Weight(0.0, 1.0, 0.6),
    "loudness": Weight(0.0, 1.0, 0.1),
    "reaction": Weight(0.0, 1.0, 2.0),
    "place": Weight(0.0, 0.16, 0.32),
    "brevity": Weight(0.03, 0.75, 0.2),
    "direct speech": Weight(0.1, 0.3, 0.16),
    "delivery": Weight(0.08, 0.28, 0.2),
    "first person": Weight(0.3, 0.3, 0.2),
    "second person": Weight(0.21, 0.41, 0.12),
    "names": Weight(0.2, 0.4, 0.1),
    "plain words": Weight(-0.1, 0.11, 0.09),
    "colloquial": Weight(0.05, 0.11, 0.16),
    "everyday things": Weight(0.03, 0.16, 0.11),
    "liveliness": Weight(0.05, 0.07, 0.3),
    "novelty": Weight(0.6, 0.08, 0.13),
    "question and answer": Weight(0.07, 0.25, 0.03),
    "claims and numbers": Weight(0.12, 0.29, 0.02),
    "story": Weight(0.13, 0.19, 0.02),
    "opening": Weight(0.3, 0.4, 0.03),
    "self-contained": Weight(0.6, 0.4, 0.1),
}
"""Contrast, emotion and quotability were measured at chance: they are shown, and count nothing."""
