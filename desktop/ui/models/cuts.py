"""The segments of an edit in their order, one of which is active: what the keys and handles change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from desktop.ui.models.grid import Selection

MOST = 100
"""Segments: as many as one list can be looked through."""


@dataclass(frozen=True)
class Cuts:
    """At least one segment. Which one is active makes no difference to what is cut, nor to being equal."""

    segments: tuple[Selection, ...]
    active: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.active < len(self.segments):
            raise ValueError("one of the segments is active")

    @property
    def selection(self) -> Selection:
        """The active segment."""
        return self.segments[self.active]

    @property
    def duration(self) -> float:
        """Seconds of all segments together."""
        return sum(segment.duration for segment in self.segments)

    def activated(self, number: int) -> Cuts:
        return replace(self, active=min(max(number, 0), len(self.segments) - 1))

    def changed(self, selection: Selection) -> Cuts:
        """The active segment is another one now."""
        rest = self.segments[: self.active], self.segments[self.active + 1 :]
        return Cuts((*rest[0], selection, *rest[1]), self.active)

    def added(self, selection: Selection) -> Cuts:
        """A segment more, active, before the first one that is cut from later in the source."""
        later = (n for n, each in enumerate(self.segments) if each.start > selection.start)
        at = next(later, len(self.segments))
        return Cuts((*self.segments[:at], selection, *self.segments[at:]), at)

    def divided(self, number: int, time: float) -> Cuts:
        """Segment `number` is two that meet at `time`, of which the second one is active."""
        whole = self.segments[number]
        halves = Selection(whole.start, time), Selection(time, whole.end)
        return Cuts((*self.segments[:number], *halves, *self.segments[number + 1 :]), number + 1)

    def removed(self, number: int) -> Cuts:
        """Without a segment; the last one stays."""
        if len(self.segments) == 1:
            return self
        rest = (*self.segments[:number], *self.segments[number + 1 :])
        active = self.active - 1 if number < self.active else self.active
        return Cuts(rest, min(active, len(rest) - 1))

    def moved(self, number: int, to: int) -> Cuts:
        """Segment `number` has place `to` in the order, and is active."""
        rest = (*self.segments[:number], *self.segments[number + 1 :])
        to = min(max(to, 0), len(rest))
        return Cuts((*rest[:to], self.segments[number], *rest[to:]), to)

    def each(self, change: Callable[[Selection], Selection]) -> Cuts:
        """Every segment changed in the same way."""
        return Cuts(tuple(change(segment) for segment in self.segments), self.active)

    def at(self, time: float) -> int | None:
        """The number of the segment that holds `time`, the active one before others."""
        holding = [n for n, each in enumerate(self.segments) if each.start <= time < each.end]
        if self.active in holding:
            return self.active
        return holding[0] if holding else None
