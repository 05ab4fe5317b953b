"""Scrubbing 1080p H.264 with 5-second GOPs: random exact seeks and drags, against QMediaPlayer.

A seek's latency ends with the picture asked for; that of a pointer's move, with the first picture after it
(of the peer any picture counts). Pictures are told apart by their start. Both are asked for the same places.

    python benchmarks/bench_scrub.py [FILE] [--seeks 40] [--drags 6]
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue

import imageio_ffmpeg
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtMultimedia import QMediaPlayer, QVideoFrame, QVideoSink

from desktop.media.frames import Frame, FrameServer
from side_by_side import machine

SAMPLE = Path(sys.prefix) / "share" / "reely" / "sample.mp4"
PATIENCE = 10.0
MOVE = 1 / 60
"""Seconds between two moves of the pointer."""
MOVES = 90


@dataclass(frozen=True)
class Shown:
    """A picture and when it came (`time.perf_counter`); `start` in seconds."""

    at: float
    start: float
    exact: bool


def make_file(folder: Path) -> Path:
    """The sample at 1080p30 and 6 Mbit/s with a keyframe every 5 s: 40 s, repeated to 10 minutes."""
    once, film = folder / "once.mp4", folder / "film.mp4"
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    encoding = [
        "-t", "40", "-vf", "scale=1920:1080,fps=30", "-c:v", "libx264", "-preset", "veryfast",
        "-pix_fmt", "yuv420p", "-g", "150", "-keyint_min", "150", "-sc_threshold", "0", "-bf", "3",
        "-b:v", "6M", "-maxrate", "8M", "-bufsize", "12M", "-an",
    ]  # fmt: skip
    subprocess.run([*ffmpeg, "-i", SAMPLE, *encoding, once], check=True)
    subprocess.run([*ffmpeg, "-stream_loop", "14", "-i", once, "-c", "copy", film], check=True)
    return film


class Ours:
    """The frame server, asked as the window asks it."""

    def __init__(self, path: Path) -> None:
        self._server = FrameServer(path, 720)
        self.times = self._server.frame_times
        self._shown: Queue[Shown] = Queue()

    def _take(self, frame: Frame) -> None:
        self._shown.put(Shown(time.perf_counter(), frame.time, frame.exact))

    def ask(self, seconds: float) -> None:
        self._server.request(seconds, self._take, rough=True)

    def collect(self, done: Callable[[Shown], bool]) -> list[Shown]:
        """Pictures as they came, until one is the last."""
        came: list[Shown] = []
        limit = time.perf_counter() + PATIENCE
        while not (came and done(came[-1])):
            try:
                came.append(self._shown.get(timeout=max(0.01, limit - time.perf_counter())))
            except Empty:
                break
        return came

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        self._server.close()


class Peer:
    """QMediaPlayer, paused, with a sink."""

    def __init__(self, path: Path) -> None:
        self._sink = QVideoSink()
        self._player = QMediaPlayer()
        self._player.setVideoSink(self._sink)
        self._shown: list[Shown] = []
        self._sink.videoFrameChanged.connect(self._take)
        self._player.setSource(QUrl.fromLocalFile(str(path)))
        self._player.pause()
        self.collect(lambda _: True)

    def _take(self, frame: QVideoFrame) -> None:
        if frame.isValid():
            self._shown.append(Shown(time.perf_counter(), frame.startTime() / 1e6, exact=True))

    def ask(self, seconds: float) -> None:
        self._player.setPosition(round(seconds * 1000))
        QCoreApplication.processEvents()

    def collect(self, done: Callable[[Shown], bool]) -> list[Shown]:
        """Pictures as they came, until one is the last."""
        loop, limit = QEventLoop(), QTimer()
        limit.setSingleShot(True)
        limit.timeout.connect(loop.quit)
        limit.start(round(PATIENCE * 1000))

        def look(_frame: QVideoFrame) -> None:
            if self._shown and done(self._shown[-1]):
                loop.quit()

        if not (self._shown and done(self._shown[-1])):
            self._sink.videoFrameChanged.connect(look)
            loop.exec()
            self._sink.videoFrameChanged.disconnect(look)
        limit.stop()
        came, self._shown = self._shown, []
        return came

    def pause(self, seconds: float) -> None:
        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()

    def close(self) -> None:
        self._player.setSource(QUrl())


def seek(player: Ours | Peer, target: float, frame: float) -> tuple[float, bool]:
    """Seconds until the picture that is shown in the middle of `target` came, and whether it came at all."""
    asked = time.perf_counter()
    player.ask(target + frame / 2)

    def right(shown: Shown) -> bool:
        return shown.exact and abs(shown.start - target) < frame / 2

    came = player.collect(right)
    last = came[-1] if came else Shown(asked + PATIENCE, -1.0, exact=False)
    return last.at - asked, right(last)


def drag(player: Ours | Peer, places: Sequence[float], frame: float) -> list[float]:
    """For each move of the pointer the seconds until a picture for it or a later one came."""
    asked: list[float] = []
    for place in places:
        asked.append(time.perf_counter())
        player.ask(place + frame / 2)
        player.pause(max(0.0, asked[-1] + MOVE - time.perf_counter()))
    came = player.collect(lambda shown: shown.exact and abs(shown.start - places[-1]) < frame / 2)
    latencies = []
    for at in asked:
        answered = [shown.at for shown in came if shown.at >= at]
        latencies.append(answered[0] - at if answered else PATIENCE)
    return latencies


def drags(count: int, length: float, frame: float, chance: random.Random) -> list[list[float]]:
    """Ways of a pointer: across the whole film, through a minute, through 5 s, each in both directions."""
    ways = []
    for number in range(count):
        span = (length, 60.0, 5.0)[number % 3]
        start = chance.uniform(0, length - span)
        way = [start + span * 0.98 * step / MOVES for step in range(MOVES)]
        ways.append([round(each / frame) * frame for each in (way if number % 2 else reversed(way))])
    return ways


def told(values: Sequence[float]) -> str:
    ordered = sorted(values)
    high = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"median {statistics.median(ordered) * 1000:.0f} ms, 95 % {high * 1000:.0f} ms"


def main() -> None:
    """Print the latencies of both, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--seeks", type=int, default=40)
    parser.add_argument("--drags", type=int, default=6)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QGuiApplication(sys.argv[:1])
    chance = random.Random(3)
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or make_file(Path(folder))
        ours, peer = Ours(path), Peer(path)
        frame = ours.times.typical_duration
        length = ours.times.end
        mine, theirs = [], []
        for _ in range(options.seeks):
            target = ours.times.floor(chance.uniform(0, length - 1))
            mine.append(seek(ours, target, frame))
            theirs.append(seek(peer, target, frame))
        my_seconds, their_seconds = [s for s, _ in mine], [s for s, right in theirs if right]
        print(f"random exact seek, ours: {told(my_seconds)}, {share(mine)} exact")
        print(f"random exact seek, QMediaPlayer: {told(their_seconds)}, {share(theirs)} exact")
        high = sorted(my_seconds)[min(len(mine) - 1, round(0.95 * len(mine)))]
        print(f"our 95 % over its median: {high / statistics.median(their_seconds):.2f} x")
        my_moves: list[float] = []
        their_moves: list[float] = []
        for number, way in enumerate(drags(options.drags, length, frame, chance)):
            for player, moves in ((ours, my_moves), (peer, their_moves)):
                took = drag(player, way, frame)
                moves.extend(took)
                print(f"  drag {number} {type(player).__name__}: {told(took)}")
        print(f"drag, ours: {told(my_moves)}")
        print(f"drag, QMediaPlayer: {told(their_moves)}")
        print(f"medians: {statistics.median(my_moves) / statistics.median(their_moves):.2f} x  [{machine()}]")
        ours.close()
        peer.close()
    app.processEvents()


def share(seeks: Sequence[tuple[float, bool]]) -> str:
    return f"{sum(right for _, right in seeks) / len(seeks):.0%}"


if __name__ == "__main__":
    main()
