"""Pauses: silence after a sentence, in which it sinks in or somebody laughs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal

_LONGEST = 2.5  # seconds; more says nothing more, and may be a change of scene
_HEARD = 0.2  # seconds; what is shorter is no pause
_FEWEST = 0.05  # of the sentences; where there are fewer pauses, the times were reckoned


def _measure(material: Material) -> Numbers | Missing:
    sentences = material.sentences
    sure = np.array([one.sure_end and after.sure_start for one, after in pairwise(sentences)])
    silent = np.array([max(0.0, after.start - one.end) for one, after in pairwise(sentences)])
    if not sure.any() or (silent[sure] > _HEARD).mean() < _FEWEST:
        return Missing("pauses", "the times of its words leave none")
    return np.append(np.where(sure, np.minimum(silent, _LONGEST), 0.0), 0.0)


SIGNAL = Signal("pauses", "seconds of silence after it", "followed by a pause", _measure)
