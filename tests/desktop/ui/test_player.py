"""Playing and scrubbing over a real file: the picture at the playhead is exactly that picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from desktop.media.frames import FrameServer
from desktop.source.models import Source, Stream, StreamKind
from desktop.ui.models.timeline import Timeline
from desktop.ui.player import Player
from desktop.ui.sound import Sound

FRAME = 1 / 30


class Cinema:
    """A player on a file, and the last picture it has shown."""

    def __init__(self, video: Path) -> None:
        self.timeline = Timeline()
        self.sound = Sound()
        self.player = Player(self.timeline, self.sound)
        self.frames = FrameServer(video, 720)
        self.picture = QImage()
        self.player.picture_changed.connect(self._take)
        stream = Stream(id="1", kind=StreamKind.MUXED, container="mp4", fps=30.0)
        self.timeline.load(Source(origin="x", id="x", title="x", duration=6.0, streams=(stream,)))
        self.timeline.set_frames(self.frames.frame_times)
        self.player.load(video, self.frames)

    def _take(self, picture: QImage) -> None:
        self.picture = picture

    def close(self) -> None:
        self.player.close()
        self.frames.close()

    def pixels(self) -> NDArray[np.uint8]:
        image = self.picture.convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


@pytest.fixture(scope="module")
def every_frame(video: Path) -> list[NDArray[np.uint8]]:
    """All pictures of the file, one after the other, from a server of their own."""
    from queue import Queue

    from desktop.media.frames import Frame

    server = FrameServer(video, 720)
    answers: Queue[Frame] = Queue()
    pictures = []
    for index in range(len(server.frame_times)):
        server.request(server.frame_times.start_of(index), answers.put)
        pictures.append(answers.get(timeout=10).rgb)
    server.close()
    return pictures


@pytest.fixture
def cinema(qtbot: QtBot, video: Path) -> Iterator[Cinema]:
    cinema = Cinema(video)
    qtbot.waitUntil(lambda: not cinema.picture.isNull(), timeout=10_000)
    yield cinema
    cinema.close()


def test_steps_show_exactly_the_pictures_of_the_file_in_both_directions(
    cinema: Cinema, qtbot: QtBot, every_frame: list[NDArray[np.uint8]]
) -> None:
    def shows(index: int) -> bool:
        return bool(np.array_equal(cinema.pixels(), every_frame[index]))

    cinema.timeline.seek(1.0)
    for index in (31, 32, 33, 32, 31, 30, 29, 28):
        cinema.player.step(1 if index > round(cinema.timeline.playhead / FRAME) else -1)
        assert cinema.timeline.playhead == pytest.approx(index * FRAME)
        qtbot.waitUntil(lambda i=index: shows(i), timeout=5000)  # type: ignore[misc]
        assert not shows(index + 1)


def test_playing_moves_on_in_real_time_and_pausing_stays_on_a_picture(cinema: Cinema, qtbot: QtBot) -> None:
    now = [100.0]
    cinema.player._now = lambda: now[0]
    speeds: list[float] = []
    cinema.player.speed_changed.connect(speeds.append)
    cinema.player.toggle()
    now[0] += 1.51
    qtbot.waitUntil(lambda: cinema.timeline.playhead == pytest.approx(1.5))
    cinema.player.toggle()
    now[0] += 5
    qtbot.wait(40)
    assert cinema.timeline.playhead == pytest.approx(1.5)
    assert speeds == [1.0, 0.0]


def test_the_shuttle_doubles_with_each_press_and_turns_round(cinema: Cinema) -> None:
    speeds = []
    for direction in (1, 1, 1, 1, 1, -1, -1, 1):
        cinema.player.shuttle(direction)
        speeds.append(cinema.player.speed)
    assert speeds == [1, 2, 4, 8, 8, -1, -2, 1]


def test_backwards_playing_stops_at_the_start(cinema: Cinema, qtbot: QtBot) -> None:
    cinema.timeline.seek(0.2)
    cinema.player.shuttle(-1)
    qtbot.waitUntil(lambda: not cinema.player.playing, timeout=5000)
    assert cinema.timeline.playhead == 0.0


def test_playing_the_clip_stops_on_its_last_picture(cinema: Cinema, qtbot: QtBot) -> None:
    cinema.timeline.select(2.0, 2.3)
    cinema.player.play_segments()
    assert cinema.timeline.playhead == pytest.approx(2.0)
    qtbot.waitUntil(lambda: not cinema.player.playing, timeout=5000)
    assert cinema.timeline.playhead == pytest.approx(2.3 - FRAME)


def test_seeking_while_playing_goes_on_from_there(cinema: Cinema, qtbot: QtBot) -> None:
    cinema.player.play()
    cinema.timeline.seek(4.0)
    qtbot.waitUntil(lambda: cinema.timeline.playhead > 4.05, timeout=5000)
    assert cinema.player.playing
    assert cinema.timeline.playhead < 5.5


def test_playing_at_the_end_begins_anew(cinema: Cinema) -> None:
    cinema.timeline.seek(100.0)
    assert cinema.timeline.playhead == pytest.approx(6.0 - FRAME)
    cinema.player.play()
    assert cinema.timeline.playhead == 0.0


def test_the_picture_follows_the_sound(cinema: Cinema, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sound starts late and runs a little slower than our clock: the picture waits, then goes with it."""
    now, heard = [100.0], list[float | None]([None])
    cinema.player._now = lambda: now[0]
    monkeypatch.setattr(cinema.sound, "play", lambda _at, _rate: True)
    monkeypatch.setattr(cinema.sound, "position", lambda: heard[0])
    cinema.player.play()

    def tick(passed: float, sound: float | None) -> float:
        now[0] += passed
        heard[0] = sound
        cinema.player._tick()
        return cinema.timeline.playhead

    assert tick(0.3, None) == 0.0
    assert tick(0.1, 0.02) == pytest.approx(0.0, abs=FRAME + 1e-9)
    assert tick(1.0, 1.01) == pytest.approx(1.0, abs=FRAME + 1e-9)
    assert tick(1.0, 1.9) == pytest.approx(1.9, abs=FRAME + 1e-9)


