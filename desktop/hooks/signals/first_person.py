"""First person: somebody tells of themselves, here and around here."""

from __future__ import annotations

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal, english_only
from desktop.hooks.signals.tokens import around, having
from desktop.hooks.wordlists import word_set

_I = word_set("i i'm i've i'd i'll me my mine myself")


def _measure(material: Material) -> Numbers | Missing:
    missing = english_only("first person", material)
    return missing or around(having(material, _I), reach=2)


SIGNAL = Signal("first person", "share of five sentences", "tells of their own experience", _measure)
