"""Claims and numbers: figures, amounts and superlatives that can be checked and repeated."""

from __future__ import annotations

import re

from desktop.hooks.signals.curve import Material, Signal

_FIGURE = re.compile(
    r"\d|[%$€£]|\b(?:percent|million|billion|trillion|thousand|hundred|dozen|twice|half|most|best|worst|biggest"
    r"|largest|greatest|fastest|only|every|never|always)\b",
    re.IGNORECASE,
)


def _measure(material: Material) -> list[float]:
    return [min(1.0, len(_FIGURE.findall(sentence.text)) / 2) for sentence in material.sentences]


SIGNAL = Signal("claims and numbers", "0 to 1", "makes a claim or gives figures", _measure, shows=True)
