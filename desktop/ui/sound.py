"""The sound of the preview: a media player without pictures, quiet where there is no sound device."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import (
    QLoggingCategory,
    QMessageLogContext,
    QObject,
    QtMsgType,
    QUrl,
    Signal,
    qInstallMessageHandler,
)

_QUIET = """
qt.multimedia.symbolsresolver*=false
qt.multimedia.ffmpeg*=false
qt.multimedia.audio*=false
qt.multimedia.playbackengine*=false
qt.multimedia.pulseaudio*=false
qt.multimedia.pipewire*=false
"""


# Keep Qt's notes about absent media libraries off the terminal; the window tells what matters. It takes some
# of them already while the module is loaded, hence before its import.
QLoggingCategory.setFilterRules(_QUIET)

from PySide6.QtMultimedia import QAudioOutput, QMediaDevices, QMediaPlayer  # noqa: E402

log = logging.getLogger(__name__)


@contextmanager
def _absent_sound_server_kept_quiet() -> Iterator[None]:
    """Qt complains on the terminal, uncategorised, when no PulseAudio runs; `available` tells the user."""

    def hear(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if "pa_context_connect" in message:
            log.info("no PulseAudio server: %s", message)
        elif before is not None:
            before(kind, context, message)
        else:
            log.warning("Qt: %s", message)

    before = qInstallMessageHandler(hear)
    try:
        yield
    finally:
        qInstallMessageHandler(before)


class Sound(QObject):
    """Plays a file's sound from a time on. Does nothing (and says so by `available`) without a device."""

    available_changed = Signal()
    level_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        with _absent_sound_server_kept_quiet():
            self._devices = QMediaDevices(self)
            self._devices.audioOutputsChanged.connect(self._devices_changed)
            QMediaDevices.defaultAudioOutput()
        self._player: QMediaPlayer | None = None
        self._output: QAudioOutput | None = None
        self._path: Path | None = None
        self._volume = 1.0
        self._muted = False
        self._started_at: float | None = None
        self._broken = False

    @property
    def available(self) -> bool:
        """Whether there is a device to play on and the file's sound can be played."""
        return not self._broken and not QMediaDevices.defaultAudioOutput().isNull()

    @property
    def muted(self) -> bool:
        return self._muted

    @property
    def volume(self) -> float:
        """0..1, as the ear hears it."""
        return self._volume

    def load(self, path: Path | None) -> None:
        """Make a file ready; None lets go of the one that was."""
        self.stop()
        self._path = path
        self._broken = False
        if path is None:
            if self._player is not None:
                self._player.setSource(QUrl())
        elif self.available:
            self._ready_player().setSource(QUrl.fromLocalFile(str(path)))
        self.available_changed.emit()

    def play(self, at: float, rate: float) -> bool:
        """Start at `at` seconds, at 1 or 2 times the speed; False where no sound can be played."""
        if self._path is None or not self.available:
            return False
        player = self._ready_player()
        player.setPlaybackRate(rate)
        player.setPosition(round(at * 1000))
        self._started_at = player.position() / 1000
        player.play()
        return True

    def stop(self) -> None:
        self._started_at = None
        if self._player is not None:
            self._player.pause()

    def position(self) -> float | None:
        """Where the sound is, in seconds; None while it is not running."""
        if self._player is None or self._started_at is None:
            return None
        position = self._player.position() / 1000
        return None if position == self._started_at else position

    def set_volume(self, volume: float) -> None:
        self._volume = min(max(volume, 0.0), 1.0)
        self._apply()

    def set_muted(self, muted: bool) -> None:
        self._muted = muted
        self._apply()

    def close(self) -> None:
        """Let go of file and device."""
        self.load(None)
        if self._player is not None:
            self._player.stop()
            self._player.deleteLater()
            self._player = None
        self._output = None

    def _ready_player(self) -> QMediaPlayer:
        if self._player is None:
            self._output = QAudioOutput(self)
            self._player = QMediaPlayer(self)
            self._player.setAudioOutput(self._output)
            self._player.errorOccurred.connect(self._failed)
            self._player.tracksChanged.connect(self._leave_pictures)
            self._apply()
            if self._path is not None:
                self._player.setSource(QUrl.fromLocalFile(str(self._path)))
        return self._player

    def _leave_pictures(self) -> None:
        """Pictures come from the frame server; decoding them here too would be for nothing."""
        if self._player is not None and self._player.activeVideoTrack() != -1:
            self._player.setActiveVideoTrack(-1)

    def _apply(self) -> None:
        if self._output is not None:
            # Loudness is heard in powers: a linear slider would do everything in its first tenth.
            self._output.setVolume(self._volume**2)
            self._output.setMuted(self._muted)
        self.level_changed.emit()

    def _devices_changed(self) -> None:
        if self._output is not None:
            self._output.setDevice(QMediaDevices.defaultAudioOutput())
        self.available_changed.emit()

    def _failed(self, error: QMediaPlayer.Error, _text: str) -> None:
        if error != QMediaPlayer.Error.NoError:
            self._broken = True
            self.available_changed.emit()
