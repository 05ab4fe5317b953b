"""Undo and redo over values: the past, the present, and what was undone."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

# Nobody goes back further; it keeps a day of dragging small.
_DEPTH = 500


class History(Generic[T]):
    """A line of values of which one is the present. Equal neighbours are one value: the newest."""

    def __init__(self, first: T) -> None:
        self._past: list[T] = []
        self._present = first
        self._future: list[T] = []

    @property
    def present(self) -> T:
        return self._present

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    def record(self, value: T) -> None:
        """Make `value` the present; what was undone before is forgotten."""
        if value == self._present:
            self._present = value
            return
        self._past = [*self._past, self._present][-_DEPTH:]
        self._present = value
        self._future.clear()

    def undo(self) -> T:
        """Go one value back, if there is one, and return the present."""
        if self._past:
            self._future.append(self._present)
            self._present = self._past.pop()
        return self._present

    def redo(self) -> T:
        """Take back one undo, if there was one, and return the present."""
        if self._future:
            self._past.append(self._present)
            self._present = self._future.pop()
        return self._present
