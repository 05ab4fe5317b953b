"""A small real video, the stage behind the window, and the window itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest
from PySide6.QtCore import QLocale, QMimeDatabase
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QStyle
from pytestqt.qtbot import QtBot

from desktop.ui import theme
from desktop.ui.models.session import State
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage import StagePorts


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a display Qt's offscreen plugin says for each dialog what it cannot do: no fault of ours."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.qt_log_ignore("does not support propagateSizeHints"))


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """6 s at 30 frames a second, a keyframe every second, with a tone."""
    path = tmp_path_factory.mktemp("video") / "sample.mp4"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error",
            "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=6", "-f", "lavfi", "-i", "sine=d=6",
            "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "30",
            "-c:a", "aac", str(path),
        ],
        check=True,
    )  # fmt: skip
    return path


@pytest.fixture(scope="session")
def sound_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "tone.m4a"
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "sine=d=6", str(path)],
        check=True,
    )
    return path


@pytest.fixture(scope="session", autouse=True)
def qt_caches(qapp: QApplication) -> None:
    """Files that Qt opens once and keeps, so that no single test is blamed for them."""
    QMimeDatabase().mimeTypeForFile("film.mp4")
    qapp.style().standardIcon(QStyle.StandardPixmap.SP_LineEditClearButton).pixmap(16, 16)
    QIcon.fromTheme("folder").pixmap(16, 16)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Dates and sizes as the tests expect them, wherever they run."""
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom))
    yield
    QLocale.setDefault(before)


@pytest.fixture
def ports(video: Path, tmp_path: Path) -> StagePorts:
    return StagePorts(video, tmp_path)


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, ports: StagePorts, home: Path) -> Iterator[MainWindow]:
    """The window as the user meets it, at its usual size, with the account known."""
    theme.apply(qapp)
    window = MainWindow(ports, home)
    qtbot.addWidget(window)
    window.resize(1100, 700)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.waitUntil(lambda: window.account.known)
    yield window
    ports.gate.open()
    ports.preview_gate.open()
    ports.hooks_gate.open()
    ports.words_gate.open()
    window.shut_down()


@pytest.fixture
def ready(qtbot: QtBot, window: MainWindow) -> MainWindow:
    """The window with a source open and its first picture shown."""
    window.open("https://youtu.be/abc")
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    qtbot.waitUntil(lambda: not window.editor.preview.picture.isNull(), timeout=10_000)
    assert window.session.state is State.READY
    return window
