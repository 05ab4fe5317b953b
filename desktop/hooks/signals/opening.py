"""A strong first sentence: short, and a question, a claim, a promise or the start of a story."""

from __future__ import annotations

import re

from desktop.hooks.signals.curve import Material, Place, Signal

_STRONG = re.compile(
    r"[?？]|\d|^(?:so )?(?:imagine|here'?s|let me|what if|the (?:first|biggest|most|best|worst|problem|"
    r"truth|reason|secret|thing|question)|one (?:day|of the)|when i|i (?:was|remember|want|thought|used|"
    r"never|had|have)|there (?:is|was|are|were)|if you|have you|do you|most|every|never|nobody|everyone)\b",
    re.IGNORECASE,
)


def _measure(material: Material) -> list[float]:
    return [
        float(bool(_STRONG.search(sentence.text))) * (1.0 if 3 <= len(tokens) <= 25 else 0.4)
        for sentence, tokens in zip(material.sentences, material.tokens, strict=True)
    ]


SIGNAL = Signal("opening", "0 to 1", "opens with a strong sentence", _measure, place=Place.FIRST, shows=True)
