"""Emotion: words of strong feeling."""

from __future__ import annotations

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal, english_only
from desktop.hooks.signals.tokens import having
from desktop.hooks.wordlists import word_set

_FEELING = word_set(
    """love loved hate hated afraid scared fear terrified terrifying angry anger furious happy joy sad cried
    cry crying tears laugh laughed laughing funny hilarious amazing incredible awesome
    beautiful wonderful horrible
    terrible awful disgusting shame ashamed embarrassed
    embarrassing proud shocked shocking surprised crazy insane
    mad desperate heartbroken pain painful hurt lonely worst nightmare
    dream miracle wow god hell damn stupid ridiculous
    weird excited exciting thrilled panic grief"""
)


def _measure(material: Material) -> Numbers | Missing:
    return english_only("emotion", material) or having(material, _FEELING)


SIGNAL = Signal("emotion", "0 or 1", "words of strong feeling", _measure, shows=True)
