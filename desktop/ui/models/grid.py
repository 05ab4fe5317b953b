"""Where a source can be cut and where its playhead can stand: between pictures, and at both ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

from desktop.media.frame_times import FrameTimes


@dataclass(frozen=True)
class Selection:
    """The range [start, end) in seconds that becomes a clip, or a part of one."""

    start: float
    end: float

    @property
    def duration(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, eq=False)
class Grid:
    """The boundaries of a source of `duration` seconds, whose pictures last `frame` seconds as a rule.

    `frames` is None until the real pictures are known and where there are none: then any time is a boundary.
    """

    duration: float
    frame: float
    frames: FrameTimes | None = None

    @property
    def last_position(self) -> float:
        """The furthest the playhead goes: the start of the last picture."""
        if self.frames is not None:
            return min(self.frames.start_of(len(self.frames) - 1), self.duration)
        return max(0.0, self.duration - self.frame)

    def position(self, time: float) -> float:
        """Where the playhead stands for `time`: the start of the picture that is shown then."""
        time = min(max(time, 0.0), self.last_position)
        return max(0.0, self.frames.floor(time)) if self.frames is not None else time

    def boundary(self, time: float) -> float:
        """The nearest place where a cut can be: between two pictures, or at an end of the source."""
        if time <= 0 or time >= self.duration:
            return min(max(time, 0.0), self.duration)
        if self.frames is None:
            return time
        boundary = self.frames.nearest_boundary(time)
        # Sound may begin before the first picture and end after the last one.
        return min((boundary, 0.0, self.duration), key=lambda b: abs(b - time))

    def moved(self, boundary: float, frames: int) -> float:
        """The boundary `frames` pictures after (before, if negative) another one."""
        if self.frames is None:
            return min(max(boundary + frames * self.frame, 0.0), self.duration)
        count = len(self.frames)
        index = self.frames.index_at(boundary)
        if boundary >= self.frames.end_of(count - 1):
            index = count
        return self.boundary(self.frames.start_of(min(max(index + frames, 0), count)))

    def last_start_before(self, end: float) -> float:
        """Where a selection of one picture that ends at `end` would start."""
        if self.frames is None:
            return max(0.0, end - self.frame)
        start = self.frames.floor(math.nextafter(end, 0))
        return start if start < end else 0.0  # before the first picture there is only sound

    def first_end_after(self, start: float) -> float:
        """Where a selection of one picture that starts at `start` would end."""
        if self.frames is None:
            return min(self.duration, start + self.frame)
        return min(self.duration, max(self.frames.end_of(self.frames.index_at(start)), start))

    def last_picture(self, selection: Selection) -> float:
        """The start of the last picture inside a selection."""
        if self.frames is not None:
            return self.frames.floor(math.nextafter(selection.end, 0))
        return max(selection.start, selection.end - self.frame)

    def selection(self, start: float, end: float) -> Selection:
        """The range between two boundaries, inside the source, of one picture at least."""
        start = min(max(start, 0.0), self.duration)
        end = min(max(end, 0.0), self.duration)
        if self.frames is not None:  # one picture at least, though sound may begin earlier and end later
            start = min(start, self.last_position)
            end = max(end, self.frames.end_of(0))
        if self.duration and not start < end:
            start, end = self.last_start_before(end or self.duration), end or self.duration
        return Selection(start, end)

    def snapped(self, start: float, end: float) -> Selection:
        """The selection between the boundaries that are nearest to two times."""
        return self.selection(self.boundary(start), self.boundary(end))

    def with_in(self, selection: Selection, time: float) -> Selection:
        """The selection when it starts at the boundary nearest to `time`; one picture at least remains."""
        start = min(self.boundary(time), self.last_start_before(selection.end))
        return self.selection(start, selection.end)

    def with_out(self, selection: Selection, time: float) -> Selection:
        """The selection when it ends at the boundary nearest to `time`; one picture at least remains."""
        end = max(self.boundary(time), self.first_end_after(selection.start))
        return self.selection(selection.start, end)

    def slid(self, selection: Selection, start: float) -> Selection:
        """The selection when it is moved to start near `start`, keeping its length."""
        start = self.boundary(min(max(start, 0.0), self.duration - selection.duration))
        end = max(self.boundary(start + selection.duration), self.first_end_after(start))
        return self.selection(start, end)
