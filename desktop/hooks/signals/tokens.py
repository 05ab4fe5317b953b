"""Words as signals count them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np

from desktop.hooks.signals.curve import Material, Numbers

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d[\d.,]*")


def tokens_of(text: str) -> tuple[str, ...]:
    """Words and numbers in lower case, with plain apostrophes."""
    return tuple(word.lower().replace("’", "'") for word in _WORD.findall(text))


def having(material: Material, words: Collection[str]) -> Numbers:
    """1 for each sentence with any of the words, else 0."""
    return np.array([float(any(token in words for token in tokens)) for tokens in material.tokens])


def share_of(material: Material, words: Collection[str]) -> Numbers:
    """The share of each sentence's words among `words`; a sentence counts as three words at least."""
    return np.array(
        [sum(token in words for token in tokens) / max(3, len(tokens)) for tokens in material.tokens]
    )


def around(values: Sequence[float] | Numbers, reach: int) -> Numbers:
    """The mean over each sentence and `reach` of them on both sides."""
    padded = np.pad(np.asarray(values, dtype=np.float64), reach, mode="edge")
    return np.convolve(padded, np.full(2 * reach + 1, 1 / (2 * reach + 1)), "valid")
