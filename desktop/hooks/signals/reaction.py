"""Reaction: laughter and applause that captions name, that was heard, or that a speaker thanks for."""

from __future__ import annotations

import re

import numpy as np

from desktop.hooks.signals.curve import Material, Missing, Numbers, Signal
from desktop.hooks.speech import Sound

_FOLLOWS = 2.0  # seconds after a sentence within which a reaction is one to it
_FEWEST = 2  # one alone is that of the end
_THANKED = re.compile(
    r"\W*(?:(?:oh|well|okay|so),? )?(?:thank you|thanks)"
    r"(?:,? (?:very much|so much|guys|all|everyone|everybody))*\W*",
    re.IGNORECASE,
)


def _measure(material: Material) -> Numbers | Missing:
    starts, ends = material.starts, material.ends
    values = np.array(
        [float(bool(_THANKED.fullmatch(sentence.text))) for sentence in material.sentences], dtype=np.float64
    )
    for mark in material.sounds:
        place = int(np.searchsorted(starts, mark.start, side="right")) - 1
        if mark.sound is not Sound.MUSIC and place >= 0 and mark.start - ends[place] <= _FOLLOWS:
            values[place] = 1.0
    if values.sum() < _FEWEST:
        return Missing("reaction", "nothing tells of laughter or applause")
    return values


SIGNAL = Signal("reaction", "0 or 1", "the audience laughs or claps", _measure, of_words=False)
