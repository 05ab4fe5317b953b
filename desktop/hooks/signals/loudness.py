"""Loudness: a voice that rises above what is usual around it."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Curve, Material, Missing, Numbers, Signal
from desktop.hooks.signals.surroundings import UNIT, standing_out

NAME = "loudness"

_LEAST = 1.0  # LU; what differs by less sounds the same


def _measure(material: Material) -> Numbers | Missing:
    curve = material.curve(NAME)
    if curve is None:
        return Missing(NAME, "the sound was not listened to")
    return standing_out(curve, material, _LEAST)


def loudness_curve(values: Numbers, step: float, first: float = 0.0) -> Curve:
    """Momentary loudness in LUFS, a value for each `step` seconds from `first` on, as a curve."""
    starts = first + np.arange(len(values), dtype=np.float64) * step
    return Curve(NAME, "LUFS", starts, np.asarray(starts + step, np.float64), values)


SIGNAL = Signal(NAME, UNIT, "louder than what is around it", _measure, of_words=False)
