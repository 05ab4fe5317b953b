"""Question and answer: a question, weighed by whether an answer follows at once."""

from __future__ import annotations

import re

from desktop.hooks.signals.curve import Material, Signal

_MARK = re.compile(r"[?？؟]")
_OPENING = re.compile(
    r"^(?:who|what|when|where|why|how|which|is|are|do|does|did|can|could|would)\b.{8,}", re.IGNORECASE
)


def _measure(material: Material) -> list[float]:
    """1 for what follows a question and is none itself."""
    marked = any(_MARK.search(sentence.text) for sentence in material.sentences)
    asked = [
        bool(_MARK.search(sentence.text)) if marked else bool(_OPENING.match(sentence.text))
        for sentence in material.sentences
    ]
    return [float(before and not here) for before, here in zip([False, *asked], asked, strict=False)]


SIGNAL = Signal("question and answer", "0 or 1", "asks a question and answers it", _measure, shows=True)
