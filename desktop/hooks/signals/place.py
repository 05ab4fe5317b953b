"""Place: welcomes and goodbyes frame nearly everything that is recorded, and the heart is before the middle.

Viewers go back to the middle more than to both ends: in curves of replays it has about 1.2 times their mean,
once the first bin (where every player begins) and the credits are left out. As viewers leave, the curves
fall; so the top of the parabola that stands for this is a little before the middle. For long recordings it is
steeper.
"""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Material, Numbers, Signal

_WELCOME = 0.05  # of the whole, within which a welcome fades
_GOODBYE = 0.03
_WELCOME_COUNTS = 0.4  # of a goodbye
_HEART = 0.47  # of the whole
# Seconds of the whole, and how much the distance from its heart counts there; what is short is all heart.
_LENGTHS = (240.0, 600.0, 1500.0, 3000.0)
_DISTANCE_COUNTS = (0.0, 0.33, 0.33, 1.0)


def _measure(material: Material) -> Numbers:
    whole = max(material.duration, 1.0)
    left = np.maximum(0.0, whole - material.ends)
    frame = _WELCOME_COUNTS * np.exp(-material.starts / (_WELCOME * whole)) + np.exp(
        -left / (_GOODBYE * whole)
    )
    distance = (material.starts + material.ends) / whole - 2 * _HEART  # 1 is half of the whole
    return -frame - float(np.interp(whole, _LENGTHS, _DISTANCE_COUNTS)) * distance**2


SIGNAL = Signal(
    "place",
    "minus the share of welcome and goodbye, and the distance from the heart",
    "from its heart, not its frame",
    _measure,
    of_words=False,
)
