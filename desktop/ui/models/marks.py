"""Proposed segments on the timeline, such as hooks: shown, chosen, adjusted, and taken into the edit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from desktop.ui.models.grid import Selection
from desktop.ui.models.timeline import Timeline


@dataclass(frozen=True)
class Mark:
    """The range [start, end) in seconds on the source's clock, how good it is (0..100), and what it is."""

    start: float
    end: float
    score: float
    title: str

    @property
    def range(self) -> Selection:
        return Selection(self.start, self.end)


class Marks(QObject):
    """The marks of the source in the order they came (the best first), at most one of them chosen.

    `changed` is emitted for everything; `taken` with the number of a mark that became a segment.
    """

    changed = Signal()
    taken = Signal(int)

    def __init__(self, timeline: Timeline, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._marks: tuple[Mark, ...] = ()
        self._chosen: int | None = None
        timeline.loaded.connect(self.clear)

    @property
    def marks(self) -> tuple[Mark, ...]:
        return self._marks

    @property
    def chosen(self) -> int | None:
        """The number of the mark that the handles and keys act on."""
        return self._chosen

    def show(self, marks: Iterable[Mark], chosen: int | None = None) -> None:
        """Show these instead; their ends move to the nearest places where a cut can be."""
        self._marks = tuple(self._snapped(mark) for mark in marks if mark.start < self._timeline.duration)
        self._chosen = chosen
        self.changed.emit()

    def clear(self) -> None:
        if self._marks:
            self.show(())

    def choose(self, number: int | None) -> None:
        """Let one of them be the chosen one, and go to its start."""
        if number != self._chosen:
            self._chosen = number
            self.changed.emit()
        if number is not None:
            self._timeline.seek(self._marks[number].start)

    def set_in(self, number: int, time: float) -> None:
        """Let a mark start at the picture nearest to `time`."""
        self._change(number, self._timeline.grid.with_in(self._marks[number].range, time))

    def set_out(self, number: int, time: float) -> None:
        """Let a mark end at the picture nearest to `time`."""
        self._change(number, self._timeline.grid.with_out(self._marks[number].range, time))

    def slide(self, number: int, start: float) -> None:
        """Move a mark so that it starts near `start`."""
        self._change(number, self._timeline.grid.slid(self._marks[number].range, start))

    def take(self, number: int) -> None:
        """Make a mark a segment of the edit: the only one where everything was selected, else one more."""
        mark = self._marks[number]
        self._timeline.take(mark.start, mark.end)
        self.taken.emit(number)

    def take_chosen(self) -> None:
        """Key Enter: take the chosen one."""
        if self._chosen is not None:
            self.take(self._chosen)

    def _change(self, number: int, range_: Selection) -> None:
        changed = replace(self._marks[number], start=range_.start, end=range_.end)
        if changed != self._marks[number]:
            self._marks = (*self._marks[:number], changed, *self._marks[number + 1 :])
            self.changed.emit()

    def _snapped(self, mark: Mark) -> Mark:
        snapped = self._timeline.grid.snapped(mark.start, mark.end)
        return replace(mark, start=snapped.start, end=snapped.end)
