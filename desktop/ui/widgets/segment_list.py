"""The segments of the edit as a list in their order: pick, reorder by dragging, add, remove."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from desktop.timecode import format_length, format_timecode
from desktop.ui import theme
from desktop.ui.models.grid import Selection
from desktop.ui.models.timeline import Timeline
from desktop.ui.widgets.controls import label, tool_button

_ROW = 30
_ROWS = 5  # without scrolling
_SEGMENT = Qt.ItemDataRole.UserRole
# A row is dropped between others, not onto one.
_BETWEEN = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled


class SegmentList(QWidget):
    """Edits the segments of a `Timeline`."""

    def __init__(self, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self.rows = _Rows()
        self.rows.setAccessibleName(self.tr("Segments, in the order in which they are exported"))
        self.rows.currentRowChanged.connect(self._picked)
        self.rows.model().rowsMoved.connect(self._reordered)
        self.add = tool_button("plus", self.tr("Add a segment at the playhead"), "A")
        self.add.clicked.connect(timeline.add_at_playhead)
        self.earlier = tool_button("up", self.tr("Earlier in the order"), "Ctrl+↑")
        self.earlier.clicked.connect(lambda: self.reorder(-1))
        self.later = tool_button("down", self.tr("Later in the order"), "Ctrl+↓")
        self.later.clicked.connect(lambda: self.reorder(1))
        self.remove = tool_button("close", self.tr("Remove the segment"), self.tr("Del"))
        self.remove.clicked.connect(lambda: timeline.remove(timeline.cuts.active))
        self._total = label("", "small")
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(label(self.tr("Segments"), "heading"))
        head.addSpacing(6)
        head.addWidget(self._total)
        head.addStretch()
        for button in (self.earlier, self.later, self.remove, self.add):
            button.setProperty("role", "small")
            head.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.rows)
        timeline.selection_changed.connect(self._show)
        self._show()

    def reorder(self, by: int) -> None:
        """Move the active segment in the order."""
        active = self._timeline.cuts.active
        self._timeline.move(active, active + by)

    def pick(self, by: int) -> None:
        """Go to the segment before or after in the order."""
        self._picked(min(max(self._timeline.cuts.active + by, 0), len(self._timeline.cuts.segments) - 1))

    def _picked(self, number: int) -> None:
        if number >= 0 and number != self._timeline.cuts.active:
            self._timeline.activate(number)
            self._timeline.seek(self._timeline.selection.start)

    def _reordered(self, _parent: QModelIndex, first: int, _last: int, _to: QModelIndex, row: int) -> None:
        self._timeline.move(first, row - 1 if row > first else row)

    def _show(self) -> None:
        cuts, rows = self._timeline.cuts, self.rows
        several = len(cuts.segments) > 1
        rows.blockSignals(True)
        while rows.count() > len(cuts.segments):
            rows.takeItem(rows.count() - 1)
        for number, segment in enumerate(cuts.segments):
            if number == rows.count():
                fresh = QListWidgetItem()
                fresh.setFlags(_BETWEEN)
                rows.addItem(fresh)
            item = rows.item(number)
            item.setData(_SEGMENT, segment)
            item.setData(
                Qt.ItemDataRole.AccessibleTextRole,
                self.tr("Segment {number}, {start} to {end}").format(
                    number=number + 1,
                    start=format_timecode(segment.start),
                    end=format_timecode(segment.end),
                ),
            )
        rows.setCurrentRow(cuts.active)
        rows.blockSignals(False)
        rows.setVisible(several)
        rows.setFixedHeight(_ROW * min(len(cuts.segments), _ROWS) + 2)
        self._total.setText(format_length(cuts.duration))
        self.earlier.setVisible(several)
        self.later.setVisible(several)
        self.remove.setVisible(several)
        self.earlier.setEnabled(cuts.active > 0)
        self.later.setEnabled(cuts.active < len(cuts.segments) - 1)


class _Rows(QListWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setItemDelegate(_Delegate(self))
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setUniformItemSizes(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Up and Down pick; all other keys are the window's."""
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if plain and event.key() in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
            super().keyPressEvent(event)
        else:
            event.ignore()


class _Delegate(QStyledItemDelegate):
    """A row: its number, from when to when, and how long."""

    def sizeHint(  # noqa: N802 - Qt's name
        self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(100, _ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        segment = index.data(_SEGMENT)
        if not isinstance(segment, Selection):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        state = QStyle.StateFlag(option.state)
        rect = QRectF(option.rect).adjusted(1, 1, -1, -1)
        active = bool(state & QStyle.StateFlag.State_Selected)
        if active or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("hover" if active else "raised"))
            painter.drawRoundedRect(rect, 6, 6)
        badge = QRectF(rect.left() + 6, rect.center().y() - 9, 22, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent" if active else "raised"))
        painter.drawRoundedRect(badge, 5, 5)
        painter.setFont(theme.digits(painter.font(), 11))
        painter.setPen(theme.color("on_accent" if active else "accent"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(index.row() + 1))
        painter.setFont(theme.digits(painter.font(), 12))
        painter.setPen(theme.color("text"))
        middle = Qt.AlignmentFlag.AlignVCenter
        times = f"{format_timecode(segment.start, 1)} → {format_timecode(segment.end, 1)}"
        painter.drawText(rect.adjusted(38, 0, 0, 0), middle | Qt.AlignmentFlag.AlignLeft, times)
        painter.setPen(theme.color("muted"))
        length = format_length(segment.duration)
        painter.drawText(rect.adjusted(0, 0, -8, 0), middle | Qt.AlignmentFlag.AlignRight, length)
        painter.restore()
