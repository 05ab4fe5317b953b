"""How and where: the mode with its explanation, the destination, and the button that makes the clip."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.timecode import format_length
from desktop.trim.edit import Mode
from desktop.ui.models.export import Delivery, Export
from desktop.ui.models.timeline import Timeline
from desktop.ui.widgets.choice import Choice, Option
from desktop.ui.widgets.controls import ElidedLabel, button, label, tool_button
from desktop.ui.widgets.segment_list import SegmentList
from desktop.ui.words import folder_text


class ExportPanel(QWidget):
    """Edits an `Export`; emits `requested` when the clip is to be made."""

    requested = Signal()

    def __init__(self, export: Export, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._export = export
        self._timeline = timeline
        self.segments = SegmentList(timeline)
        self.deliveries = Choice(
            (
                Option(Delivery.JOINED, self.tr("Joined"), self.tr("One clip, in this order.")),
                Option(
                    Delivery.SEPARATE,
                    self.tr("Separate"),
                    self.tr("A clip each; each is a trim."),
                ),
            )
        )
        self.deliveries.chosen.connect(export.set_delivery)
        self.modes = Choice(
            (
                Option(Mode.SMART, self.tr("Smart"), self.tr("Exact; re-encodes only the edges.")),
                Option(Mode.COPY, self.tr("Copy"), self.tr("Fastest; may start a bit early.")),
                Option(Mode.EXACT, self.tr("Exact"), self.tr("Exact; re-encodes everything.")),
            )
        )
        self.modes.chosen.connect(export.set_mode)
        self.make = button("", "primary", "scissors")
        self.make.setMinimumHeight(42)
        self.make.setToolTip(self.tr("Make the clip  (Ctrl+E)"))
        self.make.clicked.connect(self.requested)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 12, 0, 18)
        layout.setSpacing(12)
        layout.addWidget(self._build_choices(), 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(18, 0, 18, 0)
        foot.addWidget(self.make)
        layout.addLayout(foot)
        export.changed.connect(self._show)
        timeline.selection_changed.connect(self._show)
        self._show()

    def _build_choices(self) -> QScrollArea:
        """All but the button; in a low window this can be scrolled."""
        choices = QWidget()
        column = QVBoxLayout(choices)
        column.setContentsMargins(18, 2, 18, 2)
        column.setSpacing(4)
        column.addWidget(self.segments)
        column.addSpacing(4)
        column.addWidget(self.deliveries)
        column.addSpacing(8)
        column.addWidget(label(self.tr("How"), "heading"))
        column.addWidget(self.modes)
        column.addSpacing(8)
        column.addWidget(label(self.tr("Save as"), "heading"))
        column.addLayout(self._build_destination())
        column.addStretch()
        area = QScrollArea()
        area.setWidget(choices)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.viewport().setAutoFillBackground(False)
        choices.setAutoFillBackground(False)
        return area

    def _build_destination(self) -> QHBoxLayout:
        self._name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self._folder = ElidedLabel("small", Qt.TextElideMode.ElideMiddle)
        self.choose = tool_button("folder", self.tr("Choose where to save"), "Ctrl+Shift+E")
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
        export, cuts = self._export, self._timeline.cuts
        self.modes.show_value(export.mode)
        self.deliveries.show_value(export.delivery)
        self.deliveries.setVisible(len(cuts.segments) > 1)
        destination = export.destination
        self._name.setText(destination.name if destination else "")
        self._folder.setText(folder_text(destination.parent) if destination else "")
        self.make.setEnabled(export.edit is not None and destination is not None)
        length = format_length(cuts.duration)
        self.make.setText(
            self.tr("Export {count} clips").format(count=export.clips)
            if export.clips > 1
            else self.tr("Export {length}").format(length=length)
        )
