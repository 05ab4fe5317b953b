"""Pace: somebody speaks faster than in the minutes around it, as those do who are carried away."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Curve, Material, Missing, Numbers, Signal
from desktop.hooks.signals.surroundings import UNIT, standing_out

_SHORTEST = 1.0  # seconds; in less a rate is chance
_SURE = 0.5  # of the sentences, whose times somebody or something has heard
_EVEN = 0.12  # of words a second; nobody speaks as evenly as that, such times were reckoned
_LEAST = 0.1  # of the logarithm of letters a second


def _measure(material: Material) -> Numbers | Missing:
    sentences = material.sentences
    known = np.array([one.sure_start and one.sure_end and one.duration >= _SHORTEST for one in sentences])
    if known.mean() < _SURE:
        return Missing("pace", "the times of its words are not known")
    starts, ends = material.starts, material.ends
    seconds = np.maximum(ends - starts, _SHORTEST)
    words = np.log(np.array([len(one.words) for one in sentences]) / seconds)
    if words[known].std() < _EVEN:
        return Missing("pace", "the times of its words were reckoned, not heard")
    letters = np.log(np.array([len(one.text) or 1 for one in sentences]) / seconds)
    curve = Curve("pace", "log of letters a second", starts[known], ends[known], letters[known])
    return np.where(known, standing_out(curve, material, _LEAST), 0.0)


SIGNAL = Signal("pace", UNIT, "spoken faster than around it", _measure)
