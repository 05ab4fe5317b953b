"""The timeline: how long the source is, where the playhead stands, what is selected, what is in view."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from desktop.media.frame_times import FrameTimes
from desktop.source.models import Chapter, HeatPoint, Source
from desktop.ui.models.history import History

# Used for stepping until the real frame times are known and where there is no picture.
_ASSUMED_FRAME = 1 / 25
_SHORTEST_VIEW_FRAMES = 12


@dataclass(frozen=True)
class Selection:
    """The range [start, end) in seconds that becomes the clip."""

    start: float
    end: float

    @property
    def duration(self) -> float:
        return self.end - self.start


class Timeline(QObject):
    """All times are seconds on the source's clock. In and out points lie on picture boundaries.

    `playhead_changed` is emitted for every move; `selection_changed` while dragging too, and
    `history_changed` once an edit is finished.
    """

    loaded = Signal()
    playhead_changed = Signal(float)
    selection_changed = Signal()
    view_changed = Signal()
    history_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.duration = 0.0
        self.frames: FrameTimes | None = None
        self.chapters: tuple[Chapter, ...] = ()
        self.heatmap: tuple[HeatPoint, ...] = ()
        self._frame = _ASSUMED_FRAME
        self._playhead = 0.0
        self._selection = Selection(0.0, 0.0)
        self._history = History(self._selection)
        self._view = (0.0, 0.0)

    # --- what is shown ---

    def load(self, source: Source) -> None:
        """Begin with a source: everything selected, everything in view, the playhead where the link says."""
        self.duration = source.duration
        self.frames = None
        self.chapters = source.chapters
        self.heatmap = source.heatmap
        fps = next((s.fps for s in source.streams if s.fps), None)
        self._frame = 1 / fps if fps else _ASSUMED_FRAME
        self._selection = Selection(0.0, source.duration)
        self._history = History(self._selection)
        self._view = (0.0, source.duration)
        self._playhead = min(max(source.start_at, 0.0), source.duration)
        self.loaded.emit()
        self.view_changed.emit()
        self.selection_changed.emit()
        self.history_changed.emit()
        self.playhead_changed.emit(self._playhead)

    def set_frames(self, frames: FrameTimes | None) -> None:
        """The real pictures are known now: what was set before moves onto them."""
        self.frames = frames
        if frames is not None:
            self._frame = frames.typical_duration
        self._select(self._boundary(self._selection.start), self._boundary(self._selection.end))
        self._history = History(self._selection)
        self.history_changed.emit()
        self.seek(self._playhead)

    @property
    def frame_duration(self) -> float:
        """The usual time between two pictures."""
        return self._frame

    # --- playhead ---

    @property
    def playhead(self) -> float:
        return self._playhead

    @property
    def last_position(self) -> float:
        """The furthest the playhead goes: the start of the last picture."""
        if self.frames is not None:
            return min(self.frames.start_of(len(self.frames) - 1), self.duration)
        return max(0.0, self.duration - self._frame)

    def seek(self, time: float) -> None:
        """Move the playhead to the picture shown at `time`."""
        time = min(max(time, 0.0), self.last_position)
        if self.frames is not None:
            time = max(0.0, self.frames.floor(time))
        if time != self._playhead:
            self._playhead = time
            self._keep_in_view(time)
            self.playhead_changed.emit(time)

    def step(self, frames: int) -> None:
        """Move the playhead by whole pictures, exactly."""
        if self.frames is not None:
            self.seek(self.frames.step(self._playhead, frames))
        else:
            self.seek(self._playhead + frames * self._frame)

    def jump(self, seconds: float) -> None:
        """Move the playhead by seconds."""
        self.seek(self._playhead + seconds)

    def jump_to_mark(self, direction: int) -> None:
        """To the next (1) or previous (-1) point of interest: in, out, chapter starts, both ends."""
        marks = {0.0, self.last_position, self._selection.start, self.last_selected}
        marks |= {chapter.start for chapter in self.chapters}
        half = self._frame / 2
        if direction > 0:
            ahead = [m for m in marks if m > self._playhead + half]
            self.seek(min(ahead, default=self.last_position))
        else:
            self.seek(max((m for m in marks if m < self._playhead - half), default=0.0))

    # --- selection ---

    @property
    def selection(self) -> Selection:
        return self._selection

    @property
    def last_selected(self) -> float:
        """The start of the last picture inside the selection."""
        if self.frames is not None:
            return self.frames.floor(math.nextafter(self._selection.end, 0))
        return max(self._selection.start, self._selection.end - self._frame)

    def set_in(self, time: float) -> None:
        """Start the selection at the picture boundary nearest to `time`; one picture at least remains."""
        start = self._boundary(time)
        self._select(min(start, self._last_start_before(self._selection.end)), self._selection.end)

    def set_out(self, time: float) -> None:
        """End the selection at the picture boundary nearest to `time`; one picture at least remains."""
        end = self._boundary(time)
        self._select(self._selection.start, max(end, self._first_end_after(self._selection.start)))

    def mark_in(self) -> None:
        """Key I: the picture at the playhead is the first of the clip; an out point before it is dropped."""
        end = self._selection.end if self._selection.end > self._playhead else self.duration
        self._select(self._playhead, end)
        self.commit()

    def mark_out(self) -> None:
        """Key O: the picture at the playhead is the last of the clip; an in point after it is dropped."""
        end = self._first_end_after(self._playhead)
        start = self._selection.start if self._selection.start < end else 0.0
        self._select(start, end)
        self.commit()

    def nudge_in(self, frames: int) -> None:
        """Move the in point by whole pictures."""
        self._select(
            min(self._moved(self._selection.start, frames), self._last_start_before(self._selection.end)),
            self._selection.end,
        )
        self.commit()

    def nudge_out(self, frames: int) -> None:
        """Move the out point by whole pictures."""
        self._select(
            self._selection.start,
            max(self._moved(self._selection.end, frames), self._first_end_after(self._selection.start)),
        )
        self.commit()

    def _moved(self, boundary: float, frames: int) -> float:
        """The boundary `frames` pictures after (before, if negative) another one."""
        if self.frames is None:
            return min(max(boundary + frames * self._frame, 0.0), self.duration)
        count = len(self.frames)
        index = self.frames.index_at(boundary)
        if boundary >= self.frames.end_of(count - 1):
            index = count
        return self._boundary(self.frames.start_of(min(max(index + frames, 0), count)))

    def slide(self, start: float) -> None:
        """Move the whole selection so that it starts near `start`, keeping its length."""
        length = self._selection.duration
        start = self._boundary(min(max(start, 0.0), self.duration - length))
        self._select(start, max(self._boundary(start + length), self._first_end_after(start)))

    def select_all(self) -> None:
        self._select(0.0, self.duration)
        self.commit()

    def select(self, start: float, end: float) -> None:
        """Select a range, such as a chapter."""
        self._select(self._boundary(start), self._boundary(end))
        self.commit()

    def commit(self) -> None:
        """An edit is finished: it can be undone from here."""
        self._history.record(self._selection)
        self.history_changed.emit()

    @property
    def can_undo(self) -> bool:
        return self._history.can_undo or self._history.present != self._selection

    @property
    def can_redo(self) -> bool:
        return self._history.can_redo

    def undo(self) -> None:
        self._history.record(self._selection)
        self._restore(self._history.undo())

    def redo(self) -> None:
        self._restore(self._history.redo())

    def _restore(self, selection: Selection) -> None:
        self._select(selection.start, selection.end)
        self.history_changed.emit()

    def _select(self, start: float, end: float) -> None:
        start = min(max(start, 0.0), self.duration)
        end = min(max(end, 0.0), self.duration)
        if self.frames is not None:  # one picture at least, though sound may begin earlier and end later
            start = min(start, self.last_position)
            end = max(end, self.frames.end_of(0))
        if self.duration and not start < end:
            start, end = self._last_start_before(end or self.duration), end or self.duration
        if (start, end) != (self._selection.start, self._selection.end):
            self._selection = Selection(start, end)
            self.selection_changed.emit()

    def _boundary(self, time: float) -> float:
        """The nearest place where a cut can be: between two pictures, or at an end of the source."""
        if time <= 0 or time >= self.duration:
            return min(max(time, 0.0), self.duration)
        if self.frames is None:
            return time
        boundary = self.frames.nearest_boundary(time)
        # Sound may begin before the first picture and end after the last one.
        return min((boundary, 0.0, self.duration), key=lambda b: abs(b - time))

    def _last_start_before(self, end: float) -> float:
        if self.frames is None:
            return max(0.0, end - self._frame)
        start = self.frames.floor(math.nextafter(end, 0))
        return start if start < end else 0.0  # before the first picture there is only sound

    def _first_end_after(self, start: float) -> float:
        if self.frames is None:
            return min(self.duration, start + self._frame)
        return min(self.duration, max(self.frames.end_of(self.frames.index_at(start)), start))

    # --- view ---

    @property
    def view(self) -> tuple[float, float]:
        """The part of the source that is shown, in seconds."""
        return self._view

    @property
    def zoom_level(self) -> float:
        """1: everything is in view."""
        shown = self._view[1] - self._view[0]
        return self.duration / shown if shown else 1.0

    def zoom(self, factor: float, anchor: float | None = None) -> None:
        """Show `factor` times less, keeping the time `anchor` (default: the playhead) where it is."""
        start, end = self._view
        if end <= start:
            return
        anchor = self._playhead if anchor is None else anchor
        anchor = min(max(anchor, start), end)
        shortest = min(self.duration, _SHORTEST_VIEW_FRAMES * self._frame)
        shown = min(max((end - start) / factor, shortest), self.duration)
        share = (anchor - start) / (end - start)
        self._show(anchor - share * shown, shown)

    def pan(self, seconds: float) -> None:
        start, end = self._view
        self._show(start + seconds, end - start)

    def fit(self) -> None:
        """Show everything."""
        self._show(0.0, self.duration)

    def fit_selection(self) -> None:
        """Show the selection with a little room on both sides."""
        room = max(self._selection.duration * 0.1, 2 * self._frame)
        self._show(self._selection.start - room, self._selection.duration + 2 * room)

    def _show(self, start: float, shown: float) -> None:
        shown = min(shown, self.duration)
        start = min(max(start, 0.0), self.duration - shown)
        if (start, start + shown) != self._view:
            self._view = (start, start + shown)
            self.view_changed.emit()

    def _keep_in_view(self, time: float) -> None:
        start, end = self._view
        if not start <= time <= end:
            self._show(time - (end - start) * 0.1, end - start)
