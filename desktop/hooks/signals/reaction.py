"""Reaction: laughter and applause that captions name."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal
from desktop.hooks.speech import Sound

_FOLLOWS = 2.0  # seconds after a sentence within which a reaction is one to it
_FEWEST = 2  # one alone is that of the end


def _measure(material: Material) -> Numbers | Missing:
    marks = [mark.start for mark in material.sounds if mark.sound in {Sound.LAUGHTER, Sound.APPLAUSE}]
    if len(marks) < _FEWEST:
        return Missing("reaction", "the transcript names no laughter or applause")
    starts, ends = material.starts, material.ends
    values = np.zeros(len(starts))
    for at in marks:
        place = int(np.searchsorted(starts, at, side="right")) - 1
        if place >= 0 and at - ends[place] <= _FOLLOWS:
            values[place] = 1.0
    return values


SIGNAL = Signal("reaction", "0 or 1", "the audience laughs or claps", _measure)
