"""The lines of a transcript as a list: shown, followed, searched, selected; ten thousand as well as ten."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFont,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from desktop.hooks.lines import Line
from desktop.timecode import format_timecode
from desktop.ui import theme
from desktop.ui.models.search import Match
from desktop.ui.models.transcript import SourceTranscript

WIDTH = 282
"""Pixels of a row: the side panel's without the scroll bar. Rows are measured before they are shown."""
_TEXT_AT = 62
_TEXT_WIDTH = WIDTH - _TEXT_AT - 10
_ROOM = 5  # above and below the text
_LEAST = 26

_ROW_START = QPoint(20, 4)
_NOTHING = QModelIndex()
_COPY, _SELECT_ALL = QKeySequence.StandardKey.Copy, QKeySequence.StandardKey.SelectAll
_MOVES = {
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
}

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class RowMeasure:
    """How high rows are. Shaping ten thousand lines takes a second, so it is done off the GUI thread."""

    font: QFont

    def __call__(self, lines: Sequence[Line]) -> array[int]:
        return array("i", (self.height(line) for line in lines))

    def height(self, line: Line) -> int:
        text = laid_out(line.text, self.font)
        return max(_LEAST, round(text.boundingRect().height()) + 2 * _ROOM)


def text_font() -> QFont:
    """What lines are written in; of a fixed size, as the style sheet has it."""
    font = QFont(QApplication.font())
    font.setPixelSize(13)
    return font


def shown_time(line: Line) -> str:
    """When it begins, in whole seconds that have passed."""
    return format_timecode(int(line.start), 0)


