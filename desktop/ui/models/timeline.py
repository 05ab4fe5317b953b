"""The timeline: how long the source is, where the playhead stands, what is selected, what is in view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, Signal

from desktop.media.frame_times import FrameTimes
from desktop.source.models import Chapter, HeatPoint, Source, StreamKind
from desktop.ui.models.cuts import MOST, Cuts
from desktop.ui.models.grid import Grid, Selection
from desktop.ui.models.history import History

# Used for stepping until the real frame times are known and where there is no picture.
_ASSUMED_FRAME = 1 / 25
_SHORTEST_VIEW_FRAMES = 12
# A segment that is added at the playhead lasts so much of the view, unless another one begins before.
_NEW_SEGMENT = 0.08


class Timeline(QObject):
    """All times are seconds on the source's clock. In and out points lie on picture boundaries.

    There is at least one segment; `selection` is the active one, which marking and dragging change.
    `playhead_changed` is emitted for every move; `selection_changed` whenever the segments or the active
    one change, while dragging too, and `history_changed` once an edit is finished.
    """

    loaded = Signal()
    playhead_changed = Signal(float)
    selection_changed = Signal()
    view_changed = Signal()
    history_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.chapters: tuple[Chapter, ...] = ()
        self.heatmap: tuple[HeatPoint, ...] = ()
        self.has_sound = False
        self._grid = Grid(0.0, _ASSUMED_FRAME)
        self._playhead = 0.0
        self._cuts = Cuts((Selection(0.0, 0.0),))
        self._history = History(self._cuts)
        self._view = (0.0, 0.0)

    # --- what is shown ---

    def load(self, source: Source) -> None:
        """Begin with a source: everything selected, everything in view, the playhead where the link says."""
        fps = next((s.fps for s in source.streams if s.fps), None)
        self._grid = Grid(source.duration, 1 / fps if fps else _ASSUMED_FRAME)
        self.chapters = source.chapters
        self.heatmap = source.heatmap
        self.has_sound = any(stream.kind is not StreamKind.VIDEO for stream in source.streams)
        self._cuts = Cuts((Selection(0.0, source.duration),))
        self._history = History(self._cuts)
        self._view = (0.0, source.duration)
        self._playhead = min(max(source.start_at, 0.0), source.duration)
        self.loaded.emit()
        self.view_changed.emit()
        self.selection_changed.emit()
        self.history_changed.emit()
        self.playhead_changed.emit(self._playhead)

    def set_frames(self, frames: FrameTimes | None) -> None:
        """The real pictures are known now: what was set before moves onto them."""
        frame = frames.typical_duration if frames is not None else self._grid.frame
        self._grid = Grid(self.duration, frame, frames)
        self._set(self._cuts.each(self._snapped))
        self._history = History(self._cuts)
        self.history_changed.emit()
        self.seek(self._playhead)

    def _snapped(self, selection: Selection) -> Selection:
        return self._grid.snapped(selection.start, selection.end)

    @property
    def duration(self) -> float:
        return self._grid.duration

    @property
    def frames(self) -> FrameTimes | None:
        """When the pictures are shown; None until that is known, and without a picture."""
        return self._grid.frames

    @property
    def grid(self) -> Grid:
        """Where cuts can be."""
        return self._grid

    # --- playhead ---

    @property
    def playhead(self) -> float:
        return self._playhead

    @property
    def last_position(self) -> float:
        """The furthest the playhead goes: the start of the last picture."""
        return self._grid.last_position

    def seek(self, time: float) -> None:
        """Move the playhead to the picture shown at `time`."""
        time = self._grid.position(time)
        if time != self._playhead:
            self._playhead = time
            self._keep_in_view(time)
            self.playhead_changed.emit(time)

    def step(self, frames: int) -> None:
        """Move the playhead by whole pictures, exactly."""
        if self.frames is not None:
            self.seek(self.frames.step(self._playhead, frames))
        else:
            self.seek(self._playhead + frames * self._grid.frame)

    def jump(self, seconds: float) -> None:
        """Move the playhead by seconds."""
        self.seek(self._playhead + seconds)

    def jump_to_mark(self, direction: int, others: Iterable[float] = ()) -> None:
        """To the next (1) or previous (-1) end of a segment, chapter, end of all, or one of `others`."""
        marks = {0.0, self.last_position, *others}
        for segment in self._cuts.segments:
            marks |= {segment.start, self._grid.last_picture(segment)}
        marks |= {chapter.start for chapter in self.chapters}
        half = self._grid.frame / 2
        if direction > 0:
            ahead = [m for m in marks if m > self._playhead + half]
            self.seek(min(ahead, default=self.last_position))
        else:
            self.seek(max((m for m in marks if m < self._playhead - half), default=0.0))

    # --- the active segment ---

    @property
    def selection(self) -> Selection:
        return self._cuts.selection

    @property
    def last_selected(self) -> float:
        """The start of the last picture inside the selection."""
        return self._grid.last_picture(self.selection)

    def set_in(self, time: float) -> None:
        """Start the selection at the picture boundary nearest to `time`; one picture at least remains."""
        self._change(self._grid.with_in(self.selection, time))

    def set_out(self, time: float) -> None:
        """End the selection at the picture boundary nearest to `time`; one picture at least remains."""
        self._change(self._grid.with_out(self.selection, time))

    def mark_in(self) -> None:
        """Key I: the segment starts with the picture at the playhead; an out point before is dropped."""
        end = self.selection.end if self.selection.end > self._playhead else self.duration
        self._change(self._grid.selection(self._playhead, end))
        self.commit()

    def mark_out(self) -> None:
        """Key O: the segment ends with the picture at the playhead; an in point after is dropped."""
        end = self._grid.first_end_after(self._playhead)
        start = self.selection.start if self.selection.start < end else 0.0
        self._change(self._grid.selection(start, end))
        self.commit()

    def nudge_in(self, frames: int) -> None:
        """Move the in point by whole pictures."""
        self.set_in(self._grid.moved(self.selection.start, frames))
        self.commit()

    def nudge_out(self, frames: int) -> None:
        """Move the out point by whole pictures."""
        self.set_out(self._grid.moved(self.selection.end, frames))
        self.commit()

    def slide(self, start: float) -> None:
        """Move the whole selection so that it starts near `start`, keeping its length."""
        self._change(self._grid.slid(self.selection, start))

    def select(self, start: float, end: float) -> None:
        """Select a range, such as a chapter."""
        self._change(self._grid.snapped(start, end))
        self.commit()

    # --- all segments ---

    @property
    def cuts(self) -> Cuts:
        """The segments in the order in which they are exported."""
        return self._cuts

    def activate(self, number: int) -> None:
        """Make a segment the one that is changed from now on."""
        self._set(self._cuts.activated(number))
        self._history.record(self._cuts)

    def add(self, start: float, end: float) -> None:
        """One more segment, active from now on."""
        if self.duration > 0 and len(self._cuts.segments) < MOST:
            self._finish(self._cuts.added(self._grid.snapped(start, end)))

    def take(self, start: float, end: float) -> None:
        """One more segment, or the only one where everything was selected."""
        if [(each.start, each.end) for each in self._cuts.segments] == [(0.0, self.duration)]:
            self.select(start, end)
        else:
            self.add(start, end)

    def add_at_playhead(self) -> None:
        """Key A: inside a segment divide it at the playhead, elsewhere begin a new one there."""
        if self.duration <= 0 or len(self._cuts.segments) >= MOST:
            return
        number = self._cuts.at(self._playhead)
        if number is None:
            nexts = [each.start for each in self._cuts.segments if each.start > self._playhead]
            length = max((self._view[1] - self._view[0]) * _NEW_SEGMENT, self._grid.frame)
            self.add(self._playhead, min([self._playhead + length, *nexts]))
        elif self._playhead > self._cuts.segments[number].start:
            self._finish(self._cuts.divided(number, self._playhead))

    def remove(self, number: int) -> None:
        """Leave a segment out. Of the last one everything is selected instead."""
        if len(self._cuts.segments) == 1:
            self.select_all()
        else:
            self._finish(self._cuts.removed(number))

    def move(self, number: int, to: int) -> None:
        """Give a segment another place in the order."""
        self._finish(self._cuts.moved(number, to))

    def select_all(self) -> None:
        """One segment that is all of the source."""
        self._finish(Cuts((self._grid.selection(0.0, self.duration),)))

    def choose(self, ranges: Sequence[tuple[float, float]]) -> None:
        """The edit becomes these segments; that can be undone."""
        if self.duration > 0 and ranges:
            self._finish(Cuts(tuple(self._grid.snapped(start, end) for start, end in ranges[:MOST])))

    def restore(self, ranges: Sequence[tuple[float, float]]) -> None:
        """Begin with these segments, as they were saved; where they do not fit, the nearest that do."""
        if self.duration > 0 and ranges:
            self._set(Cuts(tuple(self._grid.snapped(start, end) for start, end in ranges[:MOST])))
            self._history = History(self._cuts)
            self.history_changed.emit()

    # --- history ---

    def commit(self) -> None:
        """An edit is finished: it can be undone from here."""
        self._history.record(self._cuts)
        self.history_changed.emit()

    @property
    def can_undo(self) -> bool:
        return self._history.can_undo or self._history.present != self._cuts

    @property
    def can_redo(self) -> bool:
        return self._history.can_redo

    def undo(self) -> None:
        self._history.record(self._cuts)
        self._set(self._history.undo())
        self.history_changed.emit()

    def redo(self) -> None:
        self._set(self._history.redo())
        self.history_changed.emit()

    def _change(self, selection: Selection) -> None:
        self._set(self._cuts.changed(selection))

    def _finish(self, cuts: Cuts) -> None:
        self._set(cuts)
        self.commit()

    def _set(self, cuts: Cuts) -> None:
        if cuts != self._cuts or cuts.active != self._cuts.active:
            self._cuts = cuts
            self.selection_changed.emit()

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
        shortest = min(self.duration, _SHORTEST_VIEW_FRAMES * self._grid.frame)
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
        room = max(self.selection.duration * 0.1, 2 * self._grid.frame)
        self._show(self.selection.start - room, self.selection.duration + 2 * room)

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
