"""Self-contained: the first sentence can be understood by whoever has not heard what came before."""

from __future__ import annotations

import re

from desktop.hooks.signals.curve import Material, Missing, Place, Signal, english_only

_DANGLING = re.compile(
    r"^(?:(?:and|but|so|because|or|also|then|now|well|yes|no|yeah|okay)\b[,\s]*)*"
    r"(?:this|that|that's|these|those|it|it's|he|he's|she|she's|him|her|his|they|they're|them|their|which|who|"
    r"both|neither|such|there's|here's|same)\b",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"\bas (?:i|we) (?:said|mentioned|saw|showed)|\b(?:earlier|previously|above|the former|the latter)\b|"
    r"\blike i said\b|\b(?:again|going back|remember) to\b|\bso,? (?:with|given) that\b",
    re.IGNORECASE,
)
_JOINED = re.compile(r"^(?:and|but|or|because|so|which|then|also)\b", re.IGNORECASE)


def _measure(material: Material) -> list[float] | Missing:
    missing = english_only("self-contained", material)
    return missing or [_alone(sentence.text) for sentence in material.sentences]


def _alone(text: str) -> float:
    text = text.lstrip("\"'“‘ -–—>")
    if _DANGLING.match(text) or _BACK.search(text):
        return 0.0
    return 0.6 if _JOINED.match(text) else 1.0


SIGNAL = Signal(
    "self-contained", "0 to 1", "begins so that nothing before it is needed", _measure, place=Place.FIRST
)
