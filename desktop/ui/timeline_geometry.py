"""Where things are on the timeline: times to pixels and back, rows, ticks, what is under the pointer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

MARGIN = 18
"""Room on both sides, so that a handle at an end can be taken hold of. All lengths: logical pixels."""
RULER = 26
CHAPTERS = 24
MARKS = 24
PICTURES = 88
WAVE = 36
OVERVIEW = 10
HANDLE = 12
EDGE = 5
"""Width of the handles of segments that are not active, and of marks."""
BAR = 9
"""Height of a segment's upper bar, by which it is slid."""

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
    MARK = auto()
    MARK_IN = auto()
    MARK_OUT = auto()
    OVERVIEW = auto()
    NOTHING = auto()


Range = tuple[float, float]
"""From and to, in seconds."""


@dataclass(frozen=True)
class Hit:
    """A part, and of which segment or mark it is one."""

    part: Part
    number: int = 0


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
    view: Range
    has_chapters: bool
    is_zoomed: bool
    has_marks: bool = False
    has_wave: bool = False

    @property
    def wanted_height(self) -> int:
        """What all rows together take."""
        rows = ((self.has_chapters, CHAPTERS), (self.has_marks, MARKS), (self.has_wave, WAVE))
        return RULER + 2 + PICTURES + 8 + sum(height for there, height in rows if there)

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
    def marks(self) -> Row:
        return Row(self.chapters.bottom, MARKS if self.has_marks else 0)

    @property
    def track(self) -> Row:
        """Pictures and waveform: what segments are drawn on."""
        top = self.marks.bottom + 2
        bottom = self.overview.top - 7 if self.is_zoomed else self.height - 8
        return Row(top, max(24.0, bottom - top))

    @property
    def wave(self) -> Row:
        track = self.track
        height = min(WAVE, track.height / 2) if self.has_wave else 0
        return Row(track.bottom - height, height)

    @property
    def pictures(self) -> Row:
        return Row(self.track.top, self.track.height - self.wave.height)

    @property
    def overview(self) -> Row:
        return Row(self.height - OVERVIEW - 6, OVERVIEW)

    def hit(self, x: float, y: float, segments: Sequence[Range], active: int, marks: Sequence[Range]) -> Hit:
        """What is under a point; the active segment is met before others, and a later mark before earlier."""
        if self.ruler.holds(y):
            return Hit(Part.RULER)
        if self.is_zoomed and self.overview.top - 4 <= y:
            return Hit(Part.OVERVIEW)
        if self.marks.holds(y):
            return self._hit_mark(x, marks)
        if not self.track.holds(y):
            return Hit(Part.TRACK if y < self.track.bottom else Part.NOTHING)
        order = [active, *(number for number in range(len(segments)) if number != active)]
        for number in order:
            reach = HANDLE if number == active else EDGE
            start, end = (self.x_of(time) for time in segments[number])
            part = _part_of_range(x, start, end, reach)
            if part is Part.BAR and not y < self.track.top + BAR:
                continue
            if part is not None:
                return Hit(part, number)
        return Hit(Part.TRACK)

    def _hit_mark(self, x: float, marks: Sequence[Range]) -> Hit:
        as_mark = {Part.IN_HANDLE: Part.MARK_IN, Part.OUT_HANDLE: Part.MARK_OUT, Part.BAR: Part.MARK}
        for number in reversed(range(len(marks))):
            start, end = (self.x_of(time) for time in marks[number])
            # The handles are inside: the next mark may begin right beside this one.
            inside = min(EDGE, (end - start) / 4)
            part = _part_of_range(x, start + inside, end - inside, inside)
            if part is not None:
                return Hit(as_mark[part], number)
        return Hit(Part.TRACK)

    def tiles(self, aspect: float) -> tuple[Tile, ...]:
        """Places for pictures of a shape (width over height), side by side over the whole track.

        They are counted from the source's start, so that they stay with their times when the view moves.
        """
        start, end = self.view
        width = max(8.0, self.pictures.height * aspect)
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


def _part_of_range(x: float, start: float, end: float, reach: float) -> Part | None:
    """What of a range from pixel to pixel is at x. The handles reach outwards from its ends."""
    to_in, to_out = x - start, x - end
    near_in = -reach - 3 <= to_in <= 4
    near_out = -4 <= to_out <= reach + 3
    if near_in and (not near_out or abs(to_in) < abs(to_out)):
        return Part.IN_HANDLE
    if near_out:
        return Part.OUT_HANDLE
    return Part.BAR if start < x < end else None
