"""Faces: somebody is in the picture, and the closer, the better for a clip that is seen on a small screen."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal

NAME = "faces"

_CLOSE = 0.35  # of the picture's height; a face of that size is a close-up
_FEWEST = 0.02  # of the close-ups there could be; with fewer nobody is in this film


def _measure(material: Material) -> Numbers | Missing:
    curve = material.curve(NAME)
    if curve is None:
        return Missing(NAME, "nobody looked for them in the picture")
    if np.minimum(curve.values / _CLOSE, 1.0).mean() < _FEWEST:
        return Missing(NAME, "there are hardly any in the picture")
    return np.minimum(curve.over(material.starts, material.ends) / _CLOSE, 1.0)


SIGNAL = Signal(
    NAME, "height of the largest face over that of a close-up", "a face, close", _measure, of_words=False
)
