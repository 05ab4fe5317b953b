"""The window's models: the timeline stays on its pictures, undo goes back exactly, input is bounded."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QKeyCombination, QMimeData, Qt, QUrl

from desktop.errors import Exit, ReelyError
from desktop.jobs.protocol import Progress
from desktop.media.frame_times import FrameTimes
from desktop.source.models import Chapter, Source, Stream, StreamKind
from desktop.ui.incoming import LONGEST, bounded_line, incoming_text
from desktop.ui.keys import GROUPS, Command, command_for
from desktop.ui.models.history import History
from desktop.ui.models.timeline import Timeline
from desktop.ui.ports import AccountStatus, Meter
from desktop.ui.reveal import reveal_command
from desktop.ui.timeline_geometry import HANDLE, MARGIN, Hit, Part, TimelineGeometry
from desktop.ui.words import Remedy, meter_text, remedy_for, renewal_text, stage_text, time_left
from tests.desktop.ui.stage_account import SIGNED_IN


def source(duration: float = 10.0, **extra: object) -> Source:
    return Source.model_validate(
        {
            "origin": "x",
            "id": "x",
            "title": "x",
            "duration": duration,
            "streams": (Stream(id="1", kind=StreamKind.MUXED, container="mp4", fps=25.0),),
            **extra,
        }
    )


def loaded(duration: float = 10.0, frames: FrameTimes | None = None, **extra: object) -> Timeline:
    timeline = Timeline()
    timeline.load(source(duration, **extra))
    if frames is not None:
        timeline.set_frames(frames)
    return timeline


def uneven(duration: float = 10.0) -> FrameTimes:
    """Pictures at uneven distances, the first one after the sound has begun."""
    starts = np.cumsum(np.tile([0.04, 0.02, 0.1, 0.04], 50))
    return FrameTimes(starts[starts < duration - 0.1], duration - 0.05)


# --- history ---


@given(st.lists(st.one_of(st.integers(0, 5), st.sampled_from(["undo", "redo"])), max_size=60))
def test_undo_and_redo_walk_the_line_of_values(steps: list[int | str]) -> None:
    history: History[int] = History(0)
    line, at = [0], 0
    for step in steps:
        if step == "undo":
            at = max(0, at - 1)
            assert history.undo() == line[at]
        elif step == "redo":
            at = min(len(line) - 1, at + 1)
            assert history.redo() == line[at]
        else:
            assert isinstance(step, int)
            history.record(step)
            if step != line[at]:
                line = [*line[: at + 1], step]
                at += 1
        assert history.present == line[at]
        assert (history.can_undo, history.can_redo) == (at > 0, at < len(line) - 1)


# --- timeline ---

COMMANDS = st.sampled_from(
    ["seek", "set_in", "set_out", "slide", "mark_in", "mark_out", "step", "nudge_in", "nudge_out",
     "undo", "redo", "zoom", "pan", "jump_to_mark", "select_all"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.lists(st.tuples(COMMANDS, st.floats(-3, 13)), max_size=25))
def test_whatever_is_done_the_selection_lies_on_pictures_and_the_playhead_on_one(
    with_frames: bool, commands: list[tuple[str, float]]
) -> None:
    frames = uneven() if with_frames else None
    timeline = loaded(10.0, frames)
    for name, value in commands:
        match name:
            case "step" | "nudge_in" | "nudge_out":
                getattr(timeline, name)(round(value))
            case "jump_to_mark":
                timeline.jump_to_mark(1 if value > 0 else -1)
            case "zoom":
                timeline.zoom(1.5 if value > 5 else 0.6, value)
            case "undo" | "redo" | "mark_in" | "mark_out" | "select_all":
                getattr(timeline, name)()
            case _:
                getattr(timeline, name)(value)
        selection, view = timeline.selection, timeline.view
        assert 0 <= selection.start < selection.end <= 10
        assert 0 <= view[0] < view[1] <= 10 + 1e-9
        assert 0 <= timeline.playhead <= timeline.last_position
        if frames is not None:
            boundaries = {0.0, 10.0, frames.end, *frames.starts.tolist()}
            assert {selection.start, selection.end} <= boundaries
            assert timeline.playhead in {0.0, *frames.starts.tolist()}
            assert selection.start <= timeline.last_selected < selection.end or selection.start == 0


def test_loading_selects_everything_and_goes_where_the_link_says() -> None:
    timeline = loaded(60.0, start_at=12.5)
    assert (timeline.selection.start, timeline.selection.end, timeline.playhead) == (0.0, 60.0, 12.5)
    assert not timeline.can_undo


def test_marking_takes_the_picture_under_the_playhead_in_at_both_ends() -> None:
    frames = FrameTimes(np.arange(250) / 25, 10.0)
    timeline = loaded(10.0, frames)
    timeline.seek(2.0)
    timeline.mark_in()
    timeline.seek(3.0)
    timeline.mark_out()
    assert timeline.selection.start == 2.0
    assert timeline.selection.end == pytest.approx(3.04)
    assert timeline.last_selected == 3.0


def test_an_in_point_after_the_out_point_drops_the_out_point() -> None:
    timeline = loaded(10.0, FrameTimes(np.arange(250) / 25, 10.0))
    timeline.select(1.0, 2.0)
    timeline.seek(5.0)
    timeline.mark_in()
    assert (timeline.selection.start, timeline.selection.end) == (5.0, 10.0)
    timeline.seek(1.0)
    timeline.mark_out()
    assert (timeline.selection.start, timeline.selection.end) == pytest.approx((0.0, 1.04))


def test_a_drag_is_one_step_of_undo() -> None:
    timeline = loaded(10.0, FrameTimes(np.arange(250) / 25, 10.0))
    for k in range(20):
        timeline.set_in(k / 10)
    timeline.commit()
    timeline.undo()
    assert timeline.selection.start == 0.0
    timeline.redo()
    assert timeline.selection.start == pytest.approx(1.9, abs=0.021)


def test_marks_are_visited_in_order() -> None:
    chapters = (Chapter(start=0, end=4, title="a"), Chapter(start=4, end=10, title="b"))
    timeline = loaded(10.0, FrameTimes(np.arange(250) / 25, 10.0), chapters=chapters)
    timeline.select(1.0, 6.0)
    visited = []
    for _ in range(5):
        timeline.jump_to_mark(1)
        visited.append(round(timeline.playhead, 2))
    assert visited == [1.0, 4.0, 5.96, 9.96, 9.96]
    timeline.jump_to_mark(-1)
    assert timeline.playhead == pytest.approx(5.96)


def test_zooming_keeps_the_anchor_in_its_place() -> None:
    timeline = loaded(100.0)
    timeline.zoom(4, 30.0)
    start, end = timeline.view
    assert end - start == pytest.approx(25)
    assert (30 - start) / (end - start) == pytest.approx(0.3)
    timeline.zoom(1e9, 30.0)
    assert timeline.view[1] - timeline.view[0] == pytest.approx(12 / 25)
    timeline.fit()
    assert timeline.zoom_level == 1.0


def test_the_view_follows_the_playhead() -> None:
    timeline = loaded(100.0)
    timeline.zoom(10, 0.0)
    timeline.seek(50.0)
    assert timeline.view[0] <= 50.0 <= timeline.view[1]


# --- geometry ---


def geometry(view: tuple[float, float] = (0.0, 100.0), *, zoomed: bool = False) -> TimelineGeometry:
    return TimelineGeometry(1000 + 2 * MARGIN, 140, view, has_chapters=True, is_zoomed=zoomed)


@given(st.floats(0, 7000), st.floats(0.1, 7200), st.floats(-100, 8000))
def test_pixels_and_times_are_inverse(start: float, shown: float, time: float) -> None:
    g = geometry((start, start + shown))
    assert g.time_at(g.x_of(time)) == pytest.approx(time, abs=1e-6)


@given(st.floats(0, 7000), st.floats(0.05, 86400))
def test_labels_on_the_ruler_keep_their_distance(start: float, shown: float) -> None:
    g = geometry((start, start + shown))
    ticks = g.ticks()
    xs = [g.x_of(t) for t in ticks.labelled]
    assert all(b - a >= 91 for a, b in pairwise(xs))
    assert all(start - 1e-6 <= t <= start + shown + 1e-6 for t in (*ticks.labelled, *ticks.minor))
    assert len(ticks.minor) < 200


@pytest.mark.parametrize(
    ("time", "row", "part"),
    [
        (50.0, "ruler", Part.RULER),
        (10.0, "track", Part.TRACK),
        (40.0, "top", Part.BAR),
        (40.0, "track", Part.TRACK),
        (20.0, "track", Part.IN_HANDLE),
        (60.0, "track", Part.OUT_HANDLE),
        (50.0, "overview", Part.OVERVIEW),
    ],
)
def test_the_pointer_meets_what_is_drawn_there(time: float, row: str, part: Part) -> None:
    g = geometry(zoomed=True)
    y = {
        "ruler": 5.0,
        "track": g.track.top + g.track.height / 2,
        "top": g.track.top + 2,
        "overview": g.overview.top + 2,
    }[row]
    assert g.hit(g.x_of(time), y, [(20.0, 60.0)], 0, []) == Hit(part)


def test_the_handles_of_a_tiny_selection_are_both_within_reach() -> None:
    g = geometry()
    y = g.track.top + g.track.height / 2
    assert g.hit(g.x_of(50.0) - HANDLE + 2, y, [(50.0, 50.05)], 0, []) == Hit(Part.IN_HANDLE)
    assert g.hit(g.x_of(50.05) + HANDLE - 2, y, [(50.0, 50.05)], 0, []) == Hit(Part.OUT_HANDLE)


# --- what comes in ---


def mime(*, text: str | None = None, urls: tuple[str, ...] = (), html: str | None = None) -> QMimeData:
    data = QMimeData()
    if urls:
        data.setUrls([QUrl(u) for u in urls])
    if text is not None:
        data.setText(text)
    if html is not None:
        data.setHtml(html)
    return data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (mime(text="https://youtu.be/abc"), "https://youtu.be/abc"),
        (mime(text="\n\n  https://youtu.be/abc  \nmore"), "https://youtu.be/abc"),
        (mime(urls=("file:///home/me/a%20film.mp4",)), "/home/me/a film.mp4"),
        (mime(urls=("https://youtu.be/abc", "https://youtu.be/def")), "https://youtu.be/abc"),
        (mime(urls=("javascript:alert(1)",)), None),
        (mime(urls=("smb://server/share/film.mp4",)), None),
        (mime(text="x" * (LONGEST + 1)), None),
        (mime(text="a\x00b"), None),
        (mime(text="https://youtu.be/\x1b[31m"), None),
        (mime(text="   \n "), None),
        (mime(html="<b>https://youtu.be/abc</b>"), None),
        (QMimeData(), None),
    ],
)
def test_only_short_plain_links_and_paths_come_in(data: QMimeData, expected: str | None) -> None:
    assert incoming_text(data) == expected


@given(st.text(max_size=300))
def test_a_line_that_comes_in_is_one_printable_bounded_line(text: str) -> None:
    line = bounded_line(text * 30)
    assert line is None or (0 < len(line) <= LONGEST and line.isprintable())


# --- keys and words ---


def test_no_key_means_two_things() -> None:
    keys = [key for group in GROUPS for binding in group.bindings for key in binding.keys]
    assert len(keys) == len(set(keys))
    assert {b.command for g in GROUPS for b in g.bindings} == set(Command)


@pytest.mark.parametrize(
    ("key", "modifiers", "command"),
    [
        (Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, Command.TOGGLE_PLAY),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier, Command.SECOND_BACK),
        (Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier, Command.SHOW_KEYS),
        (Qt.Key.Key_Plus, Qt.KeyboardModifier.KeypadModifier, Command.ZOOM_IN),
        (Qt.Key.Key_I, Qt.KeyboardModifier.NoModifier, Command.MARK_IN),
        (Qt.Key.Key_I, Qt.KeyboardModifier.ShiftModifier, Command.TO_IN),
        (Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier, None),
        (Qt.Key.Key_F12, Qt.KeyboardModifier.NoModifier, None),
    ],
)
def test_keys_give_commands(key: Qt.Key, modifiers: Qt.KeyboardModifier, command: Command | None) -> None:
    assert command_for(QKeyCombination(modifiers, key)) is command


@pytest.mark.parametrize(
    ("code", "exit", "opening", "remedy"),
    [
        ("sign-in-again", Exit.ACCOUNT, False, Remedy.SIGN_IN),
        ("file-exists", Exit.DISK, False, Remedy.REPLACE),
        ("disk-full", Exit.DISK, False, Remedy.SAVE_ELSEWHERE),
        ("quota-exhausted", Exit.ACCOUNT, False, Remedy.BACK),
        ("video-private", Exit.SOURCE, True, Remedy.ANOTHER_SOURCE),
        ("network-down", Exit.NETWORK, True, Remedy.RETRY),
        ("media-unreadable", Exit.MEDIA, False, Remedy.RETRY),
    ],
)
def test_each_failure_offers_what_may_help(code: str, exit: Exit, opening: bool, remedy: Remedy) -> None:
    assert remedy_for(ReelyError(code, "m", "h", exit), opening=opening) is remedy


@pytest.mark.parametrize(
    ("status", "meter", "renewal"),
    [
        (SIGNED_IN, "4 of 5 trims left", "renews 3 Dec"),
        (SIGNED_IN.model_copy(update={"trims": Meter()}), "Unlimited trims", ""),
        (SIGNED_IN.model_copy(update={"trims": Meter(limit=5)}), "5 trims a month", "renews 3 Dec"),
        (AccountStatus(signed_in=False), "Not signed in", ""),
    ],
)
def test_the_meter_is_told_in_a_few_words(status: AccountStatus, meter: str, renewal: str) -> None:
    assert (meter_text(status), renewal_text(status)) == (meter, renewal)


def test_stages_and_time_left_are_words() -> None:
    assert stage_text(Progress(stage="download", fraction=0)) == "Downloading"
    assert stage_text(Progress(stage="some-new_stage", fraction=0)) == "Some new stage"
    assert [
        time_left(Progress(stage="x", fraction=0, eta_seconds=eta)) for eta in (None, 0.4, 12.3, 200, 8000)
    ] == ["", "almost done", "about 12 s left", "about 3 min left", "about 2 h 13 min left"]


def test_the_file_is_selected_where_the_file_manager_can_do_that(tmp_path: Path) -> None:
    path = tmp_path / "a, b.mp4"
    assert reveal_command(path, "win32") == ("explorer.exe", ["/select,", str(path)])
    assert reveal_command(path, "darwin") == ("/usr/bin/open", ["-R", str(path)])
    assert reveal_command(path, "linux") is None
