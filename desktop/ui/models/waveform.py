"""The waveform under the thumbnails: got once a source, painted into an image for whatever is in view."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QImage

from desktop.errors import ReelyError
from desktop.media.peaks import BIN, Excerpt, Peaks, Swings, read_excerpt
from desktop.source.models import Source
from desktop.trim.edit import MediaInput
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import Ports

_LANE, _EXCERPT = "waveform", "waveform-excerpt"
# The loudest sample fills the row, unless that would amplify a whisper; what is quiet is lifted a little.
_QUIETEST = 0.2
_LIFT = 0.75


class Waveform(QObject):
    """`fraction` is how much has been computed, None while nothing is; `peaks` is None until all has.

    Where a pixel is narrower than the bins of the peaks, the samples of what is in view are read.
    """

    changed = Signal()

    def __init__(self, ports: Ports, runner: OperationRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self.peaks: Peaks | None = None
        self._loudest = 1.0
        self._media: MediaInput | None = None
        self._excerpt: Excerpt | None = None
        self.fraction: float | None = None
        self._painted: tuple[object, ...] = ()
        self._image = QImage()

    def load(self, source: Source | None, media: MediaInput | None) -> None:
        """Begin with a source and the files that hold it; None: let go of it, or the files are to come."""
        for lane in (_LANE, _EXCERPT):
            self._runner.abandon(lane)
        self.peaks, self.fraction = None, None
        self._media, self._excerpt = media, None
        self._painted, self._image = (), QImage()
        self.changed.emit()
        if source is None or media is None or media.audio is None:
            return
        self._told(0.0)
        self._runner.start(
            Task(
                _LANE,
                lambda progress, token: self._ports.waveform(source, media, progress, token),
                on_success=self._take,
                on_failure=self._give_up,
                on_progress=lambda progress: self._told(progress.fraction),
            )
        )

    def _told(self, fraction: float) -> None:
        self.fraction = fraction
        self.changed.emit()

    def _take(self, peaks: Peaks | None) -> None:
        self.peaks, self.fraction = peaks, None
        if peaks is not None:
            self._loudest = max(_QUIETEST, peaks.loudest)
        self.changed.emit()

    def _give_up(self, _error: ReelyError) -> None:
        """The timeline can be used without; what is wrong with the sound is told when it is played or cut."""
        self._take(None)

    def want(self, view: tuple[float, float], columns: int) -> None:
        """Read the samples of `view` and of as much on both sides, if so few columns for it need them."""
        start, end = view
        media, peaks = self._media, self.peaks
        if peaks is None or media is None or media.audio is None or not columns:
            return
        if (end - start) / columns * peaks.rate >= BIN or (self._excerpt and self._excerpt.holds(start, end)):
            return
        path, origin = media.audio, media.origin
        around = max(0.0, start - (end - start)), end + (end - start)
        self._runner.start(
            Task(
                _EXCERPT,
                lambda _progress, _token: read_excerpt(path, *around, origin),
                on_success=self._take_excerpt,
            )
        )

    def _take_excerpt(self, excerpt: Excerpt | None) -> None:
        self._excerpt = excerpt
        self.changed.emit()

    def image(
        self, view: tuple[float, float], columns: int, height: int, colors: tuple[QColor, QColor]
    ) -> tuple[QImage, float, float] | None:
        """The waveform of `view` (seconds) as an image, a column a pixel, with the times of both its ends.

        Columns stay with their times when the view moves, so nothing flickers. `colors` are those of the
        swing and of the loudness. About 1 ms of work, and none while nothing changes.
        """
        peaks, (start, end) = self.peaks, view
        if peaks is None or columns < 1 or height < 1 or end <= start:
            return None
        column = (end - start) / columns
        first, count = math.floor(start / column), columns + 1
        fine = column * peaks.rate < BIN and self._excerpt is not None and self._excerpt.holds(start, end)
        sound = self._excerpt if fine and self._excerpt is not None else peaks
        wanted = (first, count, column, height, colors[0].rgba(), colors[1].rgba(), sound)
        if wanted != self._painted:
            swings = sound.swings(first, count, column) / np.float32(self._loudest)
            self._painted, self._image = wanted, _painted(swings, height, colors)
        return self._image, first * column, (first + count) * column


def _painted(swings: Swings, height: int, colors: tuple[QColor, QColor]) -> QImage:
    """Each row of `swings` as a column of pixels."""
    lifted = np.sign(swings) * np.abs(swings) ** _LIFT
    half = height / 2
    # One pixel at least, so that silence is a line.
    top = np.minimum(np.floor(half - half * lifted[:, 1]), math.ceil(half) - 1)
    bottom = np.maximum(np.ceil(half - half * lifted[:, 0]), math.floor(half) + 1)
    loud = half * lifted[:, 2]
    rows = np.arange(height)[:, None]
    inside = (rows >= top) & (rows < bottom)
    core = inside & (np.abs(rows + 0.5 - half) <= loud)
    swing, loudness = (np.uint32(color.rgba()) for color in colors)
    pixels = np.where(core, loudness, np.where(inside, swing, np.uint32(0)))
    # QImage keeps no reference to the array: the copy owns its pixels.
    data = np.ascontiguousarray(pixels, np.uint32).data
    return QImage(data, len(swings), height, 4 * len(swings), QImage.Format.Format_ARGB32).copy()
