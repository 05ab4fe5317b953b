"""Contrast: what was expected is turned round."""

from __future__ import annotations

import re

from desktop.hooks.signals.curve import Material, Missing, Signal, english_only

_TURN = re.compile(
    r"^(?:but|yet|instead|however)\b|\b(?:not\b.{1,40}\bbut|actually|turns? out|turned out|"
    r"even though|rather than|the (?:opposite|problem|truth|trouble|reality) is|in fact|except)\b",
    re.IGNORECASE,
)


def _measure(material: Material) -> list[float] | Missing:
    found = [float(bool(_TURN.search(sentence.text))) for sentence in material.sentences]
    return english_only("contrast", material) or found


SIGNAL = Signal("contrast", "0 or 1", "turns an expectation round", _measure, shows=True)
