"""Second person: the listener is spoken to."""

from __future__ import annotations

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal, english_only
from desktop.hooks.signals.tokens import having
from desktop.hooks.wordlists import word_set

_YOU = word_set("you you're you've you'd you'll your yours yourself yourselves y'all")


def _measure(material: Material) -> Numbers | Missing:
    return english_only("second person", material) or having(material, _YOU)


SIGNAL = Signal("second person", "0 or 1", "speaks to the listener", _measure)
