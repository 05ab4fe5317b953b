"""A title for a hook: the one of its own sentences that makes most curious, without what hangs on it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from desktop.hooks.sentences import Sentence

LONGEST = 80
"""Characters."""
_LEADING = re.compile(
    r"^(?:(?:and|but|so|or|well|now|okay|ok|yeah|yes|because|then|um|uh|i mean|you know|anyway)\b[,\s]*)+",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"^(?:this|that|these|those|it|he|she|they|it's|that's|he's|she's|they're)\b", re.IGNORECASE
)
_CLAUSE = re.compile(r"[,;:—–]\s|\s--\s")
_QUOTES = '"“”„«»'


def title_of(sentences: Sequence[Sentence], worth: Sequence[float]) -> str:
    """At most `LONGEST` characters, none if nobody speaks; `worth` is how much each sentence counts."""
    best = max(range(len(sentences)), key=lambda k: (worth[k] + _fitness(sentences[k].text), -k))
    return _shortened(_bare(sentences[best].text))


def _fitness(text: str) -> float:
    words = len(text.split())
    size = 0.0 if 4 <= words <= 14 else -3.0 if words < 4 else -0.08 * (words - 14)
    return size - 0.6 * bool(_POINTING.match(_bare(text))) + 0.2 * text.rstrip().endswith("?")


def _bare(text: str) -> str:
    text = text.strip().lstrip("-–—> ")
    rest = _LEADING.sub("", text)
    text = rest if len(rest.split()) >= 3 else text
    if sum(text.count(mark) for mark in _QUOTES) == 1:  # the other half is in another sentence
        text = text.translate({ord(mark): None for mark in _QUOTES})
    text = text.rstrip(".。… ") or text
    return text[:1].upper() + text[1:]


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    ends = [found.start() for found in _CLAUSE.finditer(text) if LONGEST // 3 <= found.start() < LONGEST]
    if ends:
        return text[: ends[-1]] + "…"
    return (text[: LONGEST - 1].rpartition(" ")[0] or text[: LONGEST - 1]) + "…"
