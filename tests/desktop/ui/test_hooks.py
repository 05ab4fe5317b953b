"""Hooks in the window: found with progress, shown with reasons, played, adjusted, added, and cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop.errors import Exit, ReelyError, TierRefusal
from desktop.hooks.models import FoundHooks
from desktop.ui.models.hooks import Stage
from desktop.ui.models.session import State
from desktop.ui.widgets.dialogs import SignInDialog
from desktop.ui.widgets.editor_page import Tab
from desktop.ui.widgets.upgrade_dialog import UpgradeDialog
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage import StagePorts
from tests.desktop.ui.stage_account import PASSWORD, PRO, SIGNED_IN

LEFT = Qt.MouseButton.LeftButton


def click(widget: QWidget) -> None:
    QTest.mouseClick(widget, LEFT)


def words(widget: QWidget) -> str:
    return "\n".join(each.text() for each in widget.findChildren(QLabel) if each.isVisible())


@pytest.fixture
def inside(ready: MainWindow, qtbot: QtBot, ports: StagePorts) -> Iterator[MainWindow]:
    """The window with a source open and somebody signed in, at the hooks' tab."""
    ports.status = SIGNED_IN
    ready.account.refresh()
    qtbot.waitUntil(lambda: ready.account.status.signed_in)
    click(ready.editor.tabs.button(Tab.HOOKS))
    yield ready
    ports.paid.set()


@pytest.fixture
def found(inside: MainWindow, qtbot: QtBot) -> MainWindow:
    click(inside.editor.hooks.begin)
    qtbot.waitUntil(lambda: inside.hooks.stage is Stage.FOUND)
    return inside


