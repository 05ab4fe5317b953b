"""A few options side by side of which one is chosen, with a line that explains the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.ui.widgets.controls import label


@dataclass(frozen=True)
class Option:
    value: Enum
    name: str
    explanation: str


class Choice(QWidget):
    """Emits `chosen` with the value that the user picked."""

    chosen = Signal(object)

    def __init__(
        self, options: Sequence[Option], parent: QWidget | None = None, *, explained: bool = True
    ) -> None:
        super().__init__(parent)
        self._options = tuple(options)
        self._group = QButtonGroup(self)
        self._explanation = label("", "small")
        row = QHBoxLayout()
        row.setSpacing(0)
        for number, option in enumerate(self._options):
            button = QPushButton(option.name)
            button.setCheckable(True)
            button.setProperty("role", "option")
            button.setProperty("place", _place(number, len(self._options)))
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleDescription(option.explanation)
            button.setToolTip(option.explanation)
            self._group.addButton(button, number)
            row.addWidget(button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self._explanation)
        self._explanation.setVisible(explained)
        self._group.idClicked.connect(lambda number: self.chosen.emit(self._options[number].value))

    def show_value(self, value: Enum) -> None:
        """Show which one is chosen."""
        number = next(n for n, option in enumerate(self._options) if option.value is value)
        self._group.button(number).setChecked(True)
        self._explanation.setText(self._options[number].explanation)

    def button(self, value: Enum) -> QPushButton:
        """The button of an option."""
        number = next(n for n, option in enumerate(self._options) if option.value is value)
        found = self._group.button(number)
        assert isinstance(found, QPushButton)  # noqa: S101 - they were all added above
        return found


def _place(number: int, count: int) -> str:
    return "first" if number == 0 else "last" if number == count - 1 else "middle"
