"""Place: welcomes and goodbyes frame nearly everything that is recorded, and are seldom worth a cut."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Material, Numbers, Signal

_WELCOME = 45.0  # seconds within which a welcome fades
_GOODBYE = 30.0
_OF_SHORT = 20  # in a short video both are at most this part of it
_WELCOME_COUNTS = 0.25  # of a goodbye


def _measure(material: Material) -> Numbers:
    whole = material.duration
    welcome, goodbye = min(_WELCOME, whole / _OF_SHORT), min(_GOODBYE, whole / _OF_SHORT)
    left = np.maximum(0.0, whole - material.ends)
    return -_WELCOME_COUNTS * np.exp(-material.starts / welcome) - np.exp(-left / goodbye)


SIGNAL = Signal(
    "place",
    "minus the share of welcome and goodbye",
    "from the heart of it, not its frame",
    _measure,
    of_words=False,
)
