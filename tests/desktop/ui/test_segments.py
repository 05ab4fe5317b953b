"""Several segments: whatever is done to them, they stay on pictures, in order, and can be undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.media.frame_times import FrameTimes
from desktop.source.models import Source, Stream, StreamKind
from desktop.ui.models.cuts import MOST, Cuts
from desktop.ui.models.export import Delivery
from desktop.ui.models.grid import Selection
from desktop.ui.models.marks import Mark, Marks
from desktop.ui.models.session import State
from desktop.ui.models.timeline import Timeline
from desktop.ui.timeline_geometry import MARGIN, Hit, Part, TimelineGeometry
from desktop.ui.widgets.timeline_view import TimelineView
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage import StagePorts

FRAME = 1 / 30
LEFT = Qt.MouseButton.LeftButton


def loaded(duration: float = 10.0) -> Timeline:
    timeline = Timeline()
    stream = Stream(id="1", kind=StreamKind.MUXED, container="mp4", fps=25.0)
    timeline.load(Source(origin="x", id="x", title="x", duration=duration, streams=(stream,)))
    timeline.set_frames(FrameTimes(np.arange(round(duration * 25)) / 25, duration))
    return timeline


def ranges(timeline: Timeline) -> list[tuple[float, float]]:
    return [(round(each.start, 3), round(each.end, 3)) for each in timeline.cuts.segments]


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    QTest.keyClick(window.focusWidget() or window, key, modifier or Qt.KeyboardModifier.NoModifier)


def click(widget: QWidget) -> None:
    assert widget.isVisible()
    QTest.mouseClick(widget, LEFT)


# --- the models ---

COMMANDS = st.sampled_from(
    ["seek", "add", "divide", "remove", "move", "activate", "set_in", "set_out", "slide", "mark_in",
     "undo", "redo", "select_all"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(COMMANDS, st.floats(0, 10), st.integers(0, 5)), max_size=30))
def test_whatever_is_done_every_segment_has_a_picture_and_undo_goes_back_exactly(
    commands: list[tuple[str, float, int]],
) -> None:
    timeline = loaded()
    states = [timeline.cuts]
    timeline.history_changed.connect(lambda: states.append(timeline.cuts))
    for name, time, drawn in commands:
        number = drawn % len(timeline.cuts.segments)
        match name:
            case "add":
                timeline.add(time, time + 1)
            case "divide":
                timeline.seek(time)
                timeline.add_at_playhead()
            case "move":
                timeline.move(number, round(time))
            case "remove" | "activate":
                getattr(timeline, name)(number)
            case "undo" | "redo" | "select_all" | "mark_in":
                getattr(timeline, name)()
            case _:
                getattr(timeline, name)(time)
        cuts = timeline.cuts
        assert 1 <= len(cuts.segments) <= MOST
        assert 0 <= cuts.active < len(cuts.segments)
        for segment in cuts.segments:
            assert 0 <= segment.start < segment.end <= 10
            assert round(segment.start * 25, 6) % 1 == 0
    timeline.commit()
    last = timeline.cuts
    steps = 0
    while timeline.can_undo:
        timeline.undo()
        assert timeline.cuts in states
        steps += 1
    assert ranges(timeline) == [(0, 10)]
    for _ in range(steps):
        timeline.redo()
    assert timeline.cuts == last


def test_a_key_divides_inside_a_segment_and_begins_one_outside() -> None:
    timeline = loaded()
    timeline.seek(4.0)
    timeline.add_at_playhead()
    assert ranges(timeline) == [(0, 4), (4, 10)]
    assert timeline.cuts.active == 1
    timeline.add_at_playhead()  # at the very start of a segment there is nothing to divide
    assert ranges(timeline) == [(0, 4), (4, 10)]
    timeline.set_in(6.0)
    timeline.commit()
    timeline.add_at_playhead()
    assert ranges(timeline) == [(0, 4), (4, 4.8), (6, 10)]
    assert timeline.selection == timeline.cuts.segments[1]
    timeline.undo()
    assert ranges(timeline) == [(0, 4), (6, 10)]


def test_a_new_segment_ends_where_the_next_one_begins() -> None:
    timeline = loaded()
    timeline.select(3.0, 4.0)
    timeline.seek(2.8)
    timeline.add_at_playhead()
    assert ranges(timeline) == [(2.8, 3.0), (3.0, 4.0)]


def test_which_segment_is_active_is_no_step_of_undo() -> None:
    timeline = loaded()
    timeline.select(1.0, 2.0)
    timeline.add(4.0, 5.0)
    timeline.activate(0)
    timeline.set_out(3.0)
    timeline.commit()
    timeline.undo()
    assert ranges(timeline) == [(1, 2), (4, 5)]
    assert timeline.cuts.active == 0  # where the change was that is undone
    timeline.undo()
    assert ranges(timeline) == [(1, 2)]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8), st.integers(0, 7), st.integers(-2, 9))
def test_moving_a_segment_keeps_all_others_in_order(starts: list[int], number: int, to: int) -> None:
    segments = tuple(Selection(start, start + 1 + k / 10) for k, start in enumerate(starts))
    number %= len(segments)
    moved = Cuts(segments).moved(number, to)
    assert moved.selection == segments[number]
    assert [each for each in moved.segments if each != segments[number]] == [
        each for each in segments if each != segments[number]
    ]


def test_a_taken_mark_is_the_only_segment_or_one_more() -> None:
    timeline = loaded()
    marks = Marks(timeline)
    marks.show([Mark(2.01, 3.03, 90, "one"), Mark(6, 7, 80, "two"), Mark(12, 14, 1, "beyond the end")])
    assert [(mark.start, mark.end) for mark in marks.marks] == [(2.0, 3.04), (6.0, 7.0)]
    taken: list[int] = []
    marks.taken.connect(taken.append)
    marks.choose(0)
    assert timeline.playhead == 2.0
    marks.take_chosen()
    marks.take(1)
    assert ranges(timeline) == [(2, 3.04), (6, 7)]
    assert taken == [0, 1]
    timeline.undo()
    assert ranges(timeline) == [(2, 3.04)]


def test_a_mark_is_adjusted_on_pictures_and_keeps_one() -> None:
    marks = Marks(loaded())
    marks.show([Mark(2, 3, 90, "one")])
    marks.set_in(0, 2.51)
    marks.set_out(0, 0.0)
    assert (marks.marks[0].start, marks.marks[0].end) == pytest.approx((2.52, 2.56))
    marks.slide(0, 99.0)
    assert (marks.marks[0].start, marks.marks[0].end) == pytest.approx((9.96, 10.0))


@pytest.mark.parametrize(
    ("x", "row", "hit"),
    [
        (200 - 8, "track", Hit(Part.IN_HANDLE, 0)),
        (300 + 8, "track", Hit(Part.OUT_HANDLE, 0)),
        (250, "top", Hit(Part.BAR, 0)),
        (600, "track", Hit(Part.IN_HANDLE, 1)),
        (600 - 10, "track", Hit(Part.TRACK)),  # handles of segments that are not active are slim
        (650, "top", Hit(Part.BAR, 1)),
        (650, "track", Hit(Part.TRACK)),
        (101, "marks", Hit(Part.MARK_IN, 0)),
        (150, "marks", Hit(Part.MARK, 0)),
        (180, "marks", Hit(Part.MARK, 1)),  # the later one lies above
        (226, "marks", Hit(Part.TRACK)),
    ],
)
def test_the_pointer_meets_segments_and_marks_where_they_are_drawn(x: float, row: str, hit: Hit) -> None:
    g = TimelineGeometry(
        1000 + 2 * MARGIN, 200, (0, 1000), has_chapters=False, is_zoomed=False, has_marks=True, has_wave=True
    )
    y = {"track": g.track.top + 40, "top": g.track.top + 3, "marks": g.marks.top + 8}[row]
    assert g.hit(x + MARGIN, y, [(200, 300), (600, 700)], 0, [(100, 200), (170, 220)]) == hit


# --- the window ---


def test_segments_are_added_picked_ordered_and_removed_by_keys(ready: MainWindow) -> None:
    timeline = ready.timeline
    timeline.select(1.0, 2.0)
    timeline.seek(3.0)
    press(ready, Qt.Key.Key_A)
    timeline.seek(4.0)
    press(ready, Qt.Key.Key_O)
    assert ranges(timeline) == [(1, 2), (3, round(4 + FRAME, 3))]
    press(ready, Qt.Key.Key_PageUp)
    assert timeline.cuts.active == 0
    assert timeline.playhead == pytest.approx(1.0)
    press(ready, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
    assert [each[0] for each in ranges(timeline)] == [3, 1]
    press(ready, Qt.Key.Key_PageUp)
    press(ready, Qt.Key.Key_Delete)
    assert ranges(timeline) == [(1, 2)]
    press(ready, Qt.Key.Key_Delete)
    assert ranges(timeline) == [(0, 6)]


def test_the_list_shows_the_segments_and_its_buttons_act_on_them(ready: MainWindow) -> None:
    timeline, segments = ready.timeline, ready.editor.export.segments
    assert not segments.rows.isVisible()
    timeline.seek(2.0)
    click(segments.add)
    assert segments.rows.isVisible()
    assert segments.rows.count() == 2
    assert segments.rows.currentRow() == 1
    click(segments.earlier)
    assert ranges(timeline) == [(2, 6), (0, 2)]
    assert segments.rows.currentRow() == 0
    rect = segments.rows.visualItemRect(segments.rows.item(1))
    QTest.mouseClick(segments.rows.viewport(), LEFT, pos=rect.center())
    assert (timeline.cuts.active, timeline.playhead) == (1, 0.0)
    click(segments.remove)
    assert ranges(timeline) == [(2, 6)]
    assert not segments.rows.isVisible()


def test_dragging_a_row_reorders_the_segments(ready: MainWindow) -> None:
    timeline, rows = ready.timeline, ready.editor.export.segments.rows
    for at in (4.0, 2.0):
        timeline.seek(at)
        timeline.add_at_playhead()
    assert ranges(timeline) == [(0, 2), (2, 4), (4, 6)]
    # What a drop does to the list; a real one needs the platform's own loop.
    assert rows.model().moveRow(rows.rootIndex(), 0, rows.rootIndex(), 3)
    assert ranges(timeline) == [(2, 4), (4, 6), (0, 2)]
    assert rows.currentRow() == 2


def test_a_segment_that_is_not_active_is_taken_by_its_edge(ready: MainWindow) -> None:
    view, timeline = ready.editor.timeline.view, ready.timeline
    timeline.select(0.5, 1.5)
    timeline.add(3.0, 4.0)
    drag(view, 0.5, 1.0)
    assert timeline.cuts.active == 0
    assert timeline.cuts.segments[0].start == pytest.approx(1.0, abs=2 * FRAME)
    assert timeline.cuts.segments[1] == Selection(3.0, 4.0)


def drag(view: TimelineView, start: float, end: float, *, marks: bool = False) -> None:
    geometry = view.geometry_now()
    row = geometry.marks if marks else geometry.track
    y = row.top + row.height / 2
    places = [QPointF(geometry.x_of(time), y).toPoint() for time in (start, (start + end) / 2, end)]
    QTest.mousePress(view, LEFT, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(view, place)
    QTest.mouseRelease(view, LEFT, pos=places[-1])


def test_a_mark_is_chosen_dragged_and_added_with_the_mouse(ready: MainWindow) -> None:
    view = ready.editor.timeline.view
    before = view.sizeHint().height()
    ready.marks.show([Mark(1.0, 2.0, 90, "a")])
    assert view.sizeHint().height() > before
    drag(view, 1.5, 3.5, marks=True)
    mark = ready.marks.marks[0]
    assert ready.marks.chosen == 0
    assert (mark.start, mark.end) == pytest.approx((3.0, 4.0), abs=2 * FRAME)
    geometry = view.geometry_now()
    at = QPoint(round(geometry.x_of(3.5)), round(geometry.marks.top + 8))
    QTest.mouseDClick(view, LEFT, pos=at)
    assert ready.timeline.selection == mark.range


@pytest.mark.parametrize("delivery", list(Delivery))
def test_several_segments_become_one_clip_or_one_each(
    delivery: Delivery, ready: MainWindow, qtbot: QtBot, ports: StagePorts, tmp_path: Path
) -> None:
    ready.timeline.select(4.0, 5.0)
    ready.timeline.add(1.0, 2.0)
    ready.timeline.move(0, 1)
    panel = ready.editor.export
    click(panel.deliveries.button(delivery))
    separate = delivery is Delivery.SEPARATE
    assert panel.make.text() == ("Export 2 clips" if separate else "Export 2.0 s")
    click(panel.make)
    qtbot.waitUntil(lambda: ready.session.state is State.DONE)
    [(edit, destination, _)] = ports.trimmed
    assert [(each.start, each.end) for each in edit.segments] == [(4.0, 5.0), (1.0, 2.0)]
    assert edit.separate is separate
    assert destination == tmp_path / "film 4.00-5.00.mp4"
    assert len(ready.session.clips) == (2 if separate else 1)


def test_playing_goes_through_the_segments_in_their_order(ready: MainWindow, qtbot: QtBot) -> None:
    timeline = ready.timeline
    timeline.select(4.0, 4.3)
    timeline.add(1.0, 1.3)
    timeline.move(0, 1)
    heads: list[float] = []
    timeline.playhead_changed.connect(heads.append)
    press(ready, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: not ready.player.playing, timeout=5000)
    assert heads[-1] == pytest.approx(1.3 - FRAME)
    turn = next(k for k, head in enumerate(heads) if head < 4)
    assert all(4 <= head <= 4.3 + FRAME for head in heads[:turn])
    assert all(1 <= head < 1.3 for head in heads[turn:])
