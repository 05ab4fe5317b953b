"""Spoken style: verbs and people, where written language joins nouns with articles and prepositions."""

from __future__ import annotations

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal, english_only
from desktop.hooks.signals.tokens import share_of
from desktop.hooks.wordlists import word_set

_NOMINAL = word_set("the of in an these each many other within between by from which")


def _measure(material: Material) -> Numbers | Missing:
    return english_only("spoken style", material) or -share_of(material, _NOMINAL)


SIGNAL = Signal("spoken style", "minus the share of words that join nouns", "as one speaks", _measure)
