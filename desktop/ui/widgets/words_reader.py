"""The lines of a transcript with a field to search them, and what can be done with selected ones."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.hooks.models import Origin
from desktop.hooks.transcript import Transcript
from desktop.timecode import format_length
from desktop.ui.models.transcript import SourceTranscript
from desktop.ui.widgets.controls import ElidedLabel, button, label, tool_button
from desktop.ui.widgets.words_list import WordsList, shown_time

_LONGEST_QUERY = 200


class _SearchField(QLineEdit):
    """Enter and Shift+Enter go through what is found, the down key to the lines, Esc clears."""

    stepped = Signal(int)
    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        key, shift = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.stepped.emit(-1 if shift else 1)
        elif key == Qt.Key.Key_Down:
            self.left.emit()
        elif key == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


class WordsReader(QWidget):
    """The lines, with a field to search them above, and what can be done with them below."""

    def __init__(self, transcript: SourceTranscript) -> None:
        super().__init__()
        self._transcript = transcript
        self.field = _SearchField()
        self.field.setMaxLength(_LONGEST_QUERY)
        self.field.setPlaceholderText(self.tr("Search"))
        self.field.setAccessibleName(self.tr("Search what is said"))
        self.count = label("", "small")
        self.previous = tool_button("up", self.tr("The match before"), "Shift+F3")
        self.next = tool_button("down", self.tr("The next match"), "F3")
        self.list = WordsList(transcript)
        self.said = ElidedLabel("small")
        self.other = button(self.tr("Change…"), "inline")
        self.other.setToolTip(self.tr("Say where the words come from, and recognise the speech instead"))
        self.follow = button(self.tr("Follow"), "inline")
        self.follow.setToolTip(self.tr("Show the line at the playhead, and go along with it"))
        self.follow.hide()
        self.select = button(self.tr("Set in and out"))
        self.select.setToolTip(self.tr("The active segment becomes what is selected"))
        self.add = button(self.tr("Add"), icon="plus")
        self.add.setToolTip(self.tr("What is selected becomes a segment"))
        self.save = tool_button("save", self.tr("Save transcript…"))
        self.copy = tool_button("copy", self.tr("Copy what is selected, or everything"), "Ctrl+C")
        self._arrange()
        self._connect()
        self._show_chosen()

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(18, 0, 12, 0)
        head.setSpacing(4)
        head.addWidget(self.field, 1)
        head.addWidget(self.count)
        for tool in (self.previous, self.next):
            tool.setProperty("role", "small")
            head.addWidget(tool)
        state, pair = QHBoxLayout(), QHBoxLayout()
        state.setSpacing(2)
        state.addWidget(self.said, 1)
        state.addWidget(self.other)
        state.addWidget(self.follow)
        for tool in (self.copy, self.save):
            tool.setProperty("role", "small")
            state.addWidget(tool)
        pair.addWidget(self.select, 1)
        pair.addWidget(self.add)
        foot = QVBoxLayout()
        foot.setContentsMargins(18, 0, 14, 0)
        foot.setSpacing(6)
        foot.addLayout(state)
        foot.addLayout(pair)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.list, 1)
        layout.addLayout(foot)

    def _connect(self) -> None:
        search = self._transcript.search
        self.field.textChanged.connect(lambda text: search.look_for(text, self.list.first_in_view))
        self.field.stepped.connect(search.step)
        self.field.left.connect(self.list.setFocus)
        self.previous.clicked.connect(lambda: search.step(-1))
        self.next.clicked.connect(lambda: search.step(1))
        self.select.clicked.connect(lambda: self._cut(self._transcript.select))
        self.add.clicked.connect(lambda: self._cut(self._transcript.add))
        self.copy.clicked.connect(self.list.copy)
        self.follow.clicked.connect(self.list.follow)
        self.list.following_changed.connect(lambda: self.follow.setVisible(not self.list.following))
        self.list.selectionModel().selectionChanged.connect(self._show_chosen)
        self.list.rows.modelReset.connect(self._renewed)
        search.changed.connect(self._show_count)

    # --- showing ---

    def say(self, words: str) -> None:
        """Show what has just been done, until something else is."""
        self.said.setText(words)

    def _renewed(self) -> None:
        self.field.clear()
        self.list.follow()
        self._show_chosen()

    def _show_count(self) -> None:
        search = self._transcript.search
        found = search.match
        if not search.query:
            self.count.clear()
        elif found is None or search.current is None:
            self.count.setText(self.tr("none"))
        else:
            number, count = search.current + 1, len(search.matches)
            self.count.setText(self.tr("{number} of {count}").format(number=number, count=count))
            line = self._transcript.lines[found.line]
            self._announce(f"{self.count.text()}: {shown_time(line)}, {line.text}")
        for tool in (self.previous, self.next):
            tool.setEnabled(found is not None)

    def _announce(self, words: str) -> None:
        """To those who hear what others see."""
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.field, words))

    def _show_chosen(self) -> None:
        chosen = self.list.chosen
        for each in (self.select, self.add):
            each.setEnabled(chosen is not None)
        if chosen is None:
            transcript = self._transcript.transcript
            self.say(origin_of(transcript) if transcript else "")
            return
        count = chosen[1] - chosen[0] + 1
        length = format_length(self._transcript.length(*chosen))
        self.say(
            self.tr("{count} lines, {length}").format(count=count, length=length)
            if count > 1
            else self.tr("1 line, {length}").format(length=length)
        )

    def _cut(self, cut: Callable[[int, int], None]) -> None:
        chosen = self.list.chosen
        if chosen is not None:
            cut(*chosen)


def origin_of(transcript: Transcript) -> str:
    """Where the words come from, in a few words."""
    words = {
        Origin.CAPTIONS: QCoreApplication.translate("WordsReader", "Captions"),
        Origin.AUTOMATIC: QCoreApplication.translate("WordsReader", "Automatic captions"),
        Origin.SPEECH: QCoreApplication.translate("WordsReader", "Recognised speech"),
        Origin.FILE: QCoreApplication.translate("WordsReader", "From a file"),
    }[transcript.origin]
    track = transcript.track if transcript.origin is Origin.CAPTIONS else None
    return " · ".join(each for each in (words, transcript.language, track) if each)