def laid_out(text: str, font: QFont) -> QTextLayout:
    """Plain text in lines of the column's width, from right to left where its script is written so."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    if _from_right_to_left(text):
        option.setTextDirection(Qt.LayoutDirection.RightToLeft)
        option.setAlignment(Qt.AlignmentFlag.AlignRight)
    layout.setTextOption(option)
    layout.beginLayout()
    y = 0.0
    while (line := layout.createLine()).isValid():
        line.setLineWidth(_TEXT_WIDTH)
        line.setPosition(QPointF(0, y))
        y += line.height()
    layout.endLayout()
    return layout


def _from_right_to_left(text: str) -> bool:
    """What its first letter that has a direction says (Unicode UAX 9, P2 and P3)."""
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    return next((kind for kind in kinds if kind in {"L", "R", "AL"}), "L") != "L"


class WordsList(QListView):
    """Shows a `SourceTranscript`. The line at the playhead is kept in view until the user goes elsewhere."""

    following_changed = Signal()

    def __init__(self, transcript: SourceTranscript) -> None:
        super().__init__()
        self._transcript = transcript
        self._following = True
        self._by_hand = False
        transcript.measure = RowMeasure(text_font())
        self.rows = _Rows(transcript)
        self.setModel(self.rows)
        self.setItemDelegate(_Delegate(transcript, self))
        self.setObjectName("words")
        self.setAccessibleName(self.tr("What is said"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.verticalScrollBar().setSingleStep(24)
        self.verticalScrollBar().actionTriggered.connect(self._take_hold)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.clicked.connect(self._clicked)
        transcript.line_changed.connect(self._line_changed)
        transcript.search.changed.connect(self._show_match)

    # --- following the playhead ---

    @property
    def following(self) -> bool:
        return self._following

    def follow(self) -> None:
        """Show the line at the playhead, and go along with it from now on."""
        self._set_following(True)
        self._keep_in_view()

    def _set_following(self, following: bool) -> None:
        if following != self._following:
            self._following = following
            self.following_changed.emit()

    def _take_hold(self, _action: int) -> None:
        """The user moves the scroll bar, by wheel, drag or click: its value changes right after this."""
        self._by_hand = True

    def _scrolled(self, _value: int) -> None:
        by_hand, self._by_hand = self._by_hand, False
        line = self._transcript.line
        if by_hand and line is not None:
            row = self.visualRect(self.rows.index(line))
            self._set_following(row.intersects(self.viewport().rect()))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        if self._following:
            self._keep_in_view()

    def _line_changed(self) -> None:
        self.viewport().update()
        if self._following:
            self._keep_in_view()

    def _keep_in_view(self) -> None:
        line = self._transcript.line
        if line is None or not self.rows.rowCount():
            return
        index = self.rows.index(line)
        if not self.viewport().rect().contains(self.visualRect(index)):
            self._by_hand = False
            self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    # --- searching ---

    def _show_match(self) -> None:
        match = self._transcript.search.match
        if match is not None and match.line < self.rows.rowCount():
            self._set_following(False)
            index = self.rows.index(match.line)
            self.setCurrentIndex(index)
            self.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)
        self.viewport().update()

    # --- selecting ---

    @property
    def chosen(self) -> tuple[int, int] | None:
        """The first and the last selected line."""
        ranges = self.selectionModel().selection()
        places = [ranges.at(number) for number in range(ranges.count())]
        if not places:
            return None
        return min(each.top() for each in places), max(each.bottom() for each in places)

    @property
    def first_in_view(self) -> int:
        """The number of the uppermost line that is seen."""
        return max(0, self.indexAt(self.viewport().rect().topLeft() + _ROW_START).row())

    def copy(self) -> None:
        """Put the selected lines, or all where none is, on the clipboard as plain text."""
        rows = sorted(index.row() for index in self.selectedIndexes()) or range(self.rows.rowCount())
        QGuiApplication.clipboard().setText(self._transcript.text(rows))

    def _clicked(self, index: QModelIndex) -> None:
        if QGuiApplication.keyboardModifiers() == Qt.KeyboardModifier.NoModifier:
            self._go(index)

    def _go(self, index: QModelIndex) -> None:
        if index.isValid():
            self._set_following(True)
            self._transcript.seek(index.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Moving and selecting, Enter, copying; all other keys are the window's."""
        key = event.key()
        selecting = event.modifiers() | Qt.KeyboardModifier.ShiftModifier == Qt.KeyboardModifier.ShiftModifier
        if key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._go(self.currentIndex())
        elif event.matches(_COPY):
            self.copy()
        elif (key in _MOVES and selecting) or event.matches(_SELECT_ALL):
            super().keyPressEvent(event)
            self._set_following(False)
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Nothing moves away under the pointer; a click goes on from there."""
        self._set_following(False)
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """As a click: there is nothing to edit."""
        self.mousePressEvent(event)


class _Rows(QAbstractListModel):
    def __init__(self, transcript: SourceTranscript) -> None:
        super().__init__(transcript)
        self._transcript = transcript
        self._shown = transcript.lines
        transcript.changed.connect(self._changed)

    def _changed(self) -> None:
        if self._transcript.lines is not self._shown:
            self.beginResetModel()
            self._shown = self._transcript.lines
            self.endResetModel()

    def rowCount(self, parent: Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        line = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return line.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{shown_time(line)}, {line.text}"
        return None


class _Delegate(QStyledItemDelegate):
    """A row: when it is said, and the words, with what is looked for marked in them."""

    def __init__(self, transcript: SourceTranscript, view: QListView) -> None:
        super().__init__(view)
        self._transcript = transcript
        self._font = text_font()
        self._aside = QFont(self._font)
        self._aside.setItalic(True)

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        return QSize(WIDTH, self._transcript.heights[index.row()])

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.row()
        line = self._transcript.lines[row]
        now = row == self._transcript.line
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(option.rect)
        self._paint_ground(painter, rect.adjusted(4, 1, -2, -1), QStyle.StateFlag(option.state), now=now)
        painter.setFont(theme.digits(self._font, 11))
        painter.setPen(theme.color("accent" if now else "faint"))
        time = QRectF(rect.left() + 10, rect.top() + _ROOM + 1, _TEXT_AT - 18, 16)
        painter.drawText(time, Qt.AlignmentFlag.AlignRight, shown_time(line))
        painter.setPen(theme.color("text" if now else "muted"))
        text = laid_out(line.text, self._font if line.spoken else self._aside)
        text.draw(painter, QPointF(rect.left() + _TEXT_AT, rect.top() + _ROOM), self._marked(row, line.text))
        painter.restore()

    @staticmethod
    def _paint_ground(painter: QPainter, rect: QRectF, state: QStyle.StateFlag, *, now: bool) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(theme.color("hover"))
            painter.drawRoundedRect(rect, 6, 6)
        elif state & QStyle.StateFlag.State_MouseOver or now:
            painter.setBrush(theme.color("raised"))
            painter.drawRoundedRect(rect, 6, 6)
        if now:
            painter.setBrush(theme.color("accent"))
            painter.drawRoundedRect(QRectF(rect.left(), rect.top() + 4, 3, rect.height() - 8), 1.5, 1.5)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme.color("focus"))
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)

    def _marked(self, row: int, text: str) -> list[QTextLayout.FormatRange]:
        looked_at = self._transcript.search.match
        return [
            _mark(text, match, strong=match is looked_at) for match in self._transcript.search.in_line(row)
        ]


def _mark(text: str, match: Match, *, strong: bool) -> QTextLayout.FormatRange:
    """Where Qt finds it: it counts in UTF-16."""
    result = QTextLayout.FormatRange()
    result.start = _units(text[: match.start])
    result.length = _units(text[match.start : match.start + match.length])
    form = QTextCharFormat()
    form.setBackground(theme.color("accent", 1.0 if strong else 0.35))
    form.setForeground(theme.color("on_accent" if strong else "text"))
    result.format = form
    return result


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
