"""What time it is for a lease: never earlier than what the device has seen, whatever its wall clock says."""

from __future__ import annotations

from dataclasses import dataclass

FALL_BACK = 2 * 3600.0  # seconds that a wall clock may fall back without a word: time zones, corrections


@dataclass(frozen=True)
class Clock:
    """The high-water mark and how far the wall clock is off, both from the last contact with the server.

    `mark` is in Unix seconds: the highest of the server's time and all that was journalled since. `offset`
    is the server's time less the wall clock's, in seconds. A wall clock that is set back stops time at the
    mark, one that is set forward lets a lease run out early; the next contact puts both right, so neither
    gives a unit nor takes one for good.
    """

    mark: float = 0.0
    offset: float = 0.0

    def now(self, wall: float) -> float:
        """The time in Unix seconds when the wall clock shows `wall`."""
        return max(self.mark, wall + self.offset)

    def fell_back(self, wall: float) -> bool:
        """Whether the wall clock shows a time well before one that the device has already seen."""
        return wall + self.offset < self.mark - FALL_BACK

    def advanced(self, wall: float) -> Clock:
        """The clock after something was journalled."""
        return Clock(self.now(wall), self.offset)

    def online(self, wall: float, server: float) -> Clock:
        """The clock after the server said that it is `server` (Unix seconds)."""
        return Clock(server, server - wall)
