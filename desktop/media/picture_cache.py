"""The decoded pictures around the playhead, shrunk, and those that were just passed, not shrunk yet."""

from __future__ import annotations

from collections.abc import Callable

from av.video.frame import VideoFrame

from desktop.media.frame_decoder import Scaler

# Of those passed earlier every so many is kept for glimpses.
_MESH = 4


class PictureCache:
    """Pictures by their index, at most `capacity` shrunk ones: those farthest from `playhead` go first.

    One thread writes; `nearest` and `get` may be called on others. Of passed pictures the last `passed` are
    kept as they were decoded.
    """

    def __init__(self, scaler: Scaler, capacity: int, passed: int) -> None:
        self._scaler = scaler
        self._capacity = capacity
        self._most_passed = passed
        self._shrunk: dict[int, VideoFrame] = {}
        self._passed: dict[int, VideoFrame] = {}  # in order
        self.playhead = 0

    def __contains__(self, index: int) -> bool:
        return index in self._shrunk or index in self._passed

    def __len__(self) -> int:
        return len(self._shrunk)

    def get(self, index: int) -> VideoFrame | None:
        """The shrunk picture, if it is there."""
        return self._shrunk.get(index)

    def nearest(self, index: int) -> int | None:
        """The shrunk picture that is closest to `index`."""
        # A copy: the writing thread adds and removes pictures meanwhile.
        return min(list(self._shrunk), key=lambda each: abs(each - index), default=None)

    def last_until(self, index: int) -> int | None:
        """The last shrunk picture at or before `index`."""
        return max((each for each in self._shrunk if each <= index), default=None)

    def first_of_run(self, index: int) -> int:
        """Where the pictures begin that are there without a gap up to the one before `index`."""
        while index - 1 in self._shrunk:
            index -= 1
        return index

    def missing(self, wanted: range) -> list[int]:
        """Those of `wanted` that are not there, in order."""
        return [index for index in wanted if index not in self._shrunk]

    def add(self, index: int, picture: VideoFrame) -> None:
        """Shrink a decoded picture and keep it."""
        if index not in self._shrunk:
            self._shrunk[index] = self._scaler.shrink(picture)
        if len(self._shrunk) > self._capacity:
            # Never the one just decoded: it may be the one that was asked for.
            others = (each for each in self._shrunk if each != index)
            del self._shrunk[max(others, key=lambda each: abs(each - self.playhead))]

    def pass_by(self, index: int, picture: VideoFrame) -> None:
        """A picture on the way: shrinking it can wait until the one that was asked for is delivered."""
        self._passed[index] = picture
        if len(self._passed) > self._most_passed:
            oldest = next(iter(self._passed))
            picture = self._passed.pop(oldest)
            if oldest % _MESH == 0:
                self.add(oldest, picture)

    def shrunk(self, index: int) -> VideoFrame:
        """A picture that was passed, or is there."""
        if index in self._passed:
            self.add(index, self._passed.pop(index))
        return self._shrunk[index]

    def keep_passed(self, busy: Callable[[], bool]) -> None:
        """Shrink the pictures that were passed, the last first; only some while there is other work."""
        while self._passed:
            rushed = busy()  # which may ask for any of them
            if self._passed:
                index, picture = self._passed.popitem()
                if not rushed or index % _MESH == 0:
                    self.add(index, picture)

    def clear(self) -> None:
        self._shrunk.clear()
        self._passed.clear()
