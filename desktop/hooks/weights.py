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
    "pace": Weight(0.0, 1.0, 0.05),
    "pauses": Weight(0.3, 0.5, 0.05),
    "motion": Weight(0.0, 1.0, 0.05),
    "faces": Weight(0.5, 0.5, 0.05),
    "reaction": Weight(0.0, 1.0, 2.2),
    "place": Weight(0.0, 0.16, 0.2),
    "direct speech": Weight(0.1, 0.3, 0.03),
    "delivery": Weight(0.08, 0.28, 0.25),
    "first person": Weight(0.3, 0.3, 0.16),
    "second person": Weight(0.21, 0.41, 0.15),
    "names": Weight(0.2, 0.4, 0.14),
    "plain words": Weight(-0.1, 0.11, 0.12),
    "spoken style": Weight(-0.09, 0.09, 0.2),
    "fresh words": Weight(0.62, 0.2, 0.16),
    "colloquial": Weight(0.05, 0.11, 0.14),
    "everyday things": Weight(0.03, 0.16, 0.08),
    "liveliness": Weight(0.04, 0.03, 0.33),
    "novelty": Weight(0.6, 0.08, 0.08),
    "question and answer": Weight(0.07, 0.25, 0.03),
    "claims and numbers": Weight(0.12, 0.29, 0.04),
    "self-contained": Weight(0.6, 0.4, 0.05),
}
"""Brevity, contrast, emotion, quotability, story and opening were measured at chance beside the others: they
count nothing. The first seven could not be measured; their weights are chosen by hand."""
