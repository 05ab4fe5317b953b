"""Novelty: how far a sentence is from what the whole is about, by its embedding."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal
from desktop.hooks.signals.tokens import around


def _measure(material: Material) -> Numbers | Missing:
    if material.vectors is None:
        return Missing("novelty", "the language model for comparing sentences is not there")
    vectors = material.vectors.astype(np.float64)
    centre = vectors.mean(axis=0)
    centre /= max(float(np.linalg.norm(centre)), 1e-9)
    return around(1.0 - vectors @ centre, reach=1)


SIGNAL = Signal("novelty", "1 minus cosine", "differs from the rest", _measure)
