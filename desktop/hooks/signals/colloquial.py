"""Colloquial: people talk among friends here, and so do those who make others laugh."""

from __future__ import annotations

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal, english_only
from desktop.hooks.signals.tokens import around, having
from desktop.hooks.wordlists import word_set

_WORDS = word_set(
    """guy guys dude gonna wanna gotta kinda yeah yep nope hey wow oops um uh oh okay ok damn hell shit
    crap heck crazy insane weird stupid dumb idiot ridiculous silly nuts awesome cool freaking bloody
    bullshit suck sucks lame geek nerd awkward funny joke joking kidding hilarious laugh laughing
    laughed fun creepy cute ugly boring"""
)


def _measure(material: Material) -> Numbers | Missing:
    return english_only("colloquial", material) or around(having(material, _WORDS), reach=2)


SIGNAL = Signal("colloquial", "share of five sentences", "relaxed, as among friends", _measure)
