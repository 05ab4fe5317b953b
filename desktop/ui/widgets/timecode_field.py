"""A field that shows a time and takes one: typed, or moved by frames with the arrow keys."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.timecode import TimecodeError, format_timecode, parse_timecode
from desktop.ui import theme


class TimecodeField(QLineEdit):
    """Enter (or leaving the field) takes the time, Esc gives it up, Up and Down step by a frame."""

    committed = Signal(float)
    stepped = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._time = 0.0
        self._duration = 0.0
        self.setProperty("role", "time")
        self.setAccessibleName(name)
        self.setFont(theme.digits(self.font(), 13, QFont.Weight.Medium))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMaxLength(24)
        self.setFixedWidth(112)
        self.setToolTip(name)
        self.textEdited.connect(lambda _text: self._complain(None))
        self.returnPressed.connect(self._commit)

    def set_time(self, time: float, duration: float) -> None:
        """Show `time`; what is being typed is left alone."""
        self._time, self._duration = time, duration
        if not (self.hasFocus() and self.isModified()):
            self._restore()

    def _restore(self) -> None:
        self.setText(format_timecode(max(0.0, self._time)))
        self.setModified(False)
        self._complain(None)

    def _commit(self) -> None:
        if not self.isModified():
            return
        try:
            time = parse_timecode(self.text(), self._duration)
        except TimecodeError as error:
            self._complain(error)
            return
        self.setModified(False)
        self.committed.emit(time)
        self._restore()
        self.selectAll()

    def _complain(self, error: TimecodeError | None) -> None:
        if bool(self.property("wrong")) != (error is not None):
            self.setProperty("wrong", error is not None)
            self.style().unpolish(self)
            self.style().polish(self)
        self.setToolTip(f"{error.message} {error.hint}" if error else self._name)
        self.setAccessibleDescription(error.message if error else "")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        match event.key():
            case Qt.Key.Key_Up:
                self.stepped.emit(1)
            case Qt.Key.Key_Down:
                self.stepped.emit(-1)
            case Qt.Key.Key_Escape if self.isModified():
                self._restore()
            case _:
                super().keyPressEvent(event)
                return
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusInEvent(event)
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        self._commit()
        if self.isModified():  # it was no time
            self._restore()
        super().focusOutEvent(event)
