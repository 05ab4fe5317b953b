"""The thumbnails on the timeline: which are wanted, which are there, from storyboards or keyframes."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QImage, QImageReader

from desktop.errors import ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.media.frames import FrameServer
from desktop.source.models import Source, Storyboard
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import OnProgress, Ports

_SHEETS = 32  # kept in memory, of 1 to 2 MB each
_ATTEMPTS = 3  # of one sheet; a network may have its moments
_KEYFRAMES = 400  # kept in memory, of 20 to 80 kB each
_LARGEST_SHEET = 4096 * 4096  # pixels
_ASPECT = 16 / 9

SheetKey = tuple[Storyboard, int]


class _Wishes:
    """The sheets still to be got; shared by the GUI thread and the one that gets them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: list[SheetKey] = []
        self._on_the_way: set[SheetKey] = set()
        self._at_work = False

    def replace(self, keys: Sequence[SheetKey]) -> bool:
        """Want these instead, the first one first. True if nobody is at work on them: begin."""
        with self._lock:
            self._keys = [key for key in keys if key not in self._on_the_way]
            begin = bool(self._keys) and not self._at_work
            self._at_work = self._at_work or begin
            return begin

    def next(self) -> SheetKey | None:
        """What to get now; None: nothing more, the work ends."""
        with self._lock:
            self._at_work = bool(self._keys)
            if not self._keys:
                return None
            key = self._keys.pop(0)
            self._on_the_way.add(key)
            return key

    def arrived(self, key: SheetKey) -> None:
        with self._lock:
            self._on_the_way.discard(key)


