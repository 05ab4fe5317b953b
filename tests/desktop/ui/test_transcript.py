"""The words in the window: got, followed, searched, cut out, copied and saved; by mouse, by keys, by ear."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QAccessible, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from desktop.errors import Exit, ReelyError
from desktop.hooks.job import GotTranscript
from desktop.hooks.models import Origin
from desktop.hooks.transcript import Cue, Transcript
from desktop.ui.models.search import Search
from desktop.ui.models.transcript import Stage
from desktop.ui.widgets.editor_page import Tab
from desktop.ui.widgets.words_list import WordsList, laid_out, text_font
from desktop.ui.widgets.words_panel import WordsPanel
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage import StagePorts
from tests.desktop.ui.stage_transcript import SAID, made_up_transcript

LEFT, SHIFT, CONTROL = (
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
NONE = Qt.KeyboardModifier.NoModifier
EACH = 0.6
"""Seconds from one made-up line to the next."""


def of(*texts: str, length: float = EACH, pause: float = 0.0) -> GotTranscript:
    cues = tuple(
        Cue(start=number * length, end=(number + 1) * length - pause, text=text)
        for number, text in enumerate(texts)
    )
    return GotTranscript(transcript=Transcript(origin=Origin.CAPTIONS, cues=cues), notes=())


def words(widget: QWidget) -> str:
    return "\n".join(each.text() for each in widget.findChildren(QLabel) if each.isVisible())


def panel_of(window: MainWindow) -> WordsPanel:
    return window.editor.words


def list_of(window: MainWindow) -> WordsList:
    return window.editor.words.reading.list


def click(window: MainWindow, line: int, modifier: Qt.KeyboardModifier = NONE) -> None:
    view = list_of(window)
    view.scrollTo(view.rows.index(line))
    QTest.mouseClick(view.viewport(), LEFT, modifier, view.visualRect(view.rows.index(line)).center())


def wheel(view: WordsList, notches: int) -> None:
    at = QPointF(view.viewport().rect().center())
    event = QWheelEvent(
        at,
        view.viewport().mapToGlobal(at),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view.viewport(), event)


def in_view(view: WordsList, line: int) -> bool:
    return view.viewport().rect().contains(view.visualRect(view.rows.index(line)))


@pytest.fixture
def reading(ready: MainWindow, qtbot: QtBot) -> MainWindow:
    """The window with the made-up lines shown."""
    QTest.mouseClick(ready.editor.tabs.button(Tab.WORDS), LEFT)
    qtbot.waitUntil(lambda: ready.transcript.stage is Stage.READY)
    return ready


def show_words(window: MainWindow, qtbot: QtBot, stage: Stage = Stage.READY) -> WordsPanel:
    window.editor.show_tab(Tab.WORDS)
    qtbot.waitUntil(lambda: window.transcript.stage is stage)
    return panel_of(window)


# --- getting it ---


def test_nothing_is_asked_for_until_somebody_looks_and_then_once(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    assert ports.words_asked == []
    show_words(ready, qtbot)
    assert [line.text for line in ready.transcript.lines] == list(SAID)
    assert "Captions · en" in words(panel_of(ready))
    ready.editor.show_tab(Tab.CLIP)
    ready.editor.show_tab(Tab.WORDS)
    assert ports.words_asked == ["captions"]
    assert threading.get_ident() not in ports.calls_on


def test_without_captions_it_says_what_listening_takes_and_listens_when_told_to(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.words = GotTranscript(transcript=None, notes=("This source has no captions.",))
    panel = show_words(ready, qtbot, Stage.MISSING)
    shown = words(panel)
    assert "This source has no captions." in shown
    assert "about 3 min" in shown
    assert "148" in shown, "what is downloaded before"
    assert ports.words_asked == ["captions"], "nobody has asked for more"
    ports.heard = GotTranscript(transcript=made_up_transcript(6.0), notes=())
    ports.words_gate.shut()
    QTest.mouseClick(panel.listen, LEFT)
    qtbot.waitUntil(lambda: all(each in words(panel) for each in ("Listening", "about 2 min left")))
    ports.words_gate.open()
    qtbot.waitUntil(lambda: ready.transcript.stage is Stage.READY)
    assert ports.words_asked == ["captions", "speech"]


def test_where_words_come_from_is_shown_and_speech_is_recognised_in_spite_of_captions(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    captions = Transcript(
        origin=Origin.CAPTIONS, language="en", track="film.srt", cues=made_up_transcript(6.0).cues
    )
    ports.words = GotTranscript(transcript=captions, notes=())
    panel = show_words(ready, qtbot)
    assert "Captions · en · film.srt" in words(panel)
    QTest.mouseClick(panel.reading.other, LEFT)
    assert "These words are read from film.srt." in words(panel)
    assert not panel.captions.isVisible()
    panel.spoken.setCurrentIndex(panel.spoken.findData("de"))
    panel.spoken.activated.emit(panel.spoken.currentIndex())
    ports.heard = GotTranscript(
        transcript=captions.model_copy(update={"origin": Origin.SPEECH, "language": "de", "track": None}),
        notes=(),
    )
    QTest.mouseClick(panel.listen, LEFT)
    qtbot.waitUntil(lambda: "Recognised speech · de" in words(panel))
    assert ports.languages_heard == ["de"]


def test_who_only_looks_where_the_words_come_from_keeps_them(reading: MainWindow) -> None:
    panel = panel_of(reading)
    QTest.mouseClick(panel.reading.other, LEFT)
    assert panel.pages.currentWidget() is not panel.reading
    QTest.mouseClick(panel.keep, LEFT)
    assert panel.pages.currentWidget() is panel.reading
    assert [line.text for line in reading.transcript.lines] == list(SAID)


def test_where_nobody_is_heard_the_captions_stay(
    reading: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    panel = panel_of(reading)
    QTest.mouseClick(panel.reading.other, LEFT)
    QTest.mouseClick(panel.listen, LEFT)
    qtbot.waitUntil(lambda: ports.words_asked == ["captions", "speech"])
    qtbot.waitUntil(lambda: reading.transcript.stage is Stage.READY)
    assert [line.text for line in reading.transcript.lines] == list(SAID)


def test_listening_can_be_cancelled(ready: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    ports.words = GotTranscript(transcript=None, notes=("This source has no captions.",))
    panel = show_words(ready, qtbot, Stage.MISSING)
    ports.words_gate.shut()
    QTest.mouseClick(panel.listen, LEFT)
    qtbot.waitUntil(ports.words_gate.reached.is_set)
    QTest.mouseClick(panel.cancel, LEFT)
    qtbot.waitUntil(lambda: ready.transcript.stage is Stage.MISSING)
    assert panel.listen.isVisible()


@pytest.mark.parametrize("silent", [True, False])
def test_where_there_are_none_to_be_had_a_plain_sentence_says_so(
    silent: bool, ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.words = GotTranscript(transcript=None, notes=("This source has no captions.",))
    if silent:
        ports.listens = None
    panel = show_words(ready, qtbot, Stage.MISSING)
    if not silent:
        QTest.mouseClick(panel.listen, LEFT)
        qtbot.waitUntil(lambda: "Nobody speaks in this source." in words(panel))
    assert not panel.listen.isVisible()
    assert words(panel).splitlines()[0] == "There are no words"


def test_a_failure_is_told_and_tried_again(ready: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    ports.words_error = ReelyError("network-down", "There is no network.", "Connect.", Exit.NETWORK)
    panel = show_words(ready, qtbot, Stage.FAILED)
    assert all(each in words(panel) for each in ("There is no network.", "Connect.", "network-down"))
    ports.words_error = None
    QTest.mouseClick(panel.again, LEFT)
    qtbot.waitUntil(lambda: ready.transcript.stage is Stage.READY)


def test_a_failed_download_leads_back_to_the_offer(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.words = GotTranscript(transcript=None, notes=("This source has no captions.",))
    panel = show_words(ready, qtbot, Stage.MISSING)
    ports.words_error = ReelyError("disk-full", "The disk is full.", "Free some space.", Exit.DISK)
    QTest.mouseClick(panel.listen, LEFT)
    qtbot.waitUntil(lambda: ready.transcript.stage is Stage.FAILED)
    QTest.mouseClick(panel.back, LEFT)
    assert panel.listen.isVisible()
    assert "about 3 min" in words(panel)


def test_what_a_search_for_hooks_has_heard_is_shown(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.words = GotTranscript(transcript=None, notes=("This source has no captions.",))
    show_words(ready, qtbot, Stage.MISSING)
    ports.words = None
    ready.hooks.find()
    qtbot.waitUntil(lambda: ready.transcript.stage is Stage.READY)


def test_another_source_begins_without_words(reading: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    reading.open("https://youtu.be/def")
    qtbot.waitUntil(lambda: reading.session.preview is not None and len(ports.opened) == 2, timeout=10_000)
    assert reading.transcript.stage is Stage.UNKNOWN
    assert reading.transcript.lines == ()
    assert list_of(reading).rows.rowCount() == 0


# --- reading along ---


def test_the_line_at_the_playhead_is_the_one_that_is_said(reading: MainWindow) -> None:
    for line in (0, 4, 9, 2):
        reading.timeline.seek(line * EACH + 0.3)
        assert reading.transcript.line == line
        assert in_view(list_of(reading), line)


def test_a_click_goes_to_where_the_line_begins_and_makes_it_the_one_that_is_said(
    reading: MainWindow,
) -> None:
    for line in reversed(range(len(SAID))):
        click(reading, line)
        assert reading.timeline.playhead == pytest.approx(line * EACH, abs=0.04)
        assert reading.transcript.line == line


def test_what_the_user_scrolls_to_stays_until_they_follow_again(reading: MainWindow, qtbot: QtBot) -> None:
    view, follow = list_of(reading), panel_of(reading).reading.follow
    reading.timeline.seek(0.1)
    wheel(view, -20)
    assert follow.isVisible()
    at = view.verticalScrollBar().value()
    assert at > 0
    reading.timeline.seek(EACH + 0.1)
    assert view.verticalScrollBar().value() == at, "nothing moves away from who reads"
    QTest.mouseClick(follow, LEFT)
    assert in_view(view, 1)
    assert not follow.isVisible()
    reading.timeline.seek(9 * EACH + 0.1)
    assert in_view(view, 9)


def test_scrolling_back_to_the_line_or_scrubbing_follows_again(reading: MainWindow, qtbot: QtBot) -> None:
    view = list_of(reading)
    wheel(view, -20)
    wheel(view, 20)
    assert view.following
    wheel(view, -20)
    assert not view.following
    track = reading.editor.timeline.view
    QTest.mouseClick(track, LEFT, NONE, QPoint(track.width() // 3, track.height() // 2))
    assert view.following


def test_playing_takes_the_lines_along(reading: MainWindow, qtbot: QtBot) -> None:
    said: list[int | None] = []
    reading.transcript.line_changed.connect(lambda: said.append(reading.transcript.line))
    reading.player.play(4.0)
    qtbot.waitUntil(lambda: not reading.player.playing, timeout=10_000)
    numbers = [line for line in said if line is not None]
    assert numbers == sorted(set(numbers)), "always on, whatever was skipped"
    assert numbers[-1] == len(SAID) - 1
    assert in_view(list_of(reading), len(SAID) - 1)


# --- searching ---


def test_searching_as_one_types_counts_and_goes_round(reading: MainWindow) -> None:
    reader = panel_of(reading).reading
    QTest.keyClick(reading, Qt.Key.Key_F, CONTROL)
    assert reader.field.hasFocus()
    QTest.keyClicks(reader.field, "NOBODY")
    assert reader.count.text() == "1 of 2"
    assert reading.transcript.search.match is not None
    assert reading.transcript.search.match.line == 4
    for key, modifier, count, line in (
        (Qt.Key.Key_Return, NONE, "2 of 2", 7),
        (Qt.Key.Key_F3, NONE, "1 of 2", 4),
        (Qt.Key.Key_F3, SHIFT, "2 of 2", 7),
        (Qt.Key.Key_Return, SHIFT, "1 of 2", 4),
    ):
        QTest.keyClick(reader.field, key, modifier)
        assert reader.count.text() == count
        assert reader.list.chosen == (line, line)
        assert in_view(reader.list, line)
    QTest.keyClicks(reader.field, "x")
    assert reader.count.text() == "none"
    assert not reader.next.isEnabled()
    QTest.keyClick(reader.field, Qt.Key.Key_Escape)
    assert reader.field.text() == reader.count.text() == ""


def test_ctrl_f_shows_the_words_first_and_typing_waits_for_them(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.words_gate.shut()
    QTest.keyClick(ready, Qt.Key.Key_F, CONTROL)
    qtbot.waitUntil(ports.words_gate.reached.is_set)
    ports.words_gate.open()
    qtbot.waitUntil(panel_of(ready).reading.field.hasFocus)


@pytest.mark.parametrize(
    ("lines", "query", "found"),
    [
        (("One. two",), "ONE", [(0, 0, 3)]),
        (("a.b", "axb"), "a.b", [(0, 0, 3)]),
        (("(x", "[y"), "(", [(0, 0, 1)]),
        (("Straße", "STRASSE"), "straße", [(0, 0, 6)]),
        (("Ünder", "U\u0308nder"), "u\u0308n", [(0, 0, 2)]),
        (("今天天气",), "天", [(0, 1, 1), (0, 2, 1)]),
        (("مرحبا بكم", "بكم"), "بكم", [(0, 6, 3), (1, 0, 3)]),
        (("one", "two"), "one two", []),
        (("one  two",), "  ", []),
        ((), "x", []),
    ],
)
def test_what_is_looked_for_is_found(
    lines: tuple[str, ...], query: str, found: list[tuple[int, int, int]]
) -> None:
    search = Search()
    search.load(lines)
    search.look_for(query)
    assert [(match.line, match.start, match.length) for match in search.matches] == found


@settings(deadline=None)
@given(
    st.lists(st.text("abAB. \u00e9\u4eca\U0001f600", max_size=12), max_size=8),
    st.text("aB.\u4eca\U0001f600", min_size=1, max_size=3),
)
def test_every_match_is_there_and_none_is_missed(lines: list[str], query: str) -> None:
    search = Search()
    search.load(lines)
    search.look_for(query)
    for match in search.matches:
        assert lines[match.line][match.start : match.start + match.length].lower() == query.lower()
        assert match in search.in_line(match.line)
    assert {match.line for match in search.matches} == {
        number for number, line in enumerate(lines) if query.lower() in line.lower()
    }
    assert sum(len(search.in_line(number)) for number in range(len(lines))) == len(search.matches)


# --- cutting, copying, saving ---


def test_a_range_of_lines_becomes_in_and_out_cut_in_the_pauses(reading: MainWindow) -> None:
    reader = panel_of(reading).reading
    assert not reader.select.isEnabled()
    click(reading, 4)
    click(reading, 6, SHIFT)
    assert reader.list.chosen == (4, 6)
    assert "3 lines, 1.8 s" in words(reader)
    QTest.mouseClick(reader.select, LEFT)
    assert reading.timeline.selection.start == pytest.approx(4 * EACH - 0.03, abs=0.04)
    assert reading.timeline.selection.end == pytest.approx(7 * EACH - 0.03, abs=0.04)
    reading.timeline.undo()
    assert reading.timeline.selection.duration == pytest.approx(6, abs=0.04)


def test_lines_are_added_as_segments_by_keys_alone(reading: MainWindow) -> None:
    view, reader = list_of(reading), panel_of(reading).reading
    view.setFocus()
    click(reading, 0)
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Down, SHIFT)
    assert view.chosen == (1, 2)
    for button in (reader.add, reader.select):
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    reader.add.setFocus()
    QTest.keyClick(reader.add, Qt.Key.Key_Space)
    assert len(reading.timeline.cuts.segments) == 1, "everything was selected before"
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_End)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert reading.transcript.line == len(SAID) - 1
    QTest.mouseClick(reader.add, LEFT)
    assert [round(each.start, 1) for each in reading.timeline.cuts.segments] == [0.6, 5.4]


def test_letters_and_space_in_the_list_are_the_windows_keys(reading: MainWindow) -> None:
    click(reading, 3)
    view = list_of(reading)
    QTest.keyClick(view, Qt.Key.Key_I)
    assert reading.timeline.selection.start == pytest.approx(3 * EACH, abs=0.04)
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert reading.player.playing
    reading.player.pause()
    assert view.chosen == (3, 3)


def test_selected_lines_are_copied_as_plain_text_and_all_where_none_is(reading: MainWindow) -> None:
    reader = panel_of(reading).reading
    QTest.mouseClick(reader.copy, LEFT)
    assert QGuiApplication.clipboard().text() == "\n".join(SAID)
    click(reading, 8)
    click(reading, 9, SHIFT)
    QTest.keyClick(reader.list, Qt.Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text() == "\n".join(SAID[8:])
    assert QGuiApplication.clipboard().mimeData().formats() == ["text/plain"]


def save_as(window: MainWindow, path: Path) -> None:
    """What the user does in the dialog, which asks by itself before it names a file that is there."""
    QTest.mouseClick(panel_of(window).reading.save, LEFT)
    dialog = window.findChildren(QFileDialog)[-1]
    dialog.fileSelected.emit(str(path))
    dialog.reject()


def test_it_is_saved_in_the_format_of_the_name(reading: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    for name, begin in {"a.srt": "1\n00:00", "b.vtt": "WEBVTT", "c.txt": "Good"}.items():
        save_as(reading, tmp_path / name)
        qtbot.waitUntil(lambda name=name: f"Saved as {name}" in words(panel_of(reading)))  # type: ignore[misc]
        assert (tmp_path / name).read_text("utf-8").startswith(begin)


def test_a_name_the_dialog_did_not_ask_about_never_replaces_a_file(
    reading: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "talk.v2.srt").write_text("mine")
    save_as(reading, tmp_path / "talk.v2")
    qtbot.waitUntil(lambda: bool(reading.findChildren(QMessageBox)))
    [box] = reading.findChildren(QMessageBox)
    assert "talk.v2.srt" in box.text()
    assert (tmp_path / "talk.v2.srt").read_text() == "mine"
    box.close()


def test_the_name_in_the_dialog_goes_with_the_format(reading: MainWindow, tmp_path: Path) -> None:
    panel = panel_of(reading)
    panel.folder = tmp_path
    QTest.mouseClick(panel.reading.save, LEFT)
    dialog = reading.findChildren(QFileDialog)[-1]
    title = Path(dialog.selectedFiles()[0]).stem
    assert reading.session.source is not None
    assert title in reading.session.source.title.replace("/", "-")
    dialog.filterSelected.emit(dialog.nameFilters()[1])
    assert dialog.selectedFiles() == [str(tmp_path / f"{title}.vtt")]
    dialog.filterSelected.emit(dialog.nameFilters()[2])
    assert dialog.selectedFiles() == [str(tmp_path / f"{title}.txt")]
    dialog.reject()


# --- strangers' text, many lines, other scripts, screen readers ---


def test_hostile_text_is_text(ready: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    hostile = "<b>x</b> <img src='file:///etc/passwd'> &amp; <a href='javascript:1'>y</a>"
    ports.words = of(hostile)
    panel = show_words(ready, qtbot)
    panel.reading.field.setText("<img")
    click(ready, 0)
    assert ready.transcript.lines[0].text == hostile
    label = words(panel)
    assert "<b>" not in label, "labels hold what is ours"
    panel.reading.list.copy()
    assert QGuiApplication.clipboard().text() == hostile


@pytest.mark.parametrize(
    ("text", "from_right"),
    [
        ("שלום לכולם", True),
        ("«مرحبا» 12", True),
        ("12 hello", False),
        ("今天", False),
        ("123", False),
        ("", False),
    ],
)
def test_scripts_that_run_from_right_to_left_begin_at_the_right(
    text: str, from_right: bool, qapp: QApplication
) -> None:
    layout = laid_out(text, text_font())
    assert (layout.lineAt(0).naturalTextRect().left() > 20) is from_right


def test_a_word_longer_than_the_column_is_broken(qapp: QApplication) -> None:
    layout = laid_out("x" * 400, text_font())
    assert layout.lineCount() > 5
    assert all(layout.lineAt(n).naturalTextWidth() <= 220 for n in range(layout.lineCount()))


def test_every_row_is_as_high_as_its_text(ready: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    ports.words = of(
        "Short.", "A sentence that is so long that it has to go on in a second line. ", "Short again."
    )
    view = show_words(ready, qtbot).reading.list
    heights = [view.visualRect(view.rows.index(n)).height() for n in range(3)]
    assert heights[0] == heights[2] < heights[1]


def test_ten_thousand_lines_are_followed_searched_and_scrolled_smoothly(
    ready: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ready.timeline.load(ready.session.source.model_copy(update={"duration": 11_000.0}))  # type: ignore[union-attr]
    ports.words = of(
        *(f"This is number {n}, and it goes on for a second line." for n in range(10_000)), length=1.1
    )
    ticks = [time.thread_time()]
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.thread_time()))
    timer.start(5)
    ready.editor.show_tab(Tab.WORDS)
    qtbot.waitUntil(lambda: ready.transcript.stage is Stage.READY, timeout=60_000)
    view = list_of(ready)
    assert view.rows.rowCount() == 10_000
    assert not view.findChildren(QLabel), "no widget for a line"
    began = time.process_time()
    for step in range(60):
        ready.timeline.seek(step * 180.0)
        QApplication.processEvents()
        assert in_view(view, ready.transcript.line or 0)
    panel_of(ready).reading.field.setText("number 99")
    for _ in range(60):
        ready.transcript.search.step(1)
        QApplication.processEvents()
    spent = time.process_time() - began
    timer.stop()
    assert len(ready.transcript.search.matches) == 111
    assert spent / 120 < 0.03, "seconds of processor time for a step"
    assert max(after - before for before, after in pairwise(ticks)) < 0.3, (
        "of the window's own thread at once"
    )


def test_screen_readers_are_told_the_lines_their_times_and_what_is_found(
    reading: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = panel_of(reading).reading
    told: list[str] = []
    monkeypatch.setattr(QAccessible, "isActive", lambda: True)
    monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: told.append(event.message()))
    reader.field.setText("butterflies")
    assert told == ["1 of 1: 00:01, He likes butterflies more than anything."]
    monkeypatch.undo()
    view = QAccessible.queryAccessibleInterface(reader.list)
    assert view.text(QAccessible.Text.Name) == "What is said"
    assert view.childCount() == len(SAID)
    assert view.child(4).text(QAccessible.Text.Name) == f"00:02, {SAID[4]}"
    for widget in (reader.field, reader.previous, reader.next, reader.copy, reader.save):
        assert widget.accessibleName()
