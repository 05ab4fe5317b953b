"""Motion: more moves in the picture than in the minutes around it."""

from __future__ import annotations

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal
from desktop.hooks.signals.surroundings import UNIT, standing_out

NAME = "motion"

_LEAST = 0.5  # per cent of full brightness that pixels change on average


def _measure(material: Material) -> Numbers | Missing:
    curve = material.curve(NAME)
    if curve is None:
        return Missing(NAME, "the picture was not looked through")
    return standing_out(curve, material, _LEAST)


SIGNAL = Signal(NAME, UNIT, "more moves than around it", _measure, of_words=False)
