"""Chapters of a clip: those of the source between in and out, on the clip's clock."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from desktop.media.probe import MediaChapter
from desktop.trim.plan import ClipPlan

_SHORTEST = Fraction(1, 100)
"""Seconds: what rounding leaves of a chapter next to the in or out point is none."""


def chapters_of(chapters: Sequence[MediaChapter], clip: ClipPlan) -> tuple[MediaChapter, ...]:
    """What of `chapters` is in the clip; a chapter that goes on across a join stays one."""
    found: list[MediaChapter] = []
    for segment, offset in zip(clip.segments, clip.offsets, strict=False):
        shift = offset - segment.start
        for chapter in chapters:
            start = max(Fraction(chapter.start), segment.start)
            end = min(Fraction(chapter.end), segment.end)
            if end - start < _SHORTEST:
                continue
            begins, ends = float(start + shift), float(end + shift)
            before = found[-1] if found else None
            if before is not None and (before.title, before.end) == (chapter.title, begins):
                begins = found.pop().start
            found.append(MediaChapter(start=begins, end=ends, title=chapter.title))
    return tuple(found)
