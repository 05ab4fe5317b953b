"""Short sentences: what is said to be heard rather than followed, and what punch lines are made of."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Material, Numbers, Signal

_ORDINARY = np.log(12.0)  # words of a spoken sentence, by the middle of many talks


def _measure(material: Material) -> Numbers:
    lengths = np.log(np.array([max(1, len(tokens)) for tokens in material.tokens], dtype=np.float64))
    return np.asarray(np.clip(_ORDINARY - lengths, -1.5, 1.5))


SIGNAL = Signal("brevity", "log of 12 words over the sentence's", "short, punchy sentences", _measure)
