"""Whether bytes come as fast as they could: stalls, trickles and throttles of one connection."""

from __future__ import annotations

import time
from collections.abc import Callable

from yt_dlp.utils import YoutubeDLError

LEAST = 32 * 1024
"""Bytes within the user's patience below which a connection counts as stalled."""
_WINDOWS = 4  # looks at the speed within that time
_DROP = 8  # times slower than it was: throttled
_HOPELESS = 2  # connections in a row that are too slow from the start, before that is taken as it is


class StalledError(YoutubeDLError):
    """Too little comes over a connection, or not what was promised: it is better to open another."""


class Need:
    """The speed that a stream plays at, in bytes/s, and whether it is worth hoping for: one for a stream."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._slow = 0  # connections in a row

    def is_disappointed(self, best: float) -> bool:
        """Whether a connection whose best speed was `best` is worth giving up."""
        if best >= self.speed:
            self._slow = 0
            return False
        self._slow += 1
        return self._slow <= _HOPELESS


class Pace:
    """The speed of one connection, from its first byte on."""

    def __init__(self, patience: float, need: Need, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._need, self._clock = patience, need, clock
        self._began, self._bytes = clock(), 0
        self._best = 0.0

    def came(self, count: int, left: int) -> None:
        """`count` bytes have come, `left` are on their way. Raises StalledError if another is to be tried."""
        self._bytes += count
        spent = self._clock() - self._began
        if spent < self._patience / _WINDOWS:
            return
        speed = self._bytes / spent
        self._began, self._bytes = self._clock(), 0
        first, self._best = self._best == 0, max(self._best, speed)
        if left < speed * self._patience / _WINDOWS:
            return  # over before another connection has begun
        if speed * self._patience < LEAST or speed * _DROP < self._best:
            raise StalledError("the connection has become slow")
        if first and self._need.is_disappointed(self._best):
            raise StalledError("the connection is slower than the stream plays")
