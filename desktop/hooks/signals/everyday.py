"""Everyday things: bodies, food and animals, which everybody can picture."""

from __future__ import annotations

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal, english_only
from desktop.hooks.signals.tokens import having
from desktop.hooks.wordlists import word_set

_THINGS = word_set(
    """pants underwear naked nude sex sexy butt ass toilet pee poop fart breast breasts hair beard bald fat
    belly nose mouth teeth kiss bed bathroom shower sweat smell smells vomit drunk beer wine vodka
    whiskey coffee pizza bacon cheese chocolate burger banana chicken cow pig dog dogs cat cats monkey
    penguin squirrel mom mum dad wife husband boyfriend girlfriend grandma grandmother baby"""
)


def _measure(material: Material) -> Numbers | Missing:
    return english_only("everyday things", material) or having(material, _THINGS)


SIGNAL = Signal("everyday things", "0 or 1", "about things that everybody can picture", _measure)
