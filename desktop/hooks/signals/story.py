"""Story: something happened to somebody, and now it turns."""

from __future__ import annotations

import re

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal, english_only
from desktop.hooks.signals.tokens import around

_TOLD = re.compile(
    r"\b(?:one (?:day|night|morning|time)|once|(?:years?|months?|weeks?|days?) (?:ago|later)|"
    r"last (?:year|week|night)|suddenly|all of a sudden|and then|at (?:that|this) (?:point|moment)|"
    r"when i was|the next (?:day|morning)|"
    r"(?:i|he|she|we|they) (?:was|were|had|went|came|got|saw|thought|knew|felt|looked|took|found|"
    r"decided|realized))\b",
    re.IGNORECASE,
)


def _measure(material: Material) -> Numbers | Missing:
    found = [float(bool(_TOLD.search(sentence.text))) for sentence in material.sentences]
    return english_only("story", material) or around(found, reach=2)


SIGNAL = Signal("story", "share of five sentences", "tells a story", _measure, shows=True)
