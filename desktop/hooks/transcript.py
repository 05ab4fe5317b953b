"""A transcript: what is said in a source and when, as captions or speech recognition give it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from desktop.hooks.models import Origin
from desktop.source.models import Chapter
from desktop.source.text import clean_text

MOST_CUES = 100_000
"""A day of captions has about 30,000."""
LATEST = 7 * 24 * 3600.0
"""Seconds; whatever claims to be later is no time on a source's clock."""
_LONGEST_TEXT = 4000  # characters of one cue


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Word(_Frozen):
    """One word as it is written, with its times in seconds."""

    start: float
    end: float
    text: str


class Cue(_Frozen):
    """Text with its times in seconds; with the times of its words where they are known."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()


class Transcript(_Frozen):
    """Cues in the order of their times. Times are seconds on the source's clock."""

    origin: Origin
    cues: tuple[Cue, ...]
    language: str | None = None
    """A language tag such as `en` or `pt-BR`; None if nobody said."""
    duration: float | None = None
    title: str | None = None
    chapters: tuple[Chapter, ...] = ()
    track: str | None = None
    """Which captions these are: the name of a file, or of a track."""
    preferred: bool = False
    """Whether the user wanted these words though there were captions."""

    @property
    def end(self) -> float:
        """Seconds: the source's length if it is known, else when the last cue ends."""
        return self.duration or max((cue.end for cue in self.cues), default=0.0)


def tidy(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """Cues that can be relied on: in order, on one line each, with finite times that do not run backwards.

    What has no text or no usable time is left out, as is everything after `MOST_CUES`.
    """
    kept = []
    for cue in cues:
        text = clean_text(cue.text, _LONGEST_TEXT)
        if not text or not usable(cue.start):
            continue
        end = cue.end if usable(cue.end) and cue.end >= cue.start else cue.start
        words = tuple(
            Word(
                start=word.start, end=max(word.start, word.end) if usable(word.end) else word.start, text=said
            )
            for word in cue.words
            if usable(word.start) and (said := clean_text(word.text, 200))
        )
        kept.append(Cue(start=cue.start, end=end, text=text, words=words))
        if len(kept) == MOST_CUES:
            break
    return tuple(sorted(kept, key=lambda cue: (cue.start, cue.end)))


def usable(seconds: float) -> bool:
    """Whether this can be a time on a source's clock."""
    return math.isfinite(seconds) and 0 <= seconds <= LATEST
