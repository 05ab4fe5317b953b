"""Asking about the project file: where to save it, and whether to before its edit is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from desktop.errors import ReelyError
from desktop.project import SUFFIX
from desktop.ui.models.document import Document
from desktop.ui.preferences import Preferences
from desktop.ui.widgets.dialogs import message


class Saving(QObject):
    """Dialogs over the window for its document."""

    def __init__(self, document: Document, preferences: Preferences, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._preferences = preferences
        self._window = window
        self._afterwards: Callable[[], None] | None = None
        document.saved.connect(self._saved)
        document.failed.connect(self._failed)

    def save(self) -> None:
        """Save to the project's file; the first time ask where."""
        if self._document.there and self._document.path is not None:
            self._document.save(self._document.path)
        else:
            self.save_as()

    def save_as(self) -> None:
        """Ask where, and save there; the dialog asks before an existing file is replaced."""
        if not self._document.there:
            return
        suggestion = self._document.suggestion(self._preferences.project_folder)
        dialog = QFileDialog(self._window, self.tr("Save the project"), str(suggestion))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(self.tr("Reely project") + f" (*{SUFFIX})")
        dialog.setDefaultSuffix(SUFFIX.lstrip("."))
        dialog.selectFile(str(suggestion))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._chosen)
        dialog.rejected.connect(self._given_up)
        dialog.open()

    def before_leaving(self, leave: Callable[[], None]) -> None:
        """Call `leave` at once, or where a project has changed, when the user has decided about it."""
        if not self._document.modified:
            leave()
            return
        name = self._document.path.name if self._document.path else ""
        words = self.tr("{name} has changes that are not saved.").format(name=name)
        question = message(self._window, self.tr("Save the project"), words)
        save = question.addButton(self.tr("Save"), QMessageBox.ButtonRole.AcceptRole)
        drop = question.addButton(self.tr("Do not save"), QMessageBox.ButtonRole.DestructiveRole)
        question.addButton(self.tr("Cancel"), QMessageBox.ButtonRole.RejectRole)

        def save_then_leave() -> None:
            self._afterwards = leave
            self.save()

        def drop_and_leave() -> None:
            self._document.settle()
            leave()

        save.clicked.connect(save_then_leave)
        drop.clicked.connect(drop_and_leave)
        question.open()

    def _chosen(self, path: str) -> None:
        self._preferences.project_folder = Path(path).parent
        self._document.save(Path(path))

    def _saved(self) -> None:
        afterwards, self._afterwards = self._afterwards, None
        if afterwards is not None:
            afterwards()

    def _given_up(self) -> None:
        self._afterwards = None

    def _failed(self, error: ReelyError) -> None:
        self._afterwards = None
        message(self._window, self.tr("Save the project"), error.message, error.hint).open()
