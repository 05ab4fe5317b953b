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
    "most replayed": Weight(0.0, 1.0, 0.6),
    "reaction": Weight(0.05, 0.3, 0.6),
    "place": Weight(0.0, 0.15, 0.4),
    "brevity": Weight(0.0, 0.75, 0.2),
    "direct speech": Weight(0.1, 0.3, 0.2),
    "delivery": Weight(0.1, 0.3, 0.2),
    "first person": Weight(0.3, 0.3, 0.2),
    "second person": Weight(0.2, 0.4, 0.1),
    "names": Weight(0.2, 0.4, 0.1),
    "plain words": Weight(-0.1, 0.1, 0.1),
    "opening": Weight(0.3, 0.4, 0.05),
    "self-contained": Weight(0.6, 0.4, 0.1),
}
