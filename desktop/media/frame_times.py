"""When each picture of a video is shown: the grid on which playheads step and cuts are made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FrameTimes:
    """The pictures of one video stream in order of presentation.

    `starts` are their presentation times in seconds on the source's clock (float64, strictly increasing,
    never empty); a picture is shown until the next one starts, the last one until `end`.
    """

    starts: NDArray[np.float64]
    end: float

    def __post_init__(self) -> None:
        if self.starts.ndim != 1 or self.starts.size == 0 or not self.starts[-1] < self.end:
            raise ValueError("frame times are a non-empty row of seconds that ends before `end`")
        if np.any(np.diff(self.starts) <= 0):
            raise ValueError("frame times are strictly increasing")
        self.starts.setflags(write=False)

    def __len__(self) -> int:
        return int(self.starts.size)

    def index_at(self, time: float) -> int:
        """The picture shown at `time`: the last one that starts at or before it, else the first one."""
        return max(0, int(np.searchsorted(self.starts, time, side="right")) - 1)

    def start_of(self, index: int) -> float:
        """When picture `index` appears; `len(self)` stands for the end of the last one."""
        return self.end if index >= len(self) else float(self.starts[max(0, index)])

    def end_of(self, index: int) -> float:
        """When picture `index` gives way to the next one."""
        return self.start_of(index + 1)

    def floor(self, time: float) -> float:
        """The start of the picture shown at `time`."""
        return self.start_of(self.index_at(time))

    def nearest_boundary(self, time: float) -> float:
        """The start of a picture, or the end of the last one, that is closest to `time`."""
        index = self.index_at(time)
        start, end = self.start_of(index), self.end_of(index)
        return end if end - time < time - start else start

    def step(self, time: float, frames: int) -> float:
        """The start of the picture `frames` after (before, if negative) the one shown at `time`."""
        return self.start_of(min(max(self.index_at(time) + frames, 0), len(self) - 1))

    @property
    def typical_duration(self) -> float:
        """The median time between pictures, in seconds."""
        if len(self) == 1:
            return self.end - float(self.starts[0])
        return float(np.median(np.diff(self.starts)))
