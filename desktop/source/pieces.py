"""The pieces of a stream: in seconds and bytes, and which of them a part of the stream needs."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


class IndexUnreadableError(ValueError):
    """The bytes hold no index of a kind that is understood."""


class HeadTooShortError(IndexUnreadableError):
    """The index ends at byte `needed`, beyond the bytes that were given."""

    def __init__(self, needed: int) -> None:
        super().__init__(f"the index ends at byte {needed}")
        self.needed = needed


@dataclass(frozen=True)
class Piece:
    """A fragment (MP4) or cluster (WebM): seconds [start, end) of the stream, bytes [first, first + size)."""

    start: float
    end: float
    first: int
    size: int
    access: int = 1
    """The type of the stream access point that it starts with (ISO/IEC 14496-12, annex I); 0 for none.

    From type 3 on (an open GOP) the pictures shown first need the piece before.
    """

    @property
    def stop(self) -> int:
        """The byte after its last one."""
        return self.first + self.size


@dataclass(frozen=True)
class SegmentIndex:
    """The pieces in order, and `head`, the number of bytes before the first of them."""

    head: int
    pieces: tuple[Piece, ...]

    def place_of(self, byte: int) -> int:
        """The number of the piece that holds `byte`, or of the first one after it."""
        return bisect_right(self.pieces, byte, key=lambda piece: piece.stop)

    def clean_before(self, number: int) -> int:
        """The last piece up to `number` that refers to none before it (access points of type 1 or 2)."""
        told = any(piece.access for piece in self.pieces)
        while told and number > 0 and self.pieces[number].access not in {1, 2}:
            number -= 1
        return number

    def covering(self, start: float, end: float) -> tuple[Piece, ...]:
        """The pieces that hold any of the seconds [start, end), in order, and those needed to decode them.

        Where none does, for all lie before `start`, it is the last one.
        """
        touched = [
            number for number, piece in enumerate(self.pieces) if piece.start < end and piece.end > start
        ] or [len(self.pieces) - 1]
        return self.pieces[self._decodable_from(touched[0]) : touched[-1] + 1]

    def _decodable_from(self, number: int) -> int:
        """The piece at which decoding has to start to have all of piece `number`."""
        accesses = [piece.access for piece in self.pieces[: number + 1]]
        if not any(piece.access for piece in self.pieces):
            return number  # written by somebody who does not tell access points
        while number > 0 and accesses[number] == 0:
            number -= 1
        if accesses[number] > 2:
            number -= 1
            while number > 0 and accesses[number] == 0:
                number -= 1
        return max(number, 0)
