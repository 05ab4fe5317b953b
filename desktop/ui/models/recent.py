"""What was opened last, the newest first: remembered between runs, offered on the first page."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from desktop.ui.preferences import Preferences, Recent


class RecentlyOpened(QObject):
    """Kept in the preferences."""

    changed = Signal()

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences

    @property
    def items(self) -> tuple[Recent, ...]:
        return self._preferences.recent

    def remember(self, opened: Recent) -> None:
        """Put it at the head."""
        self._preferences.remember(opened)
        self.changed.emit()
