"""How far work in the side panel is: its stage, a bar, the time left, and a way to stop it."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from desktop.jobs.protocol import Progress
from desktop.ui.widgets.controls import button, label
from desktop.ui.words import stage_text, time_left


class ProgressLines(QWidget):
    """A page for while something is done, under a title; `cancel` is its button."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stage = label("", "muted", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress"))
        self._left = label("", "small")
        self.cancel = button(self.tr("Cancel"))
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 0, 18, 0)
        column.setSpacing(10)
        for widget in (label(title, "title", wrap=True), self._stage, self._bar, self._left):
            column.addWidget(widget)
        column.addStretch()
        column.addWidget(self.cancel)

    def show_progress(self, progress: Progress | None, *, stopping: bool) -> None:
        """`progress` is None until some is known; once it is `stopping`, nothing more is expected."""
        self.cancel.setEnabled(not stopping)
        if stopping or progress is None:
            self._stage.setText(self.tr("Stopping") if stopping else self.tr("Starting"))
            self._left.clear()
        else:
            self._stage.setText(stage_text(progress))
            self._left.setText(time_left(progress))
        if progress is None:
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(progress.fraction * 1000))
