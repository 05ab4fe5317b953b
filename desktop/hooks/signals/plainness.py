"""Plain words: few long ones, so that it can be followed without what came before."""

from __future__ import annotations

from desktop.hooks.signals.curve import Material, Signal

_LONG = 8  # letters


def _measure(material: Material) -> list[float]:
    return [-sum(len(token) >= _LONG for token in tokens) / max(1, len(tokens)) for tokens in material.tokens]


SIGNAL = Signal("plain words", "minus the share of long words", "said in plain words", _measure)
