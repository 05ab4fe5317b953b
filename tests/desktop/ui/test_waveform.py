"""The waveform under the thumbnails: drawn where the sound is, steady while panning, never in the way."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from desktop.errors import Exit, ReelyError
from desktop.media.peaks import Peaks
from desktop.ui import theme
from desktop.ui.models.waveform import Waveform
from desktop.ui.operations import OperationRunner
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage import StagePorts

COLORS = (QColor("#ff0000"), QColor("#00ff00"))
RATE = 48_000


@pytest.fixture
def waveform(ports: StagePorts, qtbot: QtBot) -> Waveform:
    """Ten seconds of silence with a swing to -0.5 and +1 from 4 s to 5 s."""
    bins = np.zeros((10 * RATE // 64, 3), np.int8)
    bins[4 * RATE // 64 : 5 * RATE // 64] = (-64, 127, 40)
    waveform = Waveform(ports, OperationRunner())
    waveform._take(Peaks.of(RATE, 0, bins))
    return waveform


def column(image: QImage, x: int) -> list[str]:
    """The colours of a column from top to bottom, `-` for none."""
    names = {COLORS[0].rgba(): "swing", COLORS[1].rgba(): "loud", 0: "-"}
    return [names[image.pixel(x, y)] for y in range(image.height())]


def test_a_column_reaches_from_the_lowest_to_the_highest_sample(waveform: Waveform) -> None:
    found = waveform.image((0, 10), 100, 40, COLORS)
    assert found is not None
    image, start, end = found
    assert (start, end) == pytest.approx((0, 10.1))
    assert column(image, 20).count("swing") + column(image, 20).count("loud") <= 2  # silence is a line
    loud = column(image, 45)
    assert loud[0] == "swing"
    assert loud[19] == loud[20] == "loud"
    assert loud[-1] == "-"
    assert loud.index("loud") > 4


def test_columns_stay_with_their_times_when_the_view_moves(waveform: Waveform) -> None:
    def edges(view: tuple[float, float]) -> list[float]:
        found = waveform.image(view, 200, 30, COLORS)
        assert found is not None
        image, start, end = found
        step = (end - start) / image.width()
        loud = [image.pixel(x, 0) != 0 for x in range(image.width())]
        return [start + x * step for x in range(1, image.width()) if loud[x] != loud[x - 1]]

    # One image serves all views of a width; only where it is drawn changes.
    assert edges((3.0, 6.0)) == pytest.approx([4.0, 5.0], abs=0.016)
    assert edges((3.00771, 6.00771)) == pytest.approx(edges((3.0, 6.0)), abs=1e-6)
    assert edges((3.5, 6.5)) == pytest.approx(edges((3.0, 6.0)), abs=0.016)


def test_an_image_of_a_wide_window_is_painted_in_a_few_milliseconds(waveform: Waveform) -> None:
    took = []
    for number in range(20):
        view = (0.0, 10.0 - number / 100)
        before = time.thread_time()
        assert waveform.image(view, 2560, 64, COLORS) is not None
        took.append(time.thread_time() - before)
    assert sorted(took)[10] < 0.02


def test_the_window_draws_it_when_it_is_there(ready: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: ready.waveform.peaks is not None, timeout=10_000)
    view = ready.editor.timeline.view
    shown = view.grab().toImage()
    geometry = view.geometry_now()
    x = round(geometry.x_of(2.0) * shown.devicePixelRatio())
    tints = {
        shown.pixelColor(QPoint(x, round(y * shown.devicePixelRatio()))).name()
        for y in range(round(geometry.wave.top) + 3, round(geometry.wave.bottom) - 4)
    }
    assert theme.color("wave_core").hue() in {
        QColor(tint).hue() + d for tint in tints for d in range(-12, 13)
    }


def test_at_the_closest_zoom_the_samples_themselves_are_drawn(ready: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: ready.waveform.peaks is not None, timeout=10_000)
    ready.timeline.seek(3.0)
    ready.timeline.zoom(1e6)
    start, end = ready.timeline.view
    qtbot.waitUntil(
        lambda: ready.waveform._excerpt is not None and ready.waveform._excerpt.holds(start, end),
        timeout=5000,
    )
    found = ready.waveform.image((start, end), 1000, 41, COLORS)
    assert found is not None
    image = found[0]
    # A tone of 440 Hz crosses the middle twice a period; the bins of the peaks would show a band.
    tops = [next(y for y in range(41) if image.pixel(x, y)) for x in range(1000)]
    crossings = sum((a <= 15) != (b <= 15) for a, b in pairwise(tops))
    assert crossings == pytest.approx(2 * 440 * (end - start), abs=6)


def test_a_sound_that_cannot_be_read_leaves_a_timeline_that_works(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.waveform_error = ReelyError("media-unreadable", "x", "x", Exit.MEDIA)
    window.open("https://youtu.be/abc")
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    qtbot.waitUntil(lambda: window.waveform.fraction is None)
    assert window.waveform.peaks is None
    window.timeline.seek(2.0)
    qtbot.waitUntil(lambda: window.player.shown_at == window.timeline.playhead, timeout=5000)
