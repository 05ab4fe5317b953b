"""Looking for words in lines of text: where they are, and which of the places is looked at."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True)
class Match:
    """`length` characters from `start` on in line number `line`."""

    line: int
    start: int
    length: int


class Search(QObject):
    """All places of a query in some lines, whatever its case; `current` is the one that is looked at."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._starts: list[int] = [0]
        self.query = ""
        self.matches: tuple[Match, ...] = ()
        self.current: int | None = None

    def load(self, lines: Sequence[str]) -> None:
        """Look in these instead, for nothing at first."""
        self._text = "\n".join(lines)
        self._starts = [0, *accumulate(len(line) + 1 for line in lines)]
        self.look_for("")

    def look_for(self, query: str, near: int = 0) -> None:
        """Find all of them, and look at the first one in line `near` or after it."""
        self.query = " ".join(unicodedata.normalize("NFC", query).split())
        self.matches = tuple(self._found()) if self.query else ()
        at = bisect_left(self.matches, near, key=lambda match: match.line)
        self.current = at % len(self.matches) if self.matches else None
        self.changed.emit()

    def step(self, by: int) -> None:
        """To the next (1) or previous (-1) place, round and round."""
        if self.current is not None:
            self.current = (self.current + by) % len(self.matches)
            self.changed.emit()

    @property
    def match(self) -> Match | None:
        """What is looked at."""
        return self.matches[self.current] if self.current is not None else None

    def in_line(self, line: int) -> Sequence[Match]:
        """The places in one line."""
        first = bisect_left(self.matches, line, key=lambda match: match.line)
        last = bisect_right(self.matches, line, lo=first, key=lambda match: match.line)
        return self.matches[first:last]

    def _found(self) -> list[Match]:
        # All lines as one text: a pattern without a line feed stays within a line.
        pattern = re.compile(re.escape(self.query), re.IGNORECASE)
        found = []
        for each in pattern.finditer(self._text):
            line = bisect_right(self._starts, each.start()) - 1
            found.append(Match(line, each.start() - self._starts[line], each.end() - each.start()))
        return found