class Strip(QObject):
    """Gives pictures for times, as far as they are there, and says when more have come.

    For a link without storyboards and for a file they are keyframes of the preview.
    """

    changed = Signal()
    _sheet_came = Signal(int, object, QImage)
    _keyframe_came = Signal(int, float, QImage)

    def __init__(self, ports: Ports, runner: OperationRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self._generation = 0
        self._boards: tuple[Storyboard, ...] = ()
        self._frames: FrameServer | None = None
        self._key_times: NDArray[np.float64] = np.empty(0)
        self._sheets: OrderedDict[SheetKey, QImage] = OrderedDict()
        self._keyframes: OrderedDict[float, QImage] = OrderedDict()
        self._failures: Counter[SheetKey] = Counter()
        self._wishes = _Wishes()
        self._wanted: tuple[tuple[float, ...], int] = ((), 0)
        self._sheet_came.connect(self._take_sheet, Qt.ConnectionType.QueuedConnection)
        self._keyframe_came.connect(self._take_keyframe, Qt.ConnectionType.QueuedConnection)

    def load(self, source: Source | None) -> None:
        """Begin with a source (None: let go of it)."""
        self._generation += 1
        self._runner.abandon("storyboards")
        self._boards = tuple(sorted(source.storyboards, key=lambda board: board.height)) if source else ()
        self._sheets.clear()
        self._keyframes.clear()
        self._failures.clear()
        self._wishes = _Wishes()
        self._wanted = ((), 0)
        self.set_frames(None)

    def set_frames(self, frames: FrameServer | None) -> None:
        """The preview whose keyframes are shown where there are no storyboards."""
        self._frames = frames
        self._key_times = frames.key_times if frames else np.empty(0)
        self._want_again()
        self.changed.emit()

    @property
    def aspect(self) -> float:
        """Width over height of the pictures."""
        if self._boards:
            return self._boards[-1].width / self._boards[-1].height
        if self._frames is not None:
            return self._frames.size[0] / self._frames.size[1]
        return _ASPECT

    # --- what is wanted ---

    def want(self, times: Sequence[float], height: int) -> None:
        """Get pictures for `times` (seconds), the most wanted first, to be shown `height` pixels high."""
        wanted = (tuple(times), height)
        if wanted == self._wanted or not times:
            return
        self._wanted = wanted
        if self._boards:
            self._want_sheets(times, height)
        elif self._frames is not None:
            self._want_keyframes(self._frames, times, height)

    def _want_again(self) -> None:
        times, height = self._wanted
        self._wanted = ((), 0)
        self.want(times, height)

    def _want_sheets(self, times: Sequence[float], height: int) -> None:
        # The smallest board first: one sheet of it shows all of the source, roughly.
        boards = (self._boards[0], self._fitting(height))
        keys = dict.fromkeys(_place(board, time)[0] for board in boards for time in times)
        missing = [key for key in keys if key not in self._sheets and self._failures[key] < _ATTEMPTS]
        for key in keys:
            if key in self._sheets:
                self._sheets.move_to_end(key)
        if not self._wishes.replace(missing):
            return
        generation, wishes = self._generation, self._wishes

        def work(_progress: OnProgress, token: CancelToken) -> None:
            while (wish := wishes.next()) is not None:
                board, number = wish
                try:
                    sheet = _decoded(self._ports.sheet(board, number, token), board)
                except ReelyError:
                    token.raise_if_cancelled()
                    sheet = QImage()
                self._sheet_came.emit(generation, (board, number), sheet)

        self._runner.start(Task("storyboards", work))

    def _fitting(self, height: int) -> Storyboard:
        return next((board for board in self._boards if board.height >= height * 0.8), self._boards[-1])

    def _want_keyframes(self, frames: FrameServer, times: Sequence[float], height: int) -> None:
        nearest = dict.fromkeys(self._nearest_key(time) for time in times)
        missing = [time for time in nearest if time not in self._keyframes]
        generation = self._generation

        def came(time: float, rgb: NDArray[np.uint8]) -> None:  # on a thread of the frame server
            rows, columns, _ = rgb.shape
            picture = QImage(rgb.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
            small = picture.scaledToHeight(
                min(rows, max(1, height)), Qt.TransformationMode.SmoothTransformation
            )
            self._keyframe_came.emit(generation, time, small.convertToFormat(QImage.Format.Format_RGB32))

        frames.thumbnails(missing, came)

    def _nearest_key(self, time: float) -> float:
        at = int(np.searchsorted(self._key_times, time))
        near = self._key_times[max(0, at - 1) : at + 1]
        return float(min(near, key=lambda key: abs(key - time), default=0.0))

    @Slot(int, object, QImage)
    def _take_sheet(self, generation: int, key: SheetKey, sheet: QImage) -> None:
        if generation != self._generation:
            return
        self._wishes.arrived(key)
        if sheet.isNull():
            self._failures[key] += 1
            self._want_again()
            return
        self._sheets[key] = sheet
        while len(self._sheets) > _SHEETS:
            self._sheets.popitem(last=False)
        self.changed.emit()

    @Slot(int, float, QImage)
    def _take_keyframe(self, generation: int, time: float, picture: QImage) -> None:
        if generation != self._generation:
            return
        self._keyframes[time] = picture
        while len(self._keyframes) > _KEYFRAMES:
            self._keyframes.popitem(last=False)
        self.changed.emit()

    # --- what is there ---

    def picture_at(self, time: float, height: int) -> tuple[QImage, QRect] | None:
        """The best picture for `time` that is there, and which part of the image it is."""
        if self._boards:
            fitting = self._fitting(height)
            for board in (fitting, *reversed(self._boards)):
                key, tile = _place(board, time)
                if key in self._sheets:
                    return self._sheets[key], tile
            return None
        if not self._keyframes or self._frames is None:
            return None
        key_time = self._nearest_key(time)
        if key_time not in self._keyframes:
            # Another one near by, until this one has come.
            key_time = min(self._keyframes, key=lambda each: abs(each - time))
        picture = self._keyframes[key_time]
        return picture, picture.rect()


def _place(board: Storyboard, time: float) -> tuple[SheetKey, QRect]:
    """The sheet that shows `time`, and where on it."""
    per_sheet = board.rows * board.columns
    tile = max(0, int(time / board.seconds_per_tile))
    number, at = min(tile // per_sheet, len(board.urls) - 1), tile % per_sheet
    row, column = divmod(at, board.columns)
    return (board, number), QRect(column * board.width, row * board.height, board.width, board.height)


def _decoded(content: bytes, board: Storyboard) -> QImage:
    """The sheet; null where it is no picture of a sensible size. Sheets may lack empty rows at the end."""
    data = QByteArray(content)
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer)
    reader.setDecideFormatFromContent(True)
    size = reader.size()
    if bytes(reader.format().data()) not in {b"jpeg", b"webp", b"png"} or not size.isValid():
        return QImage()
    if size.width() * size.height() > _LARGEST_SHEET:
        return QImage()
    sheet = reader.read()
    whole = QSize(board.width * board.columns, board.height * board.rows)
    if sheet.isNull() or sheet.width() > whole.width() or sheet.height() > whole.height():
        return QImage()
    return sheet.convertToFormat(QImage.Format.Format_RGB32)
