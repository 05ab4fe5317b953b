"""Described: close in meaning to what the user asked for; without embeddings, by the words in common."""

from __future__ import annotations

from collections import Counter

import numpy as np

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal
from desktop.hooks.signals.tokens import around, tokens_of

_ENDINGS = ("ings", "ing", "ies", "ed", "es", "s", "y")
_SHORTEST_STEM = 3


def _measure(material: Material) -> Numbers | Missing:
    if material.wanted is None:
        return Missing("described", "nothing was described")
    if material.vectors is not None and material.wanted_vector is not None:
        near = (material.vectors @ material.wanted_vector).astype(np.float64)
    else:
        near = _shared(material)
        if not near.any():
            return Missing("described", f"none of the words of “{material.wanted}” are said")
    near = 0.5 * near + 0.5 * around(near, reach=1)
    return np.asarray((near - near.mean()) / max(float(near.std()), 1e-6))


def _shared(material: Material) -> Numbers:
    """The share of the description's words that a sentence has, each by how rare it is."""
    wanted = {_stem(token) for token in tokens_of(material.wanted or "")}
    said = [{_stem(token) for token in tokens} for tokens in material.tokens]
    counts = Counter(stem for stems in said for stem in stems)
    rarity = {stem: float(np.log((1 + len(said)) / (1 + counts[stem]))) for stem in wanted}
    whole = sum(rarity.values()) or 1.0
    return np.array([sum(rarity[stem] for stem in wanted & stems) / whole for stems in said])


def _stem(token: str) -> str:
    """`running`, `runs` and `run` as one; crude, and enough to count what is shared."""
    for ending in _ENDINGS:
        if token.endswith(ending) and len(token) - len(ending) >= _SHORTEST_STEM:
            token = token[: -len(ending)]
            break
    return token[:-1] if len(token) > _SHORTEST_STEM and token[-1] == token[-2] else token


SIGNAL = Signal("described", "deviations above the mean", "about what was asked for", _measure, shows=True)
