"""Liveliness: closer in meaning to a few lively sentences than to a few dry ones, by embeddings."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal
from desktop.hooks.signals.tokens import around

LIVELY = (
    "That is the funniest thing I have ever heard.",
    "My wife did not think that was a good idea.",
    "I am only joking, of course.",
    "That's it.",
    "Here it comes.",
    "It turns out that I was completely wrong.",
    "Let's give them a big round of applause.",
    "I failed every exam at school.",
    "No, really.",
    "Everybody burst out laughing at me.",
    "I googled it, and it got worse.",
    "Can we try that one more time?",
)
DRY = (
    "The city was founded beside a river.",
    "The disease spreads from person to person.",
    "Time and space are related.",
    "In the next section I will explain the method.",
    "I believe in you.",
    "Many people died in the war.",
    "Dreams come true if you work for them.",
    "The algorithm learns patterns from examples.",
    "The treaty was signed by all nations.",
    "She lost her family in the earthquake.",
    "This must stop, and it must stop now.",
    "Artists explore the relation between light and space.",
)
"""Dry or earnest: both of them chosen by cross-validation from some hundred that one might say."""


def _measure(material: Material) -> Numbers | Missing:
    if material.vectors is None or material.anchors is None:
        return Missing("liveliness", "the language model for comparing sentences is not there")
    lively, dry = material.anchors[: len(LIVELY)], material.anchors[len(LIVELY) :]
    near = (material.vectors @ lively.T).mean(axis=1) - (material.vectors @ dry.T).mean(axis=1)
    return np.asarray(0.5 * near + 0.5 * around(near, reach=2))


SIGNAL = Signal("liveliness", "difference of cosines", "lively rather than dry", _measure)
