"""From a pasted link to a timeline that can be scrubbed: the real window, and a YouTube that is 50 ms away.

Each run is a process of its own with a home of its own and nothing cached; its window has been open for a few
seconds, as when somebody pastes a link. Every request to the stand-in for YouTube (`tests/youtube`) waits for
the latency, and a connection to it gives 2 MB/s. Told are, from the paste on, when the timeline can be used
(title, length, chapters), when a thumbnail stands at every place of it, when the first exact picture is shown
and when the one in the middle of the video, to which the playhead goes next.

    python benchmarks/bench_timeline.py [--runs 5] [--latency 0.05]

Needs a display, or Qt's offscreen platform, which it takes by itself where there is none.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from desktop.app import WorkflowPorts
from desktop.settings import Settings
from desktop.source.storyboards import Storyboards
from desktop.ui import theme
from desktop.ui.window import MainWindow
from desktop.workflow import Workflow
from side_by_side import machine
from tests.youtube import YouTube
from tests.youtube.catalogue import TEN_MINUTES
from tests.youtube.media import encoded_media

SPEED = 2_000_000
"""Bytes a second and connection."""
PATIENCE = 60.0
IDLE = 4.0
"""Seconds that the window is open before the paste."""
GOAL = 2.0


@dataclass(frozen=True)
class Times:
    """Seconds from the paste on."""

    timeline: float
    thumbnails: float
    picture: float
    scrubbed: float

    @property
    def all_there(self) -> float:
        return max(self.timeline, self.thumbnails, self.picture, self.scrubbed)


class Watch:
    """Lets Qt work until something is so, and tells when that was."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def until(self, condition: Callable[[], bool], what: str) -> float:
        loop, poll, limit = QEventLoop(), QTimer(), QTimer()
        poll.timeout.connect(lambda: loop.quit() if condition() else None)
        limit.setSingleShot(True)
        limit.timeout.connect(loop.quit)
        poll.start(2)
        limit.start(round(PATIENCE * 1000))
        if not condition():
            loop.exec()
        poll.stop()
        limit.stop()
        if not condition():
            raise SystemExit(f"never happened: {what}")
        return time.perf_counter() - self._began


def has_thumbnails(window: MainWindow) -> bool:
    """Whether a picture stands at every place of the timeline."""
    geometry = window.editor.timeline.view.geometry_now()
    height = round(geometry.pictures.height)
    tiles = geometry.tiles(window.strip.aspect)
    return bool(tiles) and all(window.strip.picture_at(tile.time, height) is not None for tile in tiles)


def paste(window: MainWindow, link: str) -> Times:
    """Open a link, and drag to the middle as soon as there is a picture."""
    session, timeline, player = window.session, window.timeline, window.player
    watch = Watch()
    window.open(link)
    opened = watch.until(
        lambda: session.source is not None or session.error is not None, "the source is known"
    )
    if session.error is not None:
        raise SystemExit(f"not opened: {session.error.code}")
    thumbnails: list[float] = []

    def look() -> None:
        if not thumbnails and has_thumbnails(window):
            thumbnails.append(watch.until(lambda: True, ""))

    window.strip.changed.connect(look)

    def is_shown() -> bool:
        return player.shown_at is not None and player.shown_at == timeline.playhead

    picture = watch.until(is_shown, "the first picture is shown")
    timeline.seek(timeline.duration / 2)
    scrubbed = watch.until(is_shown, "the picture in the middle is shown")
    look()
    watch.until(lambda: bool(thumbnails), "the thumbnails are there")
    window.strip.changed.disconnect(look)
    return Times(opened, thumbnails[0], picture, scrubbed)


def once(link: str, home: Path) -> Times:
    """One paste, in this process."""
    app = QApplication(sys.argv[:1])
    theme.apply(app)
    settings = Settings(home=home, server_url="http://127.0.0.1:9", offline=False)
    with Workflow(settings) as workflow:
        ports = WorkflowPorts(workflow, Storyboards(settings.cache))
        beginning = threading.Thread(target=ports.begin)
        beginning.start()
        window = MainWindow(ports, home)
        window.resize(1280, 800)
        window.show()
        Watch().until(lambda: window.account.known and not beginning.is_alive(), "the window is ready")
        # Somebody looks for a link now; meanwhile the child becomes ready.
        loop = QEventLoop()
        QTimer.singleShot(round(IDLE * 1000), loop.quit)
        loop.exec()
        try:
            return paste(window, link)
        finally:
            window.shut_down()


def in_a_process(link: str, home: Path) -> Times:
    """One paste, in a process that starts for it."""
    command = [sys.executable, __file__, "--once", link, str(home)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=2 * PATIENCE)
    return Times(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the medians of all runs, and whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--once", nargs=2, metavar=("LINK", "HOME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    if options.once:
        print(json.dumps(asdict(once(options.once[0], Path(options.once[1])))))
        return
    with YouTube(encoded_media()) as youtube, tempfile.TemporaryDirectory() as folder:
        os.environ.update(youtube.env)
        youtube.behave(latency=options.latency, bytes_per_second=SPEED)
        times = []
        for number in range(options.runs):
            took = in_a_process(youtube.url(TEN_MINUTES), Path(folder) / str(number))
            print("  " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in asdict(took).items()))
            times.append(took)
    for each in fields(Times):
        middle = statistics.median(getattr(took, each.name) for took in times)
        print(f"paste to {each.name}: median {middle:.2f} s")
    whole = sorted(took.all_there for took in times)
    spread = f"{statistics.median(whole):.2f} s ({whole[0]:.2f} to {whole[-1]:.2f})"
    print(f"paste to all of it: median {spread}, goal {GOAL:.0f} s  [{machine()}]")


if __name__ == "__main__":
    main()
