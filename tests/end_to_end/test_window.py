"""The real window over the real rooms: paste a link, drag the handles, export, and look into the clip."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.app import WorkflowPorts
from desktop.settings import Settings
from desktop.source.storyboards import Storyboards
from desktop.ui import theme
from desktop.ui.models.session import State
from desktop.ui.models.transcript import Stage
from desktop.ui.widgets.dialogs import SignInDialog
from desktop.ui.window import MainWindow
from desktop.workflow import Workflow
from tests.end_to_end.conftest import PASSWORD
from tests.end_to_end.reading import beeps, frame_numbers
from tests.youtube import Kind, Media, YouTube
from tests.youtube.catalogue import BARE, MEMBERS_ONLY, PLAIN
from tests.youtube.media import FPS

LEFT = Qt.MouseButton.LeftButton
WAIT = 30_000  # milliseconds, for work of the real rooms on a busy machine


@pytest.fixture
def youtube_everywhere(youtube: YouTube, monkeypatch: pytest.MonkeyPatch) -> YouTube:
    """The stand-in, met by every child process of this one."""
    for name, value in youtube.env.items():
        monkeypatch.setenv(name, value)
    return youtube


@pytest.fixture
def window(
    qtbot: QtBot, qapp: QApplication, home: Path, server: str, real_keyring: None
) -> Iterator[MainWindow]:
    """The window as the app opens it, signed out."""
    theme.apply(qapp)
    settings = Settings(home=home, server_url=server, offline=False)
    with Workflow(settings) as workflow:
        window = MainWindow(WorkflowPorts(workflow, Storyboards(settings.cache)), home)
        qtbot.addWidget(window)
        window.show()
        qtbot.waitExposed(window)
        qtbot.waitUntil(lambda: window.account.known, timeout=WAIT)
        yield window
        window.shut_down()


def _sign_up(window: MainWindow, qtbot: QtBot, email: str) -> None:
    qtbot.mouseClick(window.account_corner.sign_in_button, LEFT)
    [dialog] = window.findChildren(SignInDialog)
    qtbot.mouseClick(dialog.switch, LEFT)
    qtbot.keyClicks(dialog.email, email)
    qtbot.keyClicks(dialog.password, PASSWORD)
    qtbot.keyClick(dialog.password, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.account.status.signed_in, timeout=WAIT)


def _paste(window: MainWindow, qtbot: QtBot, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    window.activateWindow()  # without a window manager nobody gives a closed dialog's focus back
    qtbot.waitUntil(window.isActiveWindow)
    window.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)


def _wait_until_shown(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not window.editor.preview.picture.isNull(), timeout=WAIT)
    assert window.session.state is State.READY


def _drag(window: MainWindow, qtbot: QtBot, start: float, end: float, grab: float) -> None:
    """Drag on the timeline from one time (seconds, `grab` pixels beside it) to another."""
    view = window.editor.timeline.view

    def at(time: float) -> QPointF:
        geometry = view.geometry_now()
        return QPointF(geometry.x_of(time) + grab, geometry.track.top + geometry.track.height * 0.6)

    qtbot.mousePress(view, LEFT, pos=at(start).toPoint())
    qtbot.mouseMove(view, at((start + end) / 2).toPoint())
    qtbot.mouseMove(view, at(end).toPoint())
    qtbot.mouseRelease(view, LEFT, pos=at(end).toPoint())


def test_from_a_pasted_link_to_a_clip_that_is_exact(
    window: MainWindow, qtbot: QtBot, youtube_everywhere: YouTube, tmp_path: Path
) -> None:
    _sign_up(window, qtbot, "window@example.com")
    _paste(window, qtbot, f"https://youtu.be/{PLAIN.id}?t=12")
    _wait_until_shown(window, qtbot)
    assert window.timeline.playhead == pytest.approx(12.0)
    _drag(window, qtbot, 0.0, 33.4, grab=-5)
    _drag(window, qtbot, 60.0, 36.2, grab=5)
    selection = window.timeline.selection
    assert selection.start == pytest.approx(33.4, abs=0.2)
    assert selection.end == pytest.approx(36.2, abs=0.2)
    clip = tmp_path / "from the window.mp4"
    window.export.choose(clip, replace=False)
    qtbot.mouseClick(window.editor.export.make, LEFT)
    assert window.session.state is State.WORKING
    qtbot.waitUntil(lambda: window.session.state is State.DONE, timeout=WAIT)
    first, last = round(selection.start * FPS), round(selection.end * FPS)
    assert frame_numbers(clip) == list(range(first, last))
    for beep in beeps(clip):
        source_time = beep.at + selection.start
        assert source_time == pytest.approx(round(source_time), abs=0.006)
        assert beep.second == round(source_time) % 30
    qtbot.waitUntil(lambda: window.account.status.trims.available == 4, timeout=WAIT)
    assert window.editor.result.isVisible()


def test_a_refused_link_is_told_and_the_next_one_opens(
    window: MainWindow, qtbot: QtBot, youtube_everywhere: YouTube
) -> None:
    _paste(window, qtbot, youtube_everywhere.url(MEMBERS_ONLY))
    qtbot.waitUntil(lambda: window.session.state is State.FAILED, timeout=WAIT)
    assert window.session.error is not None
    assert window.session.error.code == "members-only"
    _paste(window, qtbot, youtube_everywhere.url(BARE))
    _wait_until_shown(window, qtbot)
    assert window.session.source is not None
    assert window.session.source.title == BARE.title


def test_an_export_can_be_cancelled_and_costs_nothing(
    window: MainWindow, qtbot: QtBot, youtube_everywhere: YouTube, tmp_path: Path
) -> None:
    _sign_up(window, qtbot, "cancel@example.com")
    _paste(window, qtbot, youtube_everywhere.url(PLAIN))
    _wait_until_shown(window, qtbot)
    folder = tmp_path / "clips"
    folder.mkdir()
    youtube_everywhere.behave(Kind.MEDIA, bytes_per_second=20_000)
    window.export.choose(folder / "never.mp4", replace=False)
    window.start_export()
    qtbot.waitUntil(lambda: bool(psutil.Process().children(recursive=True)), timeout=WAIT)
    qtbot.mouseClick(window.editor.working.cancel, LEFT)
    qtbot.waitUntil(lambda: window.session.state is State.READY, timeout=2_000)
    assert list(folder.iterdir()) == []
    window.account.refresh()
    qtbot.waitUntil(lambda: window.account.status.trims.available == 5, timeout=WAIT)


def test_a_job_that_is_killed_costs_one_job_and_the_window_lives_on(
    window: MainWindow, qtbot: QtBot, youtube_everywhere: YouTube, youtube_media: Media, tmp_path: Path
) -> None:
    _sign_up(window, qtbot, "killed@example.com")
    window.open(str(youtube_media.renditions[18].path))
    _wait_until_shown(window, qtbot)
    window.export.choose(tmp_path / "never.mp4", replace=False)
    window.start_export()
    qtbot.waitUntil(lambda: window.session.progress is not None, timeout=WAIT)
    for job in _jobs():  # the trim's, and perhaps the waveform's
        os.kill(job, signal.SIGKILL)
    qtbot.waitUntil(window.editor.error.isVisible, timeout=WAIT)
    assert window.session.error is not None
    assert window.session.error.code == "job-crashed"
    assert not (tmp_path / "never.mp4").exists()
    qtbot.mouseClick(window.editor.error.back_button, LEFT)
    window.timeline.select(1.0, 2.0)
    window.export.choose(tmp_path / "after all.mp4", replace=False)
    window.start_export()
    qtbot.waitUntil(lambda: window.session.state is State.DONE, timeout=WAIT)
    assert frame_numbers(tmp_path / "after all.mp4") == list(range(24, 48))


def test_segments_of_a_project_become_one_clip_in_their_order(
    window: MainWindow, qtbot: QtBot, youtube_media: Media, tmp_path: Path
) -> None:
    _sign_up(window, qtbot, "segments@example.com")
    window.open(str(youtube_media.renditions[18].path))
    _wait_until_shown(window, qtbot)
    qtbot.waitUntil(lambda: window.waveform.peaks is not None, timeout=WAIT)
    window.timeline.select(5.0, 5.5)
    window.timeline.seek(2.0)
    qtbot.keyClick(window, Qt.Key.Key_A)
    window.timeline.set_out(2.25)
    window.timeline.move(0, 1)
    project = tmp_path / "edit.reely"
    window.document.save(project)
    qtbot.waitUntil(project.exists, timeout=WAIT)
    qtbot.waitUntil(lambda: not window.document.modified, timeout=WAIT)
    window.open(str(project))
    qtbot.waitUntil(lambda: window.session.project is not None, timeout=WAIT)
    _wait_until_shown(window, qtbot)
    clip = tmp_path / "joined.mp4"
    window.export.choose(clip, replace=False)
    window.start_export()
    qtbot.waitUntil(lambda: window.session.state is State.DONE, timeout=WAIT)
    assert frame_numbers(clip) == [*range(5 * FPS, round(5.5 * FPS)), *range(2 * FPS, round(2.25 * FPS))]
    qtbot.waitUntil(lambda: window.account.status.trims.available == 4, timeout=WAIT)


def test_from_words_that_are_looked_for_to_a_clip_of_them(
    window: MainWindow, qtbot: QtBot, youtube_everywhere: YouTube, tmp_path: Path
) -> None:
    _paste(window, qtbot, youtube_everywhere.url(PLAIN))
    _wait_until_shown(window, qtbot)
    before = len(youtube_everywhere.log.exchanges)
    qtbot.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.transcript.stage is Stage.READY, timeout=WAIT)
    asked = [each.path for each in youtube_everywhere.log.exchanges[before:]]
    assert asked.count("/api/timedtext") == 1
    cues = PLAIN.captions[0].cues
    assert " ".join(line.text for line in window.transcript.lines) == " ".join(cue.text for cue in cues)
    reader = window.editor.words.reading
    qtbot.keyClicks(reader.field, cues[5].text.split()[0])
    qtbot.keyClick(reader.field, Qt.Key.Key_Down)
    assert reader.list.hasFocus()
    qtbot.keyClick(reader.list, Qt.Key.Key_Return)
    chosen = reader.list.chosen
    assert chosen is not None
    line = window.transcript.lines[chosen[0]]
    assert window.timeline.playhead == pytest.approx(line.start, abs=1 / FPS)
    qtbot.keyClick(reader.list, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    qtbot.mouseClick(reader.select, LEFT)
    saved = tmp_path / "words.vtt"
    window.transcript.save(saved, overwrite=False)
    qtbot.waitUntil(lambda: "words.vtt" in reader.said.text(), timeout=WAIT)
    assert saved.read_text("utf-8").startswith("WEBVTT\nLanguage: en\n")
    _sign_up(window, qtbot, "words@example.com")
    clip = tmp_path / "words.mp4"
    window.export.choose(clip, replace=False)
    window.start_export()
    qtbot.waitUntil(lambda: window.session.state is State.DONE, timeout=WAIT)
    selection, last = window.timeline.selection, window.transcript.lines[chosen[0] + 1]
    assert line.start - 0.4 <= selection.start <= line.start
    assert last.end <= selection.end <= last.end + 0.5
    numbers = frame_numbers(clip)
    assert numbers == list(range(round(selection.start * FPS), round(selection.end * FPS)))
    qtbot.waitUntil(lambda: window.account.status.hook_runs.available == 3, timeout=WAIT)


def _jobs() -> list[int]:
    return [child.pid for child in psutil.Process().children() if "desktop.worker" in child.cmdline()]
