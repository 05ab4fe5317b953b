"""Quotability: a sentence of a size to remember that says something general, in plain words."""

from __future__ import annotations

import re

from desktop.hooks.signals.curve import Material, Missing, Signal, english_only

_GENERAL = re.compile(
    r"\b(?:is|are|means|becomes?|isn't|aren't|never|always|everyone|everything|nobody|nothing|people|life|world|"
    r"the (?:secret|key|point|reason|difference|only|best|first|thing) )\b",
    re.IGNORECASE,
)
_POINTING = re.compile(r"\b(?:this|that|these|those|here|there|he|she|him|her|they|them)\b", re.IGNORECASE)


def _measure(material: Material) -> list[float] | Missing:
    missing = english_only("quotability", material)
    return missing or [
        float(
            5 <= len(tokens) <= 16
            and bool(_GENERAL.search(sentence.text))
            and not _POINTING.search(sentence.text)
            and "?" not in sentence.text
        )
        for sentence, tokens in zip(material.sentences, material.tokens, strict=True)
    ]


SIGNAL = Signal("quotability", "0 or 1", "has a line to quote", _measure, shows=True)
