"""Projects in the window: saved, opened, offered again, and never lost or overwritten unasked."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from desktop.errors import Exit, ReelyError
from desktop.project import read_project
from desktop.trim.edit import Mode
from desktop.ui.models.export import Delivery
from desktop.ui.models.session import State
from desktop.ui.preferences import Preferences, Recent
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage import StagePorts

LINK = "https://www.youtube.com/watch?v=abcdefghijk"
CONTROL = Qt.KeyboardModifier.ControlModifier
D = TypeVar("D", bound=QDialog)


def the_dialog(window: MainWindow, kind: type[D]) -> D:
    (found,) = [d for d in window.findChildren(kind) if d.isVisible()]
    return found


def answer(window: MainWindow, text: str) -> None:
    question = the_dialog(window, QMessageBox)
    QTest.mouseClick(
        next(b for b in question.findChildren(QPushButton) if b.text() == text), Qt.MouseButton.LeftButton
    )


def save_as(window: MainWindow, qtbot: QtBot, path: Path) -> None:
    QTest.keyClick(window, Qt.Key.Key_S, CONTROL)
    dialog = the_dialog(window, QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.done(QFileDialog.DialogCode.Accepted)
    qtbot.waitUntil(lambda: window.document.path is not None)


def test_a_saved_edit_is_there_again_when_its_project_is_opened(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts, tmp_path: Path
) -> None:
    timeline, path = ready.timeline, tmp_path / "mine.reely"
    timeline.select(1.0, 2.0)
    timeline.add(4.0, 5.0)
    timeline.move(0, 1)
    timeline.seek(3.0)
    ready.export.set_mode(Mode.EXACT)
    ready.export.set_delivery(Delivery.SEPARATE)
    edit = ready.export.edit
    save_as(ready, qtbot, tmp_path / "mine")  # the suffix comes by itself
    assert read_project(path).edit == edit
    assert ready.windowTitle() == "mine – Reely"
    ready.open("https://youtu.be/other")
    qtbot.waitUntil(lambda: ready.session.preview is not None and len(timeline.cuts.segments) == 1)
    assert ready.document.path is None
    ready.export.set_mode(Mode.SMART)
    ready.open(str(path))
    qtbot.waitUntil(lambda: ready.session.project is not None and ready.session.preview is not None)
    assert ports.opened[-1] == ports.opened[0]
    assert ready.export.edit == edit
    assert timeline.playhead == pytest.approx(3.0)
    assert not ready.document.modified
    assert not timeline.can_undo


def test_changes_are_marked_and_saved_over_the_same_file(
    ready: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "mine.reely"
    save_as(ready, qtbot, path)
    ready.timeline.select(1.0, 2.0)
    assert ready.document.modified
    assert ready.windowTitle() == "● mine – Reely"
    ready.timeline.undo()
    assert not ready.document.modified
    ready.timeline.redo()
    QTest.keyClick(ready, Qt.Key.Key_S, CONTROL)
    qtbot.waitUntil(lambda: not ready.document.modified)
    assert [(each.start, each.end) for each in read_project(path).edit.segments] == [(1.0, 2.0)]


@pytest.mark.parametrize(
    ("button", "opened", "kept"), [("Save", True, 1.0), ("Do not save", True, 0.0), ("Cancel", False, 0.0)]
)
def test_leaving_a_changed_project_asks_first(
    button: str, opened: bool, kept: float, ready: MainWindow, qtbot: QtBot, ports: StagePorts, tmp_path: Path
) -> None:
    path = tmp_path / "mine.reely"
    save_as(ready, qtbot, path)
    ready.timeline.select(1.0, 2.0)
    ready.open(LINK)
    answer(ready, button)
    if opened:
        qtbot.waitUntil(lambda: ports.opened[-1] == LINK)
    assert (ports.opened[-1] == LINK) is opened
    assert read_project(path).edit.segments[0].start == kept
    if not opened:  # or else the end of the test would ask once more
        ready.document.settle()


def test_quitting_with_a_changed_project_asks_first(ready: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "mine.reely"
    save_as(ready, qtbot, path)
    ready.timeline.select(1.0, 2.0)
    ready.close()
    assert ready.isVisible()
    answer(ready, "Save")
    qtbot.waitUntil(lambda: not ready.isVisible())
    assert read_project(path).edit.segments[0].start == 1.0


def test_a_project_that_cannot_be_written_is_told_and_stays_changed(
    ready: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    save_as(ready, qtbot, folder / "mine.reely")
    (folder / "mine.reely").unlink()
    folder.rmdir()
    folder.touch()
    ready.timeline.select(1.0, 2.0)
    QTest.keyClick(ready, Qt.Key.Key_S, CONTROL)
    qtbot.waitUntil(lambda: any(box.isVisible() for box in ready.findChildren(QMessageBox)))
    assert "could not be written" in the_dialog(ready, QMessageBox).text()
    assert ready.document.modified
    the_dialog(ready, QMessageBox).close()
    ready.document.settle()


def test_what_is_no_project_is_told_like_any_other_failure(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "bad.reely"
    path.write_text("{}")
    window.open(str(path))
    qtbot.waitUntil(lambda: window.session.state is State.FAILED)
    assert window.session.error is not None
    assert window.session.error.code == "project-unreadable"
    assert window.failed.isVisible()


def test_what_was_opened_last_is_offered_on_the_first_page(
    window: MainWindow, qtbot: QtBot, ports: StagePorts, home: Path
) -> None:
    window.open(LINK)
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    ports.open_error = ReelyError("x", "x", "x", Exit.SOURCE)
    window.open("https://youtu.be/no")
    qtbot.waitUntil(lambda: window.session.state is State.FAILED)
    window.session.dismiss()
    ports.open_error = None
    buttons = [b for b in window.empty.findChildren(QPushButton) if b.toolTip()]
    assert [button.toolTip() for button in buttons] == [LINK]
    QTest.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: ports.opened == [LINK, "https://youtu.be/no", LINK])
    window.preferences.save()
    assert [each.text for each in Preferences(home).recent] == [LINK]
    QApplication.sendPostedEvents()


def test_only_the_newest_are_remembered_each_once(home: Path) -> None:
    preferences = Preferences(home)
    for number in [*range(9), 7]:
        preferences.remember(Recent(text=str(number), title=""))
    assert [each.text for each in preferences.recent] == ["7", "8", "6", "5", "4", "3"]


def test_a_list_that_somebody_broke_is_an_empty_one(home: Path) -> None:
    preferences = Preferences(home)
    preferences._settings.setValue("recent", "[{")
    assert preferences.recent == ()


def test_while_something_else_is_opened_nothing_of_the_last_can_be_saved(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts, tmp_path: Path
) -> None:
    save_as(ready, qtbot, tmp_path / "mine.reely")
    ports.gate.shut()
    ready.open(LINK)
    qtbot.waitUntil(ports.gate.reached.is_set)
    QTest.keyClick(ready, Qt.Key.Key_S, CONTROL)
    assert not [dialog for dialog in ready.findChildren(QFileDialog) if dialog.isVisible()]
    assert ready.windowTitle() == "Reely"
    ports.gate.open()
    qtbot.waitUntil(lambda: ready.session.preview is not None, timeout=10_000)
    assert ready.windowTitle().startswith("A film about")
