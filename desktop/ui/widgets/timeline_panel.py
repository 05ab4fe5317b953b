"""The lower part of the window: the times of the clip, undo, zoom, and the timeline itself."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from desktop.timecode import format_length
from desktop.ui.widgets.controls import button, label, tool_button
from desktop.ui.widgets.timecode_field import TimecodeField
from desktop.ui.widgets.timeline_painting import Shown
from desktop.ui.widgets.timeline_view import TimelineView


class TimelinePanel(QFrame):
    """Edits a `Timeline`."""

    def __init__(self, shown: Shown, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timelinePanel")
        self._timeline = timeline = shown.timeline
        self.view = TimelineView(shown)
        self.in_field = TimecodeField(self.tr("Segment starts at"))
        self.in_field.committed.connect(self._type_in)
        self.in_field.stepped.connect(self.nudge_in)
        self.out_field = TimecodeField(self.tr("Segment ends at"))
        self.out_field.committed.connect(self._type_out)
        self.out_field.stepped.connect(self.nudge_out)
        self.mark_in = button(self.tr("Start here"), "quiet", "mark-in")
        self.mark_in.setToolTip(self.tr("The segment starts at the playhead  (I)"))
        self.mark_in.clicked.connect(timeline.mark_in)
        self.mark_out = button(self.tr("End here"), "quiet", "mark-out")
        self.mark_out.setToolTip(self.tr("The segment ends with the picture at the playhead  (O)"))
        self.mark_out.clicked.connect(timeline.mark_out)
        self._length = label("", "muted")
        self.save = tool_button("save", self.tr("Save the project"), "Ctrl+S")
        self.undo = tool_button("undo", self.tr("Undo"), "Ctrl+Z")
        self.undo.clicked.connect(timeline.undo)
        self.redo = tool_button("redo", self.tr("Redo"), "Ctrl+Shift+Z")
        self.redo.clicked.connect(timeline.redo)
        self.zoom_out = tool_button("zoom-out", self.tr("Zoom out"), "−")
        self.zoom_out.clicked.connect(lambda: timeline.zoom(1 / 1.5))
        self.zoom_in = tool_button("zoom-in", self.tr("Zoom in"), "+")
        self.zoom_in.clicked.connect(lambda: timeline.zoom(1.5))
        self.fit = tool_button("fit", self.tr("Show everything"), "0")
        self.fit.clicked.connect(timeline.fit)
        self.keys = tool_button("keyboard", self.tr("Keys"), "?")

        row = QHBoxLayout()
        row.setContentsMargins(18, 0, 14, 0)
        row.setSpacing(6)
        for widget in (self.mark_in, self.in_field, label("→", "muted"), self.out_field, self.mark_out):
            row.addWidget(widget)
        row.addSpacing(10)
        row.addWidget(self._length)
        row.addStretch()
        for each in (self.save, self.undo, self.redo, self.zoom_out, self.zoom_in, self.fit, self.keys):
            row.addWidget(each)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 4)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.view)

        for signal in (timeline.loaded, timeline.selection_changed, timeline.history_changed):
            signal.connect(self._show)
        timeline.view_changed.connect(self._show)
        self._show()

    def nudge_in(self, frames: int) -> None:
        """Move the start of the segment by whole pictures, and show it."""
        timeline = self._timeline
        timeline.nudge_in(frames)
        timeline.seek(timeline.selection.start)

    def nudge_out(self, frames: int) -> None:
        """Move the end of the segment by whole pictures, and show the last one."""
        timeline = self._timeline
        timeline.nudge_out(frames)
        timeline.seek(timeline.last_selected)

    def _type_in(self, time: float) -> None:
        self._timeline.set_in(time)
        self._timeline.commit()
        self._timeline.seek(self._timeline.selection.start)

    def _type_out(self, time: float) -> None:
        self._timeline.set_out(time)
        self._timeline.commit()
        self._timeline.seek(self._timeline.last_selected)

    def _show(self) -> None:
        timeline, selection = self._timeline, self._timeline.selection
        self.in_field.set_time(selection.start, timeline.duration)
        self.out_field.set_time(selection.end, timeline.duration)
        self._length.setText(self._length_text())
        self.undo.setEnabled(timeline.can_undo)
        self.redo.setEnabled(timeline.can_redo)
        zoomed = timeline.zoom_level > 1.0001
        self.zoom_out.setEnabled(zoomed)
        self.fit.setEnabled(zoomed)

    def _length_text(self) -> str:
        timeline, cuts = self._timeline, self._timeline.cuts
        length = format_length(timeline.selection.duration)
        if timeline.duration <= 0:
            return ""
        if len(cuts.segments) == 1:
            return self.tr("{length} selected").format(length=length)
        return self.tr("{length}, segment {number} of {count}").format(
            length=length, number=cuts.active + 1, count=len(cuts.segments)
        )