def test_what_it_costs_is_said_before_and_progress_while_it_runs(
    inside: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    panel = inside.editor.hooks
    assert "Uses one hook run: 3 of 3 left this month." in words(panel)
    ports.hooks_gate.shut()
    QTest.keyClicks(panel.describe, "  the squirrels ")
    QTest.keyClick(panel.describe, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Reading the words" in words(panel))
    assert ports.hooks_wanted == ["the squirrels"]
    ports.hooks_gate.open()
    qtbot.waitUntil(lambda: inside.hooks.stage is Stage.FOUND)


def test_hooks_are_shown_best_first_with_reasons_and_words_of_the_chosen_one(found: MainWindow) -> None:
    panel = found.editor.hooks
    assert [row.number for row in panel.rows] == [0, 1, 2]
    shown = words(panel)
    for each in ("91", "The squirrels strike back", "00:04.2", "viewers replay it", "least of all the three"):
        assert each in shown, each
    assert "somebody speaks" not in shown, "reasons of the chosen one only"
    assert "The signal “reaction” was left out" in shown
    assert [mark.title for mark in found.marks.marks] == [
        "The squirrels strike back",
        "He wakes up",
        "A plan takes shape",
    ]


def test_a_click_plays_a_hook_from_its_start_to_its_end(
    found: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    click(found.editor.hooks.rows[2])
    mark = found.marks.marks[2]
    assert found.player.playing
    assert "speaks to the listener" in words(found.editor.hooks)
    qtbot.waitUntil(lambda: not found.player.playing, timeout=10_000)
    assert found.timeline.playhead == pytest.approx(mark.end, abs=0.1)


def test_a_row_is_reached_by_tab_played_by_space_and_read_out_with_its_reasons(
    found: MainWindow, qtbot: QtBot
) -> None:
    row = found.editor.hooks.rows[1]
    assert row.focusPolicy() & Qt.FocusPolicy.TabFocus
    row.setFocus()
    QTest.keyClick(row, Qt.Key.Key_Space)
    assert found.marks.chosen == 1
    assert found.player.playing
    found.player.pause()
    assert "He wakes up" in row.accessibleName()
    assert "somebody speaks: What was that?" in row.accessibleDescription()


def test_a_mark_on_the_timeline_and_its_row_are_chosen_together(found: MainWindow) -> None:
    found.marks.choose(1)
    assert "somebody speaks: What was that?" in words(found.editor.hooks)


def test_the_chosen_hook_is_added_to_the_edit_with_its_adjusted_ends(found: MainWindow) -> None:
    found.marks.choose(1)
    found.marks.set_out(1, 3.0)
    click(found.editor.hooks.take)
    assert found.timeline.selection.start == pytest.approx(0.33 * 6, abs=0.04)
    assert found.timeline.selection.end == pytest.approx(3.0, abs=0.04)


def test_one_button_cuts_all_of_them(found: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    before = found.timeline.cuts
    assert found.editor.hooks.cut_all.text() == "Cut all 3"
    click(found.editor.hooks.cut_all)
    qtbot.waitUntil(lambda: found.session.state is State.DONE)
    ((edit, _destination, _overwrite),) = ports.trimmed
    assert edit.separate
    assert [each.start for each in edit.segments] == pytest.approx([4.2, 1.98, 2.94], abs=0.04)
    found.timeline.undo()
    assert found.timeline.cuts == before


def test_looking_can_be_cancelled_and_what_was_found_stays(
    found: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    panel = found.editor.hooks
    click(panel.again)
    ports.hooks_gate.shut()
    click(panel.begin)
    qtbot.waitUntil(ports.hooks_gate.reached.is_set)
    click(panel.cancel)
    qtbot.waitUntil(lambda: found.hooks.stage is Stage.FOUND)
    assert len(panel.rows) == 3


def test_an_empty_answer_says_why(inside: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    ports.hooks_found = FoundHooks(hooks=(), transcript=None, notes=("The transcript has no speech.",))
    click(inside.editor.hooks.begin)
    qtbot.waitUntil(lambda: inside.hooks.stage is Stage.FOUND)
    assert "The transcript has no speech." in words(inside.editor.hooks)
    assert not inside.editor.hooks.cut_all.isVisible()


def test_a_failure_is_told_and_tried_again(inside: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    panel = inside.editor.hooks
    ports.hooks_error = ReelyError("network-down", "There is no network.", "Connect.", Exit.NETWORK)
    click(panel.begin)
    qtbot.waitUntil(lambda: inside.hooks.stage is Stage.FAILED)
    assert all(each in words(panel) for each in ("There is no network.", "Connect.", "network-down"))
    ports.hooks_error = None
    assert panel.remedy.text() == "Try again"
    click(panel.remedy)
    qtbot.waitUntil(lambda: inside.hooks.stage is Stage.FOUND)


def test_used_up_hook_runs_lead_to_an_upgrade_and_the_search_goes_on(
    inside: MainWindow, qtbot: QtBot, ports: StagePorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtGui import QDesktopServices

    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _url: True)
    ports.hooks_error = TierRefusal("quota-exhausted", "All 3 hook runs are used.", "Upgrade.", [PRO])
    click(inside.editor.hooks.begin)
    qtbot.waitUntil(lambda: bool(inside.findChildren(UpgradeDialog)))
    (dialog,) = inside.findChildren(UpgradeDialog)
    ports.hooks_error = None
    click(dialog.buttons["pro"])
    ports.paid.set()
    qtbot.waitUntil(lambda: inside.hooks.stage is Stage.FOUND)


def test_somebody_who_is_not_signed_in_is_asked_to_and_the_search_goes_on(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.hooks_error = ReelyError("not-signed-in", "You are not signed in.", "Sign in.", Exit.ACCOUNT)
    ready.desk.find()
    qtbot.waitUntil(lambda: ready.hooks.stage is Stage.FAILED)
    click(ready.editor.hooks.remedy)
    (dialog,) = ready.findChildren(SignInDialog)
    ports.hooks_error = None
    dialog.email.setText("sam@example.com")
    dialog.password.setText(PASSWORD)
    click(dialog.go)
    qtbot.waitUntil(lambda: ready.hooks.stage is Stage.FOUND)


def test_another_source_begins_without_hooks(found: MainWindow, qtbot: QtBot) -> None:
    found.open("https://youtu.be/def")
    qtbot.waitUntil(lambda: found.session.state is State.READY, timeout=10_000)
    assert found.hooks.stage is Stage.IDLE
    assert found.marks.marks == ()


def test_ports_are_called_off_the_windows_thread(found: MainWindow, ports: StagePorts) -> None:
    import threading

    assert threading.get_ident() not in ports.calls_on
