"""The real window, driven with mouse and keyboard: from a pasted link to a clip, and what can go wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TypeVar
from unittest.mock import ANY

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, QSize, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from desktop.errors import Exit, ReelyError
from desktop.source.models import Chapter
from desktop.trim.edit import Mode
from desktop.ui.application import run
from desktop.ui.models.session import State
from desktop.ui.widgets.dialogs import KeysDialog, SignInDialog
from desktop.ui.widgets.timeline_view import TimelineView
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage import LateSound, StagePorts
from tests.desktop.ui.stage_account import PASSWORD, SIGNED_IN

LINK = "https://www.youtube.com/watch?v=abcdefghijk"
FRAME = 1 / 30
LEFT = Qt.MouseButton.LeftButton
D = TypeVar("D", bound=QDialog)


def private_video() -> ReelyError:
    return ReelyError("video-private", "This video is private.", "Open another one.", Exit.SOURCE)


def state_of(window: MainWindow) -> State:
    return window.session.state


def ends(window: MainWindow) -> tuple[float, float]:
    return (window.timeline.selection.start, window.timeline.selection.end)


def click(qtbot: QtBot, widget: QWidget) -> None:
    assert widget.isVisible()
    assert widget.isEnabled()
    QTest.mouseClick(widget, LEFT)


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    """Press a key where the focus is, as a person does."""
    combined = Qt.KeyboardModifier.NoModifier
    for modifier in modifiers:
        combined |= modifier
    QTest.keyClick(window.focusWidget() or window, key, combined)


def drag(qtbot: QtBot, view: TimelineView, start: QPointF, *stops: QPointF) -> None:
    QTest.mousePress(view, LEFT, pos=start.toPoint())
    for stop in stops:
        QTest.mouseMove(view, stop.toPoint())
    QTest.mouseRelease(view, LEFT, pos=stops[-1].toPoint())


def in_track(view: TimelineView, time: float, offset: float = 0.0) -> QPointF:
    geometry = view.geometry_now()
    return QPointF(geometry.x_of(time) + offset, geometry.track.top + geometry.track.height * 0.6)


# --- opening ---


def test_a_typed_link_becomes_a_source_with_a_picture(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    assert window.empty.isVisible()
    ports.gate.shut()
    QTest.keyClicks(window.link_bar.field, LINK)
    QTest.keyClick(window.link_bar.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.session.progress is not None)
    assert state_of(window) is State.LOADING
    assert window.loading.isVisible()
    ports.gate.open()
    qtbot.waitUntil(lambda: not window.editor.preview.picture.isNull(), timeout=10_000)
    assert state_of(window) is State.READY
    assert window.editor.isVisible()
    assert ports.opened == [LINK]
    assert "A film about" in window.windowTitle()
    assert len(window.timeline.frames or ()) == 180


def test_the_time_stamp_of_a_link_sets_the_playhead(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.start_at = 2.5
    window.open(LINK)
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    assert window.timeline.playhead == pytest.approx(2.5)


def test_picture_and_sound_may_come_in_two_files(
    window: MainWindow, qtbot: QtBot, ports: StagePorts, sound_file: Path
) -> None:
    ports.sound_file = sound_file
    window.open(LINK)
    qtbot.waitUntil(lambda: not window.editor.preview.picture.isNull(), timeout=10_000)
    assert len(window.timeline.frames or ()) == 180
    assert window.sound._path == sound_file


def test_a_picture_is_scrubbed_while_the_sound_is_on_its_way(
    window: MainWindow, qtbot: QtBot, ports: StagePorts, sound_file: Path
) -> None:
    ports.late_sound = late = LateSound(sound_file)
    window.open(LINK)
    qtbot.waitUntil(lambda: not window.editor.preview.picture.isNull(), timeout=10_000)
    assert window.sound._path is None
    window.player.play()
    late.gate.open()
    qtbot.waitUntil(lambda: window.sound._path == sound_file, timeout=10_000)
    assert window.player.playing
    qtbot.waitUntil(lambda: window.waveform.peaks is not None, timeout=10_000)
    window.player.pause()
    ports.late_sound = None
    window.open(LINK)
    qtbot.waitUntil(lambda: late.closed, timeout=10_000)


def test_a_source_that_is_left_waits_for_its_sound_no_longer(
    window: MainWindow, qtbot: QtBot, ports: StagePorts, sound_file: Path
) -> None:
    ports.late_sound = late = LateSound(sound_file)
    window.open(LINK)
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    ports.late_sound = None
    window.open(LINK)
    qtbot.waitUntil(lambda: late.closed and window.session.preview is not None, timeout=10_000)
    assert window.sound._path != sound_file


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_dropped_anywhere_on_the_window_is_opened(
    kind: str, window: MainWindow, qtbot: QtBot, ports: StagePorts, video: Path
) -> None:
    data = QMimeData()
    if kind == "link":
        data.setText(LINK)
    else:
        data.setUrls([QUrl.fromLocalFile(str(video))])
    plain, at, copy = Qt.KeyboardModifier.NoModifier, QPoint(400, 300), Qt.DropAction.CopyAction
    QApplication.sendEvent(window.body, QDragEnterEvent(at, copy, data, LEFT, plain))
    assert window.body.overlay.isVisible()
    QApplication.sendEvent(window.body, QDropEvent(QPointF(at), copy, data, LEFT, plain, QEvent.Type.Drop))
    assert not window.body.overlay.isVisible()
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    assert ports.opened == [LINK if kind == "link" else str(video)]


def test_ctrl_v_opens_what_is_on_the_clipboard(window: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    QGuiApplication.clipboard().setText(f"\n{LINK}\n")
    window.setFocus()
    QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: ports.opened == [LINK])


def test_a_refused_source_is_told_and_another_can_be_opened(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.open_error = private_video()
    window.open(LINK)
    qtbot.waitUntil(lambda: window.session.state is State.FAILED)
    assert window.failed.isVisible()
    words = [w.text() for w in window.failed.findChildren(QWidget) if hasattr(w, "text") and w.isVisible()]
    assert {"This video is private.", "Open another one.", "video-private"} <= set(words)
    click(qtbot, window.failed.card.remedy_button)
    assert state_of(window) is State.EMPTY
    assert window.link_bar.field.hasFocus()


def test_after_a_network_failure_the_same_link_is_tried_again(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.open_error = ReelyError("network-down", "There is no network.", "Check it.", Exit.NETWORK)
    window.open(LINK)
    qtbot.waitUntil(lambda: window.session.state is State.FAILED)
    ports.open_error = None
    click(qtbot, window.failed.card.remedy_button)
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    assert ports.opened == [LINK, LINK]


def test_opening_can_be_cancelled(window: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    ports.gate.shut()
    window.open(LINK)
    qtbot.waitUntil(ports.gate.reached.is_set)
    click(qtbot, window.loading.cancel)
    assert state_of(window) is State.EMPTY
    qtbot.waitUntil(lambda: not window.runner.is_busy("open"))


def test_a_newer_link_takes_the_place_of_one_that_is_still_loading(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.gate.shut()
    window.open("https://youtu.be/first")
    qtbot.waitUntil(ports.gate.reached.is_set)
    ports.gate.open()
    window.open("https://youtu.be/second")
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    assert window.session.source is not None
    assert window.session.source.origin == "https://youtu.be/second"


def test_opening_another_source_lets_go_of_the_first(ready: MainWindow, qtbot: QtBot) -> None:
    first = ready.session.preview
    ready.open("https://youtu.be/other")
    qtbot.waitUntil(lambda: ready.session.preview not in (None, first), timeout=10_000)
    assert first is not None
    assert first.frames is not None
    qtbot.waitUntil(lambda: not first.frames._thread.is_alive())  # type: ignore[union-attr]


def test_the_timeline_can_be_used_while_the_preview_is_loading(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.preview_gate.shut()
    window.open(LINK)
    qtbot.waitUntil(lambda: window.session.state is State.READY)
    window.timeline.seek(2.013)
    press(qtbot, window, Qt.Key.Key_I)
    assert window.timeline.selection.start == pytest.approx(2.013)
    ports.preview_gate.open()
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    assert window.timeline.selection.start == pytest.approx(2.0)  # on a picture now


def test_a_preview_that_fails_can_be_loaded_again(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.preview_error = ReelyError("network-down", "There is no network.", "Check it.", Exit.NETWORK)
    window.open(LINK)
    qtbot.waitUntil(lambda: window.session.preview_error is not None)
    assert state_of(window) is State.READY
    ports.preview_error = None
    click(qtbot, window.editor.preview._again)
    qtbot.waitUntil(lambda: not window.editor.preview.picture.isNull(), timeout=10_000)


def test_a_source_with_sound_alone_has_a_timeline_too(
    window: MainWindow, qtbot: QtBot, ports: StagePorts, sound_file: Path
) -> None:
    ports.video = sound_file
    window.open(str(sound_file))
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    assert window.editor.preview._sound_only.isVisible()
    window.timeline.seek(2.0)
    press(qtbot, window, Qt.Key.Key_I)
    assert window.timeline.selection.start == 2.0


# --- cutting ---


def test_dragging_the_handles_sets_the_clip_and_ctrl_z_takes_it_back(ready: MainWindow, qtbot: QtBot) -> None:
    view, timeline = ready.editor.timeline.view, ready.timeline
    drag(qtbot, view, in_track(view, 0.0, -5), in_track(view, 0.5, -5), in_track(view, 1.5, -5))
    drag(qtbot, view, in_track(view, 6.0, 5), in_track(view, 5.0, 5), in_track(view, 4.0, 5))
    assert timeline.selection.start == pytest.approx(1.5, abs=2 * FRAME)
    assert timeline.selection.end == pytest.approx(4.0, abs=2 * FRAME)
    assert timeline.selection.start in timeline.frames.starts  # type: ignore[union-attr]
    assert timeline.playhead == pytest.approx(timeline.selection.end - FRAME)
    set_to = timeline.selection
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    press(qtbot, ready, Qt.Key.Key_Z, control)
    assert (timeline.selection.start, timeline.selection.end) == (set_to.start, 6.0)
    press(qtbot, ready, Qt.Key.Key_Z, control)
    assert (timeline.selection.start, timeline.selection.end) == (0.0, 6.0)
    press(qtbot, ready, Qt.Key.Key_Z, control, shift)
    press(qtbot, ready, Qt.Key.Key_Z, control, shift)
    assert timeline.selection == set_to


def test_dragging_the_bar_slides_the_clip_as_it_is(ready: MainWindow, qtbot: QtBot) -> None:
    view, timeline = ready.editor.timeline.view, ready.timeline
    timeline.select(1.0, 3.0)
    geometry = view.geometry_now()
    y = geometry.track.top + 3
    drag(qtbot, view, QPointF(geometry.x_of(2.5), y), QPointF(geometry.x_of(4.0), y))
    assert timeline.selection.start == pytest.approx(2.5, abs=2 * FRAME)
    assert timeline.selection.duration == pytest.approx(2.0)


def test_a_press_on_the_track_scrubs(ready: MainWindow, qtbot: QtBot) -> None:
    view = ready.editor.timeline.view
    drag(qtbot, view, in_track(view, 2.0), in_track(view, 3.0), in_track(view, 5.0))
    assert ready.timeline.playhead == pytest.approx(5.0, abs=2 * FRAME)


def test_a_handle_is_drawn_to_the_edge_of_a_chapter(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.chapters = (Chapter(start=0, end=2.5, title="One"), Chapter(start=2.5, end=6, title="Two"))
    window.open(LINK)
    qtbot.waitUntil(lambda: window.session.preview is not None, timeout=10_000)
    view = window.editor.timeline.view
    drag(qtbot, view, in_track(view, 0.0, -5), in_track(view, 2.5, -9))
    assert window.timeline.selection.start == pytest.approx(2.5)
    geometry = view.geometry_now()
    middle = QPoint(round(geometry.x_of(1.0)), round(geometry.chapters.top + 8))
    QTest.mouseDClick(view, LEFT, pos=middle)
    assert ends(window) == pytest.approx((0.0, 2.5))


def test_the_wheel_zooms_at_the_pointer_and_pans_sideways(ready: MainWindow) -> None:
    view, timeline = ready.editor.timeline.view, ready.timeline

    def wheel(x: int, y: int) -> None:
        at = in_track(view, 4.0)
        QApplication.sendEvent(
            view,
            QWheelEvent(
                at, QPointF(view.mapToGlobal(at)), QPoint(), QPoint(x, y),
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
            ),
        )  # fmt: skip

    before = view.geometry_now().x_of(4.0)
    wheel(0, 480)
    assert timeline.zoom_level == pytest.approx(1.25**4)
    assert view.geometry_now().x_of(4.0) == pytest.approx(before, abs=1)
    start = timeline.view[0]
    wheel(-120, 0)
    assert timeline.view[0] > start


KEYS: list[tuple[list[tuple[Qt.Key, Qt.KeyboardModifier | None]], float]] = [
    ([(Qt.Key.Key_Right, None)], 2 + FRAME),
    ([(Qt.Key.Key_Left, None)], 2 - FRAME),
    ([(Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)], 3.0),
    ([(Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)], 1.0),
    ([(Qt.Key.Key_Home, None)], 0.0),
    ([(Qt.Key.Key_End, None)], 6 - FRAME),
    ([(Qt.Key.Key_Up, None)], 1.0),
    ([(Qt.Key.Key_Down, None)], 4 - FRAME),
    ([(Qt.Key.Key_I, Qt.KeyboardModifier.ShiftModifier)], 1.0),
    ([(Qt.Key.Key_O, Qt.KeyboardModifier.ShiftModifier)], 4 - FRAME),
    ([(Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)], 1 + FRAME),
    ([(Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)], 4 - 2 * FRAME),
]


@pytest.mark.parametrize(("keys", "playhead"), KEYS)
def test_keys_move_the_playhead(
    keys: list[tuple[Qt.Key, Qt.KeyboardModifier | None]], playhead: float, ready: MainWindow, qtbot: QtBot
) -> None:
    ready.timeline.select(1.0, 4.0)
    ready.timeline.seek(2.0)
    for key, modifier in keys:
        press(qtbot, ready, key, *([modifier] if modifier else []))
    assert ready.timeline.playhead == pytest.approx(playhead, abs=1e-6)


def test_i_and_o_mark_the_clip_and_x_takes_everything(ready: MainWindow, qtbot: QtBot) -> None:
    timeline = ready.timeline
    timeline.seek(1.0)
    press(qtbot, ready, Qt.Key.Key_I)
    timeline.seek(2.0)
    press(qtbot, ready, Qt.Key.Key_O)
    assert ends(ready) == pytest.approx((1.0, 2 + FRAME))
    press(qtbot, ready, Qt.Key.Key_X)
    assert (timeline.selection.start, timeline.selection.end) == (0.0, 6.0)


def test_space_j_k_and_l_drive_the_player(ready: MainWindow, qtbot: QtBot) -> None:
    speeds = []
    for key in (Qt.Key.Key_Space, Qt.Key.Key_L, Qt.Key.Key_K, Qt.Key.Key_J, Qt.Key.Key_J, Qt.Key.Key_Space):
        press(qtbot, ready, key)
        speeds.append(ready.player.speed)
    # At the very start there is nothing behind: J stops there by itself at the next tick.
    assert speeds == [1, 2, 0, -1, -2, 0]


def test_letters_typed_into_a_field_are_letters(ready: MainWindow, qtbot: QtBot) -> None:
    field = ready.link_bar.field
    field.clear()
    field.setFocus()
    QTest.keyClicks(field, "jkl io x?")
    assert field.text() == "jkl io x?"
    assert not ready.player.playing
    assert (ready.timeline.selection.start, ready.timeline.selection.end) == (0.0, 6.0)


def test_the_space_bar_presses_the_button_that_has_the_focus(ready: MainWindow, qtbot: QtBot) -> None:
    ready.timeline.seek(2.0)
    ready.editor.timeline.mark_in.setFocus()
    press(qtbot, ready, Qt.Key.Key_Space)
    assert ready.timeline.selection.start == pytest.approx(2.0)
    assert not ready.player.playing


def test_times_can_be_typed(ready: MainWindow, qtbot: QtBot) -> None:
    panel, transport = ready.editor.timeline, ready.editor.transport
    for field, text in (
        (panel.in_field, "1.5"),
        (panel.out_field, "-0:02"),
        (transport.position, "00:03.01"),
    ):
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert ready.timeline.selection.start == pytest.approx(1.5)
    assert ready.timeline.selection.end == pytest.approx(4.0)
    assert ready.timeline.playhead == pytest.approx(3.0)
    assert transport.position.text() == "00:03.000"


def test_a_typed_word_that_is_no_time_is_marked_and_given_up_with_escape(
    ready: MainWindow, qtbot: QtBot
) -> None:
    field = ready.editor.timeline.in_field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "later")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.property("wrong") is True
    assert "is not a time" in field.toolTip()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "00:00.000"
    assert field.property("wrong") is False
    assert ready.timeline.selection.start == 0.0


def test_a_picture_that_cannot_be_decoded_is_told_in_its_place(ready: MainWindow, qtbot: QtBot) -> None:
    preview = ready.editor.preview
    ready.player.failed.emit(ReelyError("media-unreadable", "It is damaged.", "Get it again.", Exit.MEDIA))
    assert preview._message.isVisible()
    assert preview._message.text() == "It is damaged. Get it again."
    ready.timeline.step(5)
    qtbot.waitUntil(lambda: ready.player.shown_at == ready.timeline.playhead, timeout=5000)
    assert not preview._message.isVisible()


# --- exporting ---


def test_from_selection_to_clip(ready: MainWindow, qtbot: QtBot, ports: StagePorts, tmp_path: Path) -> None:
    ports.status = SIGNED_IN
    ready.timeline.select(1.0, 3.0)
    click(qtbot, ready.editor.export.modes.button(Mode.EXACT))
    ports.gate.shut()
    click(qtbot, ready.editor.export.make)
    qtbot.waitUntil(lambda: ready.session.progress is not None)
    assert state_of(ready) is State.WORKING
    assert ready.editor.working.isVisible()
    assert not ready.link_bar.isEnabled()
    ports.gate.open()
    qtbot.waitUntil(lambda: ready.session.state is State.DONE)
    (edit, destination, overwrite) = ports.trimmed[0]
    assert (edit.segments[0].start, edit.segments[0].end, edit.mode) == (1.0, 3.0, Mode.EXACT)
    assert (destination, overwrite) == (tmp_path / "film 1.00-3.00.mp4", False)
    assert destination.read_bytes() == b"clip"
    assert ready.editor.result.isVisible()
    click(qtbot, ready.editor.result.copy_button)
    assert QGuiApplication.clipboard().text() == str(destination)
    qtbot.waitUntil(lambda: ready.account.status == SIGNED_IN)  # asked anew after a trim
    click(qtbot, ready.editor.result.again_button)
    assert state_of(ready) is State.READY
    assert ready.editor.export.isVisible()


def test_cancelling_leaves_everything_as_it_was(ready: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    ready.timeline.select(1.0, 3.0)
    ports.gate.shut()
    ready.start_export()
    qtbot.waitUntil(lambda: ready.session.progress is not None)
    click(qtbot, ready.editor.working.cancel)
    qtbot.waitUntil(lambda: ready.session.state is State.READY)
    assert (ready.timeline.selection.start, ready.timeline.selection.end) == (1.0, 3.0)
    assert not (ready.export.destination or Path()).exists()


def test_an_existing_file_is_replaced_only_when_the_user_says_so(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.trim_error = ReelyError("file-exists", "There is such a file.", "Name another.", Exit.DISK)
    click(qtbot, ready.editor.export.make)
    qtbot.waitUntil(lambda: ready.session.state is State.FAILED)
    assert ready.editor.error.isVisible()
    assert ready.editor.error.remedy_button.text() == "Replace the file"
    ports.trim_error = None
    click(qtbot, ready.editor.error.remedy_button)
    qtbot.waitUntil(lambda: ready.session.state is State.DONE)
    assert [overwrite for _, _, overwrite in ports.trimmed] == [False, True]


def test_whoever_must_sign_in_first_gets_the_clip_right_after(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.trim_error = ReelyError("not-signed-in", "You are not signed in.", "Sign in.", Exit.ACCOUNT)
    ready.start_export()
    qtbot.waitUntil(lambda: ready.session.state is State.FAILED)
    click(qtbot, ready.editor.error.remedy_button)
    dialog = the_dialog(ready, SignInDialog)
    ports.trim_error = None
    QTest.keyClicks(dialog.email, "sam@example.com")
    QTest.keyClicks(dialog.password, PASSWORD)
    QTest.keyClick(dialog.password, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: ready.session.state is State.DONE)
    assert ready.account.status.email == "sam@example.com"


def test_the_save_dialog_names_the_file(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts, tmp_path: Path
) -> None:
    click(qtbot, ready.editor.export.choose)
    dialog = the_dialog(ready, QFileDialog)
    wanted = tmp_path / "mine.mp4"
    dialog.fileSelected.emit(str(wanted))
    dialog.close()
    ready.timeline.select(1.0, 2.0)
    assert ready.export.destination == wanted  # a chosen name does not follow the selection
    ready.start_export()
    qtbot.waitUntil(lambda: ready.session.state is State.DONE)
    assert ports.trimmed == [(ANY, wanted, True)]
    ready.session.dismiss()
    assert ready.export.destination == tmp_path / "film 1.00-2.00.mp4"


def the_dialog(window: MainWindow, kind: type[D]) -> D:
    (found,) = [d for d in window.findChildren(kind) if d.isVisible()]
    return found


# --- the account ---


def test_signing_in_shows_the_meter_and_signing_out_hides_it(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    corner = window.account_corner
    ports.sign_in_error = ReelyError("invalid-credentials", "That did not match.", "Try again.", Exit.ACCOUNT)
    click(qtbot, corner.sign_in_button)
    dialog = the_dialog(window, SignInDialog)
    QTest.keyClicks(dialog.email, "sam@example.com")
    QTest.keyClicks(dialog.password, PASSWORD)
    click(qtbot, dialog.go)
    qtbot.waitUntil(lambda: window.account.error is not None)
    assert dialog.isVisible()
    assert "That did not match." in dialog._error.text()
    ports.sign_in_error = None
    click(qtbot, dialog.go)
    qtbot.waitUntil(lambda: window.account.status.signed_in)
    assert not corner.sign_in_button.isVisible()
    assert corner._meter.text() == "4 of 5 trims left"
    assert "renews 3 Dec" in corner._renewal.text()
    menu = corner.menu()
    next(a for a in menu.actions() if a.text() == "Sign out").trigger()
    menu.close()
    qtbot.waitUntil(corner.sign_in_button.isVisible)


def test_the_password_is_kept_nowhere(window: MainWindow, qtbot: QtBot, home: Path) -> None:
    window.accounts.sign_in()
    dialog = the_dialog(window, SignInDialog)
    QTest.keyClicks(dialog.password, PASSWORD)
    assert dialog.password.echoMode() == QLineEdit.EchoMode.Password
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.password.text() == ""
    window.preferences.save()
    assert not any(PASSWORD in p.read_text(errors="replace") for p in home.rglob("*") if p.is_file())


# --- the window itself ---


def test_the_event_loop_keeps_ticking_while_every_port_is_slow(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ticks: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start(5)

    def slowly(begin: Callable[[], None], reached: Callable[[], bool], release: Callable[[], None]) -> None:
        begin()
        qtbot.waitUntil(reached, timeout=10_000)
        qtbot.wait(300)
        release()

    ports.gate.shut()
    ports.preview_gate.shut()
    slowly(lambda: window.open(LINK), ports.gate.reached.is_set, ports.gate.open)
    qtbot.waitUntil(ports.preview_gate.reached.is_set, timeout=10_000)
    qtbot.wait(300)
    ports.preview_gate.open()
    qtbot.waitUntil(lambda: not window.editor.preview.picture.isNull(), timeout=10_000)
    ports.gate.shut()
    slowly(window.start_export, ports.gate.reached.is_set, ports.gate.open)
    qtbot.waitUntil(lambda: window.session.state is State.DONE)
    timer.stop()
    assert max(after - before for before, after in pairwise(ticks)) < 0.25
    import threading

    assert threading.get_ident() not in ports.calls_on


def test_quitting_while_a_clip_is_made_asks_first(ready: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    ports.gate.shut()
    ready.start_export()
    qtbot.waitUntil(lambda: ready.session.progress is not None)
    ready.close()
    assert ready.isVisible()
    question = the_dialog(ready, QMessageBox)
    quit_button = next(b for b in question.findChildren(QPushButton) if b.text() == "Quit")
    click(qtbot, quit_button)
    qtbot.waitUntil(lambda: not ready.isVisible())


def test_the_window_remembers_its_size_and_volume(
    window: MainWindow, ports: StagePorts, home: Path, qtbot: QtBot
) -> None:
    window.resize(1011, 655)
    window.sound.set_volume(0.25)
    window.sound.set_muted(True)
    window.close()
    again = MainWindow(ports, home)
    qtbot.addWidget(again)
    # A window is never restored larger than the screen, nor smaller than it can be.
    most = again.screen().availableGeometry().size().expandedTo(again.minimumSize())
    assert again.size() == QSize(1011, 655).boundedTo(most)
    assert (again.sound.volume, again.sound.muted) == (0.25, True)
    again.shut_down()
    assert [p.name for p in home.iterdir()] == ["window.ini"]


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(ready: MainWindow) -> None:
    nameless, unreachable = [], []
    for widget in ready.findChildren(QWidget):
        if not isinstance(widget, QAbstractButton | QLineEdit | QSlider | TimelineView):
            continue
        if isinstance(widget.parent(), QLineEdit):
            continue  # the small buttons inside a field: their action is on a key or needs none
        words = widget.text() if isinstance(widget, QAbstractButton) else ""
        if not (widget.accessibleName() or words):
            nameless.append(widget)
        if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            unreachable.append(widget)
    assert nameless == []
    assert unreachable == []


def test_the_keys_are_shown_on_question_mark(ready: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, ready, Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
    dialog = the_dialog(ready, KeysDialog)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not [d for d in ready.findChildren(KeysDialog) if d.isVisible()])


@pytest.mark.parametrize(("text", "error", "code"), [("", None, 0), (LINK, None, 0), (LINK, "x", 1)])
def test_a_build_can_be_tried_out(
    text: str, error: str | None, code: int, qapp: QApplication, ports: StagePorts, home: Path
) -> None:
    ports.open_error = private_video() if error else None
    assert run(ports, home, text, quit_when_shown=True) == code
    assert ports.opened == ([text] if text else [])
