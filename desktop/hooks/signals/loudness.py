"""Loudness: a voice that rises above what is usual around it."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Curve, Material, Missing, Numbers, Signal

NAME = "loudness"

_AROUND = 60.0  # seconds on each side that say what is usual


def _measure(material: Material) -> Numbers | Missing:
    curve = next((each for each in material.curves if each.name == NAME), None)
    if curve is None:
        return Missing(NAME, "the sound was not listened to")
    starts, ends = material.starts, material.ends
    here = curve.over(starts, ends)
    usual = curve.over(np.maximum(0.0, starts - _AROUND), ends + _AROUND)
    spread = max(float((here - usual).std()), 1.0)  # LU; what differs by less sounds the same
    return np.clip((here - usual) / spread, -2.5, 3.0)


def loudness_curve(values: Numbers, step: float, first: float = 0.0) -> Curve:
    """Momentary loudness in LUFS, a value for each `step` seconds from `first` on, as a curve."""
    starts = first + np.arange(len(values), dtype=np.float64) * step
    return Curve(NAME, "LUFS", starts, np.asarray(starts + step, np.float64), values)


SIGNAL = Signal(
    NAME,
    "standard deviations above the minutes around it",
    "louder than what is around it",
    _measure,
    of_words=False,
)
