"""Where things are on the timeline: times to pixels and back, rows, ticks, what is under the pointer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

MARGIN = 18
"""Room on both sides, so that a handle at an end can be taken hold of. All lengths: logical pixels."""
RULER = 26
CHAPTERS = 24
OVERVIEW = 10
HANDLE = 12
BAR = 9
"""Height of the selection's upper bar, by which it is slid."""

# Steps between labelled ticks, in seconds, and into how many parts each is divided.
_STEPS = (
    (0.01, 5), (0.02, 4), (0.05, 5), (0.1, 5), (0.2, 4), (0.5, 5), (1, 5), (2, 4), (5, 5), (10, 5), (15, 3),
    (30, 6), (60, 6), (120, 4), (300, 5), (600, 5), (900, 3), (1800, 6), (3600, 6), (7200, 4), (14400, 4),
)  # fmt: skip
_LABEL_WIDTH = 92


class Part(Enum):
    """What can be taken hold of."""

    RULER = auto()
    TRACK = auto()
    IN_HANDLE = auto()
    OUT_HANDLE = auto()
    BAR = auto()
    OVERVIEW = auto()
    NOTHING = auto()


@dataclass(frozen=True)
class Row:
    """A horizontal strip: its upper edge and height."""

    top: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def holds(self, y: float) -> bool:
        return self.top <= y < self.bottom


@dataclass(frozen=True)
class Ticks:
    """Labelled times, the times of the small ticks between them, and how many decimals the labels need."""

    labelled: tuple[float, ...]
    minor: tuple[float, ...]
    decimals: int


@dataclass(frozen=True)
class Tile:
    """A place for a picture in the track: its left edge and width, and the time in its middle."""

    left: float
    width: float
    time: float


@dataclass(frozen=True)
class TimelineGeometry:
    """`view` is the range of seconds shown between the margins."""

    width: float
    height: float
    view: tuple[float, float]
    has_chapters: bool
    is_zoomed: bool

    @property
    def seconds_per_pixel(self) -> float:
        return (self.view[1] - self.view[0]) / max(1.0, self.width - 2 * MARGIN)

    def x_of(self, time: float) -> float:
        return MARGIN + (time - self.view[0]) / self.seconds_per_pixel if self.seconds_per_pixel else MARGIN

    def time_at(self, x: float) -> float:
        return self.view[0] + (x - MARGIN) * self.seconds_per_pixel

    @property
    def ruler(self) -> Row:
        return Row(0, RULER)

    @property
    def chapters(self) -> Row:
        return Row(RULER, CHAPTERS if self.has_chapters else 0)

    @property
    def track(self) -> Row:
        top = self.chapters.bottom + 2
        bottom = self.overview.top - 7 if self.is_zoomed else self.height - 8
        return Row(top, max(24.0, bottom - top))

    @property
    def overview(self) -> Row:
        return Row(self.height - OVERVIEW - 6, OVERVIEW)

    def part_at(self, x: float, y: float, selection: tuple[float, float]) -> Part:
        """What is under a point. The handles reach outwards from the selection's ends."""
        if self.ruler.holds(y):
            return Part.RULER
        if self.is_zoomed and self.overview.top - 4 <= y:
            return Part.OVERVIEW
        if self.track.holds(y):
            return self._part_of_track(x, y, self.x_of(selection[0]), self.x_of(selection[1]))
        return Part.TRACK if y < self.track.bottom else Part.NOTHING

    def _part_of_track(self, x: float, y: float, start: float, end: float) -> Part:
        to_in, to_out = x - start, x - end
        near_in = -HANDLE - 3 <= to_in <= 4
        near_out = -4 <= to_out <= HANDLE + 3
        if near_in and (not near_out or abs(to_in) < abs(to_out)):
            return Part.IN_HANDLE
        if near_out:
            return Part.OUT_HANDLE
        return Part.BAR if start < x < end and y < self.track.top + BAR else Part.TRACK

    def tiles(self, aspect: float) -> tuple[Tile, ...]:
        """Places for pictures of a shape (width over height), side by side over the whole track.

        They are counted from the source's start, so that they stay with their times when the view moves.
        """
        start, end = self.view
        width = max(8.0, self.track.height * aspect)
        span = width * self.seconds_per_pixel
        if span <= 0:
            return ()
        first, last = math.floor(start / span), math.ceil(end / span - 1e-9)
        return tuple(Tile(self.x_of(n * span), width, (n + 0.5) * span) for n in range(first, last))

    def ticks(self) -> Ticks:
        """Times worth a mark, so that labels keep their distance."""
        start, end = self.view
        if end <= start:
            return Ticks((), (), 0)
        widest = _LABEL_WIDTH * self.seconds_per_pixel
        step, parts = next((s for s in _STEPS if s[0] >= widest), _STEPS[-1])
        first, last = math.ceil(start / step - 1e-9), math.floor(end / step + 1e-9)
        labelled = tuple(n * step for n in range(first, last + 1))
        small = step / parts
        first, last = math.ceil(start / small - 1e-9), math.floor(end / small + 1e-9)
        minor = tuple(n * small for n in range(first, last + 1) if n % parts)
        decimals = 0 if step >= 1 else (1 if step >= 0.1 else 2)
        return Ticks(labelled, minor, decimals)
