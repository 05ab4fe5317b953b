"""The bar at the top: a link or a file goes in here."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from desktop.ui import theme
from desktop.ui.incoming import LONGEST, bounded_line, incoming_text
from desktop.ui.widgets.controls import button


class LinkBar(QWidget):
    """Emits `requested` with what the user wants opened."""

    requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dialog: QFileDialog | None = None
        self.folder: Path | None = None
        """Where the file dialog starts; follows what was opened."""
        self.field = QLineEdit()
        self.field.setAccessibleName(self.tr("Link or file"))
        self.field.setPlaceholderText(self.tr("Paste a YouTube link, or drop a video here"))
        self.field.setMaxLength(LONGEST)
        self.field.setClearButtonEnabled(True)
        for action in self.field.findChildren(QAction, "_q_qlineeditclearaction"):
            action.setIcon(theme.icon("close", "muted", 18))
        self.field.addAction(theme.icon("link", "faint", 18), QLineEdit.ActionPosition.LeadingPosition)
        self.field.returnPressed.connect(self._submit)
        self.open_button = button(self.tr("Open file…"), icon="folder")
        self.open_button.setToolTip(self.tr("Open a video from this computer (Ctrl+O)"))
        self.open_button.clicked.connect(self.choose_file)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.field, 1)
        layout.addWidget(self.open_button)

    def show_text(self, text: str) -> None:
        """Show what is open."""
        self.field.setText(text)
        self.field.setCursorPosition(0)

    def paste(self) -> None:
        """Open what is on the clipboard, if that is a link or a file."""
        text = incoming_text(QGuiApplication.clipboard().mimeData())
        if text is not None:
            self.show_text(text)
            self.requested.emit(text)

    def choose_file(self) -> None:
        """Let the user pick a file."""
        dialog = QFileDialog(self, self.tr("Open a video"), str(self.folder or Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(
            [
                self.tr("Video, sound and projects") + " (*.reely"
                " *.mp4 *.m4v *.mov *.mkv *.webm *.avi *.ts *.mts *.m2ts *.mpg *.mpeg *.flv *.wmv *.ogv"
                " *.mp3 *.m4a *.aac *.wav *.flac *.ogg *.opus)",
                self.tr("All files") + " (*)",
            ]
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._chosen)
        self._dialog = dialog
        dialog.open()

    def _chosen(self, path: str) -> None:
        self.folder = Path(path).parent
        self.show_text(path)
        self.requested.emit(path)

    def _submit(self) -> None:
        text = bounded_line(self.field.text())
        if text is not None:
            self.requested.emit(text)
