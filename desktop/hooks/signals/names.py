"""Names: people, places and things that are called by name make a moment concrete."""

from __future__ import annotations

import re

from desktop.hooks.signals.curve import Material, Missing, Signal

_NAME = re.compile(r"(?<=[\w,] )(?!I\b|I['’])[A-ZÀ-Þ][\w'’-]+")
_NOUNS_HAVE_CAPITALS = frozenset({"de", "lb"})


def _measure(material: Material) -> list[float] | Missing:
    if (material.language or "").partition("-")[0].lower() in _NOUNS_HAVE_CAPITALS:
        return Missing("names", "all nouns have capitals in this language")
    found = [float(bool(_NAME.search(sentence.text))) for sentence in material.sentences]
    return found if any(found) else Missing("names", "the transcript has no capitals")


SIGNAL = Signal("names", "0 or 1", "names people, places or things", _measure)