def test_a_sound_that_never_starts_does_not_hold_up_the_picture(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    cinema.player._now = lambda: now[0]
    monkeypatch.setattr(cinema.sound, "play", lambda _at, _rate: True)
    monkeypatch.setattr(cinema.sound, "position", lambda: None)
    cinema.player.play()
    for _ in range(20):
        now[0] += 0.1
        cinema.player._tick()
    assert cinema.timeline.playhead > 1.0


def test_without_a_device_the_sound_says_so_and_does_nothing(qapp: object, video: Path) -> None:
    sound = Sound()
    if sound.available:
        pytest.skip("this computer has a sound device")
    sound.load(video)
    assert not sound.play(1.0, 1.0)
    assert sound.position() is None
    sound.set_volume(2.0)
    assert sound.volume == 1.0
    sound.close()


def test_with_a_device_the_sound_runs_along_with_the_picture(cinema: Cinema, qtbot: QtBot) -> None:
    if not cinema.sound.available:
        pytest.skip("this computer has no sound device")
    cinema.timeline.seek(1.0)
    cinema.player.play()
    qtbot.waitUntil(lambda: cinema.timeline.playhead > 2.0, timeout=10_000)
    heard = cinema.sound.position()
    assert heard is not None
    assert cinema.timeline.playhead == pytest.approx(heard, abs=0.1)
    cinema.player.pause()
    assert cinema.sound.position() is None


def test_pictures_of_a_source_that_was_left_are_not_shown(
    cinema: Cinema, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    original = cinema.frames.request

    def request(time: float, on_frame: object, on_error: object, *, rough: bool) -> None:
        asked.append(time)
        original(time, on_frame, on_error, rough=rough)  # type: ignore[arg-type]

    monkeypatch.setattr(cinema.frames, "request", request)
    cinema.timeline.seek(5.0)
    cinema.player.load(None, None)
    qtbot.wait(100)
    assert asked
    assert cinema.picture.isNull()
