"""Place: welcomes and goodbyes frame nearly everything that is recorded, and are seldom worth a cut.

Viewers of long lectures go back to the middle more than to both ends: their curves have 1.22 times their mean
there. A parabola stands for that.
"""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Material, Numbers, Signal

_WELCOME = 0.05  # of the whole, within which a welcome fades
_GOODBYE = 0.03
_WELCOME_COUNTS = 0.4  # of a goodbye
_LONG = (
    1500.0,
    3000.0,
)  # seconds; from the first on the middle begins to count, from the second on all of it
_MIDDLE_COUNTS = 0.4


def _measure(material: Material) -> Numbers:
    whole = max(material.duration, 1.0)
    left = np.maximum(0.0, whole - material.ends)
    frame = _WELCOME_COUNTS * np.exp(-material.starts / (_WELCOME * whole)) + np.exp(
        -left / (_GOODBYE * whole)
    )
    from_middle = (material.starts + material.ends) / whole - 1.0
    long = float(np.clip((whole - _LONG[0]) / (_LONG[1] - _LONG[0]), 0.0, 1.0))
    return -frame - _MIDDLE_COUNTS * long * from_middle**2


SIGNAL = Signal(
    "place",
    "minus the share of welcome and goodbye",
    "from its heart, not its frame",
    _measure,
    of_words=False,
)
