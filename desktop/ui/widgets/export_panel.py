"""How and where: the mode with its explanation, the destination, and the button that makes the clip."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from desktop.timecode import format_length
from desktop.trim.edit import Mode
from desktop.ui.models.export import Export
from desktop.ui.models.timeline import Timeline
from desktop.ui.widgets.controls import ElidedLabel, button, label, tool_button


class ExportPanel(QWidget):
    """Edits an `Export`; emits `requested` when the clip is to be made."""

    requested = Signal()

    def __init__(self, export: Export, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._export = export
        self._timeline = timeline
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 18)
        layout.setSpacing(4)
        layout.addWidget(label(self.tr("Make a clip"), "title"))
        layout.addSpacing(8)
        self._modes = QButtonGroup(self)
        for mode, name, explanation in (
            (Mode.SMART, self.tr("Smart"), self.tr("Exact; re-encodes only the edges.")),
            (Mode.COPY, self.tr("Copy"), self.tr("Fastest; may start a bit early.")),
            (Mode.EXACT, self.tr("Exact"), self.tr("Exact; re-encodes everything.")),
        ):
            self._add_mode(layout, mode, name, explanation)
        self._modes.idClicked.connect(lambda number: export.set_mode(tuple(Mode)[number]))
        layout.addSpacing(12)
        layout.addWidget(label(self.tr("Save as"), "heading"))
        layout.addLayout(self._build_destination())
        layout.addStretch()
        self.make = button(self.tr("Export clip"), "primary", "scissors")
        self.make.setMinimumHeight(42)
        self.make.setToolTip(self.tr("Make the clip  (Ctrl+E)"))
        self.make.clicked.connect(self.requested)
        layout.addWidget(self.make)
        export.changed.connect(self._show)
        timeline.selection_changed.connect(self._show)
        self._show()

    def _add_mode(self, layout: QVBoxLayout, mode: Mode, name: str, explanation: str) -> None:
        choice = QRadioButton(name)
        choice.setAccessibleDescription(explanation)
        choice.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._modes.addButton(choice, tuple(Mode).index(mode))
        words = label(explanation, "small")
        words.setContentsMargins(24, 0, 0, 6)
        layout.addWidget(choice)
        layout.addWidget(words)

    def _build_destination(self) -> QHBoxLayout:
        self._name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self._folder = ElidedLabel("small", Qt.TextElideMode.ElideMiddle)
        self.choose = tool_button("folder", self.tr("Choose where to save"), "Ctrl+S")
        self.choose.setIconSize(QSize(20, 20))
        self.choose.clicked.connect(self.choose_destination)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self._name)
        words.addWidget(self._folder)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addLayout(words, 1)
        row.addWidget(self.choose)
        return row

    def mode_button(self, mode: Mode) -> QRadioButton:
        found = self._modes.button(tuple(Mode).index(mode))
        assert isinstance(found, QRadioButton)  # noqa: S101 - they were all added above
        return found

    def choose_destination(self) -> None:
        """Let the user name the file; the dialog asks before an existing one is replaced."""
        destination = self._export.destination
        dialog = QFileDialog(self, self.tr("Save the clip"), str(destination or Path.home()))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setNameFilter(self.tr("Video") + " (*.mp4 *.mkv *.webm *.mov *.m4a)")
        if destination is not None:
            dialog.setDefaultSuffix(destination.suffix.lstrip("."))
            dialog.selectFile(str(destination))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self._export.choose(Path(path), replace=True))
        dialog.open()

    def _show(self) -> None:
        self.mode_button(self._export.mode).setChecked(True)
        destination = self._export.destination
        self._name.setText(destination.name if destination else "")
        self._folder.setText(_folder_text(destination.parent) if destination else "")
        self.make.setEnabled(self._export.edit is not None and destination is not None)
        self.make.setText(
            self.tr("Export {length}").format(length=format_length(self._timeline.selection.duration))
        )


def _folder_text(folder: Path) -> str:
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except ValueError:
        return str(folder)
