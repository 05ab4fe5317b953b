"""Fresh words: something is said that was not said just before, so the thought has moved on."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Material, Numbers, Signal

_BEFORE = 5  # sentences
_FEWEST = 3  # different words that a sentence counts as at least


def _measure(material: Material) -> Numbers:
    said = [set(tokens) for tokens in material.tokens]
    return np.array(
        [
            len(here.difference(*said[max(0, place - _BEFORE) : place])) / max(_FEWEST, len(here))
            for place, here in enumerate(said)
        ]
    )


SIGNAL = Signal("fresh words", "share of words that the last five sentences had not", "moves on", _measure)
