"""What the plain keys do: the table from commands to calls of the window's models and parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from desktop.ui.keys import Command
from desktop.ui.models.marks import Marks
from desktop.ui.models.timeline import Timeline
from desktop.ui.player import Player
from desktop.ui.sound import Sound
from desktop.ui.widgets.editor_page import EditorPage

Commands = dict[Command, Callable[[], object]]


@dataclass(frozen=True)
class Targets:
    """What the keys act on."""

    timeline: Timeline
    marks: Marks
    player: Player
    sound: Sound
    editor: EditorPage


def editing_commands(on: Targets) -> Commands:
    """All commands but those of the window itself."""
    return {**_playing(on), **_moving(on), **_cutting(on), **_viewing(on)}


def _playing(on: Targets) -> Commands:
    player, sound = on.player, on.sound
    return {
        Command.TOGGLE_PLAY: player.toggle,
        Command.SHUTTLE_BACK: lambda: player.shuttle(-1),
        Command.PAUSE: player.pause,
        Command.SHUTTLE_FORWARD: lambda: player.shuttle(1),
        Command.PLAY_SELECTION: player.play_segments,
        Command.STEP_BACK: lambda: player.step(-1),
        Command.STEP_FORWARD: lambda: player.step(1),
        Command.MUTE: lambda: sound.set_muted(not sound.muted),
    }


def _moving(on: Targets) -> Commands:
    timeline, marks = on.timeline, on.marks

    def jump(direction: int) -> None:
        timeline.jump_to_mark(direction, (mark.start for mark in marks.marks))

    return {
        Command.SECOND_BACK: lambda: timeline.jump(-1),
        Command.SECOND_FORWARD: lambda: timeline.jump(1),
        Command.MARK_BEFORE: lambda: jump(-1),
        Command.MARK_AFTER: lambda: jump(1),
        Command.TO_START: lambda: timeline.seek(0),
        Command.TO_END: lambda: timeline.seek(timeline.last_position),
        Command.TO_IN: lambda: timeline.seek(timeline.selection.start),
        Command.TO_OUT: lambda: timeline.seek(timeline.last_selected),
    }


def _cutting(on: Targets) -> Commands:
    timeline, panel, segments = on.timeline, on.editor.timeline, on.editor.export.segments
    return {
        Command.MARK_IN: timeline.mark_in,
        Command.MARK_OUT: timeline.mark_out,
        Command.IN_EARLIER: lambda: panel.nudge_in(-1),
        Command.IN_LATER: lambda: panel.nudge_in(1),
        Command.OUT_EARLIER: lambda: panel.nudge_out(-1),
        Command.OUT_LATER: lambda: panel.nudge_out(1),
        Command.SELECT_ALL: timeline.select_all,
        Command.ADD_SEGMENT: timeline.add_at_playhead,
        Command.REMOVE_SEGMENT: lambda: timeline.remove(timeline.cuts.active),
        Command.SEGMENT_BEFORE: lambda: segments.pick(-1),
        Command.SEGMENT_AFTER: lambda: segments.pick(1),
        Command.SEGMENT_EARLIER: lambda: segments.reorder(-1),
        Command.SEGMENT_LATER: lambda: segments.reorder(1),
        Command.TAKE_MARK: on.marks.take_chosen,
    }


def _viewing(on: Targets) -> Commands:
    timeline = on.timeline
    return {
        Command.ZOOM_IN: lambda: timeline.zoom(1.5),
        Command.ZOOM_OUT: lambda: timeline.zoom(1 / 1.5),
        Command.FIT: timeline.fit,
        Command.FIT_SELECTION: timeline.fit_selection,
    }
