"""Liveliness: closer in meaning to a few lively sentences than to a few dry ones, by embeddings."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal
from desktop.hooks.signals.tokens import around

LIVELY = (
    "That is the funniest thing I have ever heard.",
    "Everybody burst out laughing at me.",
    "I am only joking, of course.",
    "I was so embarrassed that I wanted to disappear.",
    "I made a complete fool of myself.",
    "My mother called me and complained.",
    "My wife did not think that was a good idea.",
    "When I was a kid, my brother dared me.",
    "Please raise your hand if you have ever done this.",
    "You should see your faces.",
    "And he looks at me and says no way.",
    "So I walk up to this guy and I go, hello.",
)
DRY = (
    "The system processes the data in parallel.",
    "The results show a significant correlation between the variables.",
    "This structure consists of several layers.",
    "The rate increased by forty percent over ten years.",
    "The government should reform its policy.",
    "Democracy depends on the rule of law.",
)


def _measure(material: Material) -> Numbers | Missing:
    if material.vectors is None or material.anchors is None:
        return Missing("liveliness", "the language model for comparing sentences is not there")
    lively, dry = material.anchors[: len(LIVELY)], material.anchors[len(LIVELY) :]
    near = (material.vectors @ lively.T).mean(axis=1) - (material.vectors @ dry.T).mean(axis=1)
    return np.asarray(0.5 * near + 0.5 * around(near, reach=2))


SIGNAL = Signal("liveliness", "difference of cosines", "lively rather than dry", _measure)
