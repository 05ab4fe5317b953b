"""The plain keys of the window: one table for what they do and for the overview that shows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QKeyCombination, Qt
from PySide6.QtGui import QKeySequence


class Command(Enum):
    TOGGLE_PLAY = auto()
    SHUTTLE_BACK = auto()
    PAUSE = auto()
    SHUTTLE_FORWARD = auto()
    PLAY_SELECTION = auto()
    STEP_BACK = auto()
    STEP_FORWARD = auto()
    SECOND_BACK = auto()
    SECOND_FORWARD = auto()
    MARK_BEFORE = auto()
    MARK_AFTER = auto()
    TO_START = auto()
    TO_END = auto()
    MARK_IN = auto()
    MARK_OUT = auto()
    TO_IN = auto()
    TO_OUT = auto()
    IN_EARLIER = auto()
    IN_LATER = auto()
    OUT_EARLIER = auto()
    OUT_LATER = auto()
    SELECT_ALL = auto()
    ADD_SEGMENT = auto()
    REMOVE_SEGMENT = auto()
    SEGMENT_BEFORE = auto()
    SEGMENT_AFTER = auto()
    SEGMENT_EARLIER = auto()
    SEGMENT_LATER = auto()
    TAKE_MARK = auto()
    ZOOM_IN = auto()
    ZOOM_OUT = auto()
    FIT = auto()
    FIT_SELECTION = auto()
    MUTE = auto()
    SHOW_KEYS = auto()
    BACK = auto()


@dataclass(frozen=True)
class Binding:
    """Keys in Qt's portable notation, any of which gives the command."""

    keys: tuple[str, ...]
    command: Command
    text: str


@dataclass(frozen=True)
class Group:
    title: str
    bindings: tuple[Binding, ...]


def _t(text: str) -> str:
    return str(QT_TRANSLATE_NOOP("keys", text))


GROUPS = (
    Group(
        _t("Play"),
        (
            Binding(("Space",), Command.TOGGLE_PLAY, _t("Play or pause")),
            Binding(("L",), Command.SHUTTLE_FORWARD, _t("Play, again: 2, 4, 8 times as fast")),
            Binding(("J",), Command.SHUTTLE_BACK, _t("The same backwards")),
            Binding(("K",), Command.PAUSE, _t("Pause")),
            Binding(("P",), Command.PLAY_SELECTION, _t("Play all segments in their order")),
            Binding(("M",), Command.MUTE, _t("Mute")),
        ),
    ),
    Group(
        _t("Move"),
        (
            Binding(("Left",), Command.STEP_BACK, _t("One frame back")),
            Binding(("Right",), Command.STEP_FORWARD, _t("One frame on")),
            Binding(("Shift+Left",), Command.SECOND_BACK, _t("One second back")),
            Binding(("Shift+Right",), Command.SECOND_FORWARD, _t("One second on")),
            Binding(("Up",), Command.MARK_BEFORE, _t("To the mark or chapter before")),
            Binding(("Down",), Command.MARK_AFTER, _t("To the next mark or chapter")),
            Binding(("Home",), Command.TO_START, _t("To the start")),
            Binding(("End",), Command.TO_END, _t("To the end")),
        ),
    ),
    Group(
        _t("Cut"),
        (
            Binding(("I",), Command.MARK_IN, _t("Segment starts here")),
            Binding(("O",), Command.MARK_OUT, _t("Segment ends here")),
            Binding(("Shift+I",), Command.TO_IN, _t("Go to the start of the segment")),
            Binding(("Shift+O",), Command.TO_OUT, _t("Go to the end of the segment")),
            Binding(("Alt+Left",), Command.IN_EARLIER, _t("Start one frame earlier")),
            Binding(("Alt+Right",), Command.IN_LATER, _t("Start one frame later")),
            Binding(("Ctrl+Left",), Command.OUT_EARLIER, _t("End one frame earlier")),
            Binding(("Ctrl+Right",), Command.OUT_LATER, _t("End one frame later")),
            Binding(("X",), Command.SELECT_ALL, _t("Select everything")),
        ),
    ),
    Group(
        _t("Segments"),
        (
            Binding(("A",), Command.ADD_SEGMENT, _t("Add one here, or divide it")),
            Binding(("Del",), Command.REMOVE_SEGMENT, _t("Remove it")),
            Binding(("PgUp",), Command.SEGMENT_BEFORE, _t("The one before")),
            Binding(("PgDown",), Command.SEGMENT_AFTER, _t("The next one")),
            Binding(("Ctrl+Up",), Command.SEGMENT_EARLIER, _t("Earlier in the order")),
            Binding(("Ctrl+Down",), Command.SEGMENT_LATER, _t("Later in the order")),
            Binding(("Return",), Command.TAKE_MARK, _t("Add the chosen proposal")),
        ),
    ),
    Group(
        _t("View"),
        (
            Binding(("+", "="), Command.ZOOM_IN, _t("Zoom in")),
            Binding(("-",), Command.ZOOM_OUT, _t("Zoom out")),
            Binding(("0",), Command.FIT, _t("Show everything")),
            Binding(("Z",), Command.FIT_SELECTION, _t("Show the segment")),
            Binding(("?",), Command.SHOW_KEYS, _t("Show these keys")),
            Binding(("Esc",), Command.BACK, _t("Close, or go back to the timeline")),
        ),
    ),
)

_BY_KEY = {key: each.command for group in GROUPS for each in group.bindings for key in each.keys}


def command_for(combination: QKeyCombination) -> Command | None:
    """The command of a pressed key. Signs such as `?` are found whatever the layout needs to type them."""
    plain = combination.keyboardModifiers() & ~Qt.KeyboardModifier.KeypadModifier
    key = combination.key()
    if key in {Qt.Key.Key_Question, Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus}:
        plain &= ~Qt.KeyboardModifier.ShiftModifier
    if key == Qt.Key.Key_Enter:  # the keypad's
        key = Qt.Key.Key_Return
    text = QKeySequence(QKeyCombination(plain, key)).toString(QKeySequence.SequenceFormat.PortableText)
    return _BY_KEY.get(text)


_ARROWS = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}


def shown_keys(binding: Binding) -> str:
    """The keys as the user's system writes them."""
    native = QKeySequence.SequenceFormat.NativeText
    return " / ".join(_with_arrows(QKeySequence(key).toString(native)) for key in binding.keys)


def _with_arrows(text: str) -> str:
    *modifiers, key = text.split("+") if text != "+" else [text]
    return "+".join([*modifiers, _ARROWS.get(key, key)])


def translated(text: str) -> str:
    return QCoreApplication.translate("keys", text)
