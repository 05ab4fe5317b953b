"""Delivery: exclamations, and thoughts that break off or turn, as those who write captions mark them."""

from __future__ import annotations

import re

from desktop.hooks.signals.curve import Material, Signal

_MARKS = re.compile(r"[!！]|--|—|–|\.\.\.|…")


def _measure(material: Material) -> list[float]:
    return [float(bool(_MARKS.search(sentence.text))) for sentence in material.sentences]


SIGNAL = Signal("delivery", "0 or 1", "lively delivery, with breaks and exclamations", _measure, shows=True)
