"""A tier that is too small, a real Chromium that pays, and the real window that has waited for it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from desktop.app import WorkflowPorts
from desktop.errors import TierRefusal
from desktop.settings import Settings
from desktop.source.storyboards import Storyboards
from desktop.ui import theme
from desktop.ui.models.session import State
from desktop.ui.widgets.upgrade_dialog import UpgradeDialog
from desktop.ui.window import MainWindow
from desktop.workflow import Workflow
from tests.chromium import chromium
from tests.end_to_end.conftest import PASSWORD, Server
from tests.stripe import GOOD

LEFT = Qt.MouseButton.LeftButton
WAIT = 60_000  # milliseconds, for work of the real rooms on a busy machine


@pytest.fixture
def lecture(tmp_path: Path) -> Path:
    """Six minutes, one more than the free tier takes."""
    path = tmp_path / "lecture.mp4"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error",
            "-f", "lavfi", "-i", "testsrc2=s=128x72:r=5:d=360",
            "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", str(path),
        ],
        check=True,
    )  # fmt: skip
    return path


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that the window has opened in a browser."""
    opened: list[str] = []

    def open_page(url: QUrl) -> bool:
        opened.append(url.toString())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_page)
    return opened


@pytest.fixture
def window(
    qtbot: QtBot, qapp: QApplication, home: Path, own_server: Server, real_keyring: None
) -> Iterator[MainWindow]:
    """The window at a server that sells, with somebody signed in who has just signed up."""
    theme.apply(qapp)
    settings = Settings(home=home, server_url=own_server.url, offline=False)
    with Workflow(settings) as workflow:
        workflow.account().sign_up("buyer@example.com", PASSWORD)
        window = MainWindow(WorkflowPorts(workflow, Storyboards(settings.cache)), home)
        qtbot.addWidget(window)
        window.show()
        qtbot.waitExposed(window)
        qtbot.waitUntil(lambda: window.account.status.signed_in, timeout=WAIT)
        yield window
        window.shut_down()


def test_what_the_tier_refused_is_paid_for_in_a_browser_and_then_made(
    window: MainWindow, qtbot: QtBot, lecture: Path, pages: list[str], tmp_path: Path
) -> None:
    window.open(str(lecture))
    qtbot.waitUntil(lambda: window.session.state is State.READY, timeout=WAIT)
    window.timeline.set_in(10.0)
    window.timeline.set_out(12.0)
    clip = tmp_path / "clip.mp4"
    window.export.choose(clip, replace=False)
    qtbot.mouseClick(window.editor.export.make, LEFT)
    qtbot.waitUntil(lambda: window.session.state is State.FAILED, timeout=WAIT)
    assert isinstance(window.session.error, TierRefusal)
    assert "This source is 6 minutes long" in window.session.error.message
    [dialog] = window.findChildren(UpgradeDialog)
    assert list(dialog.buttons) == ["pro", "premium"]
    qtbot.mouseClick(dialog.buttons["pro"], LEFT)
    qtbot.waitUntil(lambda: bool(pages), timeout=WAIT)
    with chromium(tmp_path / "chromium") as browser:
        browser.get(pages[0])
        browser.find_element(By.NAME, "number").send_keys(GOOD)
        browser.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        WebDriverWait(browser, 30).until(lambda _: browser.title.endswith("Reely"))
    qtbot.waitUntil(lambda: window.session.state is State.DONE, timeout=WAIT)
    assert clip.stat().st_size > 0
    assert window.account.status.tier == "pro"
    qtbot.waitUntil(lambda: window.account.status.trims.available == 99, timeout=WAIT)
    assert "99 of 100" in window.account_corner._meter.text()
