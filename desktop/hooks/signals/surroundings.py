"""What stands out: a curve against what is usual in the minutes around each sentence."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Curve, Material, Numbers

UNIT = "standard deviations above the minutes around it"

_AROUND = 60.0  # seconds on each side that say what is usual
_LIMITS = (-2.5, 3.0)


def standing_out(curve: Curve, material: Material, least: float) -> Numbers:
    """How far the curve is above what is usual there, for each sentence, in `UNIT`.

    `least` is what counts as one deviation at least, in the unit of the curve: less than that nobody notices.
    """
    starts, ends = material.starts, material.ends
    here = curve.over(starts, ends)
    usual = curve.over(np.maximum(0.0, starts - _AROUND), ends + _AROUND)
    spread = max(float((here - usual).std()), least)
    return np.clip((here - usual) / spread, *_LIMITS)
