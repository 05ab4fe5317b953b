"""Playing, shuttling and scrubbing: one clock that moves the playhead, exact pictures, sound alongside."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from desktop.media.frames import Frame, FrameServer
from desktop.ui.models.grid import Selection
from desktop.ui.models.timeline import Timeline
from desktop.ui.sound import Sound

# Speeds of the keys J and L, pressed once, twice, ...
_SPEEDS = (1.0, 2.0, 4.0, 8.0)
_WITH_SOUND = 2.0
_TICK_MS = 15
# Picture and sound further apart than this are brought together (ITU-R BT.1359: noticed from 45 ms on).
_DRIFT = 0.045
# A sound that does not start within this time is not waited for.
_PATIENCE = 0.6


class Player(QObject):
    """Moves the timeline's playhead and shows its picture. Speeds: 0 paused, negative backwards.

    Forwards at up to twice the speed there is sound; faster and backwards only pictures are shown.
    """

    picture_changed = Signal(QImage)
    speed_changed = Signal(float)
    failed = Signal(object)
    _arrived = Signal(int, object, QImage)
    """Generation, the picture's start in seconds or the failure, the picture."""

    def __init__(self, timeline: Timeline, sound: Sound, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._sound = sound
        self._frames: FrameServer | None = None
        self._generation = 0
        self._speed = 0.0
        self.shown_at: float | None = None
        """The start of the picture that is shown, in seconds on the source's clock; None without one."""
        self._stop_at: float | None = None
        self._to_play: list[Selection] = []
        """Segments that are played after the one that plays now."""
        self._anchor = (0.0, 0.0)
        self._sound_since: float | None = None
        self._moving = False
        self._now: Callable[[], float] = time.monotonic
        self._ticker = QTimer(self)
        self._ticker.setTimerType(Qt.TimerType.PreciseTimer)
        self._ticker.setInterval(_TICK_MS)
        self._ticker.timeout.connect(self._tick)
        self._arrived.connect(self._show, Qt.ConnectionType.QueuedConnection)
        timeline.playhead_changed.connect(self._playhead_moved)

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def playing(self) -> bool:
        return self._speed != 0

    def load(self, sound: Path | None, frames: FrameServer | None) -> None:
        """Take a preview (or None, None to let go of it); the caller closes the frame server."""
        self.pause()
        self._generation += 1
        self._frames = frames
        self._sound.load(sound)
        self.shown_at = None
        self.picture_changed.emit(QImage())
        self._request()

    def load_sound(self, sound: Path | None) -> None:
        """Take the sound that has come after the preview; playing goes on with it."""
        self._sound.load(sound)
        if self.playing:
            self._restart()

    def close(self) -> None:
        self.load(None, None)
        self._sound.close()

    # --- commands ---

    def toggle(self) -> None:
        if self.playing:
            self.pause()
        else:
            self.play()

    def play(self, speed: float = 1.0) -> None:
        """Play from the playhead; from the start if it is at the end."""
        if self._timeline.duration <= 0:
            return
        self._forget_segments()
        if speed > 0 and self._timeline.playhead >= self._timeline.last_position:
            self._timeline.seek(0.0)
        self._run(speed)

    def play_segments(self) -> None:
        """Play what would be exported: the segments in their order, and stop at the end of the last."""
        first, *rest = self._timeline.cuts.segments
        self.pause()
        self._timeline.seek(first.start)
        self.play()
        self._stop_at, self._to_play = first.end, rest

    def play_range(self, range_: Selection) -> None:
        """Play from the range's start, and stop at its end."""
        self.pause()
        self._timeline.seek(range_.start)
        self.play()
        self._stop_at = range_.end

    def pause(self) -> None:
        self._forget_segments()
        self._run(0.0)

    def _forget_segments(self) -> None:
        self._stop_at = None
        self._to_play = []

    def shuttle(self, direction: int) -> None:
        """Keys L (1) and J (-1): start, then faster with each press; the other key starts anew."""
        magnitude = abs(self._speed)
        if self._speed * direction > 0 and magnitude in _SPEEDS:
            faster = _SPEEDS[min(_SPEEDS.index(magnitude) + 1, len(_SPEEDS) - 1)]
        else:
            faster = _SPEEDS[0]
        if direction > 0 and not self.playing:
            self.play(faster)
        else:
            self._forget_segments()
            self._run(direction * faster)

    def step(self, frames: int) -> None:
        self.pause()
        self._timeline.step(frames)

    # --- the clock ---

    def _run(self, speed: float) -> None:
        changed = speed != self._speed
        self._speed = speed
        if speed == 0:
            self._ticker.stop()
            self._sound.stop()
            self._sound_since = None
        else:
            self._restart()
            self._ticker.start()
        if changed:
            self.speed_changed.emit(speed)

    def _restart(self) -> None:
        """Run from the playhead on, with sound where there can be."""
        now = self._now()
        self._anchor = (now, self._timeline.playhead)
        self._sound_since = None
        if 0 < self._speed <= _WITH_SOUND and self._sound.play(self._timeline.playhead, self._speed):
            self._sound_since = now
        else:
            self._sound.stop()

    def _time(self) -> float:
        """Where playing is now, kept together with the sound."""
        now = self._now()
        since, start = self._anchor
        if self._sound_since is None:
            return start + (now - since) * self._speed
        heard = self._sound.position()
        if heard is None:
            # The sound needs a moment to start: the picture waits for it.
            if now - self._sound_since < _PATIENCE:
                self._anchor = (now, start)
                return start
            self._sound_since = None
            return start
        reached = start + (now - since) * self._speed
        if abs(heard - reached) > _DRIFT:
            self._anchor = (now, heard)
            return heard
        return reached

    def _tick(self) -> None:
        reached = self._time()
        end = self._timeline.duration if self._stop_at is None else self._stop_at
        if (self._speed > 0 and reached >= end) or (self._speed < 0 and reached <= 0):
            self._end_reached(reached)
        else:
            self._move(reached)

    def _end_reached(self, reached: float) -> None:
        if self._to_play:
            segment = self._to_play.pop(0)
            self._stop_at = segment.end
            self._move(segment.start)
            self._restart()
            return
        if self._stop_at is not None:
            reached = self._timeline.grid.last_picture(Selection(0.0, self._stop_at))
        self.pause()
        self._move(reached)

    def _move(self, reached: float) -> None:
        self._moving = True
        try:
            self._timeline.seek(reached)
        finally:
            self._moving = False

    @Slot(float)
    def _playhead_moved(self, _time: float) -> None:
        if self.playing and not self._moving:
            self._forget_segments()
            self._restart()
        self._request()

    # --- pictures ---

    def _request(self) -> None:
        if self._frames is None:
            return
        generation = self._generation

        def arrived(frame: Frame) -> None:  # on the frame server's thread
            height, width, _ = frame.rgb.shape
            view = QImage(frame.rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888)
            self._arrived.emit(generation, frame.time, view.convertToFormat(QImage.Format.Format_RGB32))

        def failed(error: object) -> None:  # on the frame server's thread
            self._arrived.emit(generation, error, QImage())

        # While playing, each picture has its moment; a scrubbed one may come after a glimpse of a near one.
        self._frames.request(self._timeline.playhead, arrived, failed, rough=not self.playing)

    @Slot(int, object, QImage)
    def _show(self, generation: int, outcome: object, picture: QImage) -> None:
        if generation != self._generation:
            return
        if isinstance(outcome, float):
            self.shown_at = outcome
            self.picture_changed.emit(picture)
        else:
            self.failed.emit(outcome)
