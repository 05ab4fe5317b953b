"""Thumbnails on the timeline: the right pictures, the middle first, and none that nobody waits for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from desktop.errors import Exit, ReelyError
from desktop.source.models import Storyboard
from desktop.ui.timeline_geometry import MARGIN, TimelineGeometry
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage import StagePorts, tile_color

LINK = "https://youtu.be/abc"
SMALL = Storyboard(width=48, height=27, rows=2, columns=3, seconds_per_tile=1.0, urls=("s0",))
LARGE = Storyboard(
    width=160, height=90, rows=1, columns=2, seconds_per_tile=0.5, urls=tuple(f"l{n}" for n in range(6))
)


def color_at(window: MainWindow, time: float) -> QColor:
    """The colour on the screen in the upper middle of the track, beside playhead and handles."""
    view = window.editor.timeline.view
    geometry = view.geometry_now()
    grabbed = view.grab().toImage()
    density = grabbed.devicePixelRatio()
    x = round((geometry.x_of(time)) * density)
    return grabbed.pixelColor(QPoint(x, round((geometry.track.top + geometry.track.height * 0.3) * density)))


def tile_at(window: MainWindow, time: float) -> float:
    """The time in the middle of the tile that covers `time`."""
    tiles = window.editor.timeline.view.geometry_now().tiles(window.strip.aspect)
    x = window.editor.timeline.view.geometry_now().x_of(time)
    return next(tile.time for tile in tiles if tile.left <= x < tile.left + tile.width)


def is_close(color: QColor, wanted: tuple[int, int, int]) -> bool:
    # The selection lies over it with a little of its own colour.
    got = (color.red(), color.green(), color.blue())
    return all(abs(a - b) < 24 for a, b in zip(got, wanted, strict=True))


def test_a_link_shows_its_storyboard_before_its_preview_is_there(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.storyboards = (LARGE, SMALL)
    ports.preview_gate.shut()
    window.open(LINK)
    qtbot.waitUntil(lambda: len(ports.sheets) == 7)
    assert ports.sheets[0] == (SMALL.width, 0)  # roughly everything, at once
    for time in (0.6, 3.1, 5.2):
        tile = int(tile_at(window, time) / LARGE.seconds_per_tile)
        qtbot.waitUntil(lambda t=time, n=tile: is_close(color_at(window, t), tile_color(n)))  # type: ignore[misc]
    middles = [abs((number * 2 + 1) * 0.5 - 3.0) for width, number in ports.sheets if width == LARGE.width]
    assert middles == sorted(middles)  # nearest to the middle of the view first
    ports.preview_gate.open()
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    qtbot.wait(100)
    assert len(ports.sheets) == len(set(ports.sheets)) == 7


def test_sheets_that_do_not_come_leave_a_timeline_that_works(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.storyboards = (SMALL,)
    ports.sheet_error = ReelyError("network-down", "No network.", "Look for one.", Exit.NETWORK)
    window.open(LINK)
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    qtbot.waitUntil(lambda: len(ports.sheets) == 3)
    window.timeline.zoom(4, 1.0)
    qtbot.wait(100)
    assert len(ports.sheets) == 3  # tried again, but not for ever
    assert window.strip.picture_at(1.0, 88) is None


def test_a_sheet_that_is_no_picture_is_not_shown(
    window: MainWindow, qtbot: QtBot, ports: StagePorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports.storyboards = (SMALL,)
    asked: list[int] = []

    def sheet(_board: Storyboard, number: int, _token: object) -> bytes:
        asked.append(number)
        return b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>"

    monkeypatch.setattr(ports, "sheet", sheet)
    window.open(LINK)
    qtbot.waitUntil(lambda: asked == [0, 0, 0])
    qtbot.waitUntil(lambda: not window.runner.is_busy("storyboards"))
    assert window.strip.picture_at(1.0, 88) is None


def test_a_file_shows_its_keyframes(ready: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    assert not ports.sheets
    found = []
    for time in (0.2, 3.0, 5.9):
        qtbot.waitUntil(lambda t=time: ready.strip.picture_at(t, 88) is not None, timeout=5000)  # type: ignore[misc]
    qtbot.waitUntil(lambda: len(ready.strip._keyframes) == 6, timeout=5000)
    for second in range(6):
        picture = ready.strip.picture_at(second + 0.1, 88)
        assert picture is not None
        found.append(picture[0])
    assert all(before != after for before, after in pairwise(found))
    assert all(picture.height() <= 88 * ready.devicePixelRatioF() for picture in found)


def test_another_source_shows_nothing_of_the_one_before(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts, video: Path
) -> None:
    qtbot.waitUntil(lambda: ready.strip.picture_at(1.0, 88) is not None, timeout=5000)
    ports.preview_gate.shut()
    ready.open(str(video))
    qtbot.waitUntil(lambda: len(ports.opened) == 2)
    qtbot.waitUntil(lambda: ready.session.source is not None)
    assert ready.strip.picture_at(1.0, 88) is None


@given(
    start=st.floats(0, 5000),
    shown=st.floats(0.4, 7200),
    width=st.floats(600, 4000),
    aspect=st.floats(0.4, 2.5),
)
def test_tiles_cover_the_view_without_gaps_and_stay_with_their_times(
    start: float, shown: float, width: float, aspect: float
) -> None:
    geometry = TimelineGeometry(width, 124, (start, start + shown), has_chapters=False, is_zoomed=True)
    tiles = geometry.tiles(aspect)
    assert tiles[0].left <= MARGIN + 0.01
    assert tiles[-1].left + tiles[-1].width >= width - MARGIN - 0.01
    for before, after in pairwise(tiles):
        assert after.left == pytest.approx(before.left + before.width, abs=0.01)
    for tile in tiles:
        assert geometry.time_at(tile.left + tile.width / 2) == pytest.approx(tile.time, abs=shown / width)
    moved = TimelineGeometry(
        width, 124, (start + shown / 3, start + shown * 4 / 3), has_chapters=False, is_zoomed=True
    )
    span = tiles[0].width * geometry.seconds_per_pixel
    for tile in moved.tiles(aspect):
        assert tile.time / span % 1 == pytest.approx(0.5, abs=1e-3)
