"""Building blocks that all of the window's parts share: labels, buttons, elided text."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.ui import theme


def label(text: str, role: str = "", *, wrap: bool = False) -> QLabel:
    """A line of words in one of the style sheet's roles; plain text always, as much of it is not ours."""
    result = QLabel(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setProperty("role", role)
    result.setWordWrap(wrap)
    return result


def button(text: str, role: str = "", icon: str = "") -> QPushButton:
    """A push button; role `primary`, `quiet`, `link` or none."""
    result = QPushButton(text)
    result.setProperty("role", role)
    result.setCursor(Qt.CursorShape.PointingHandCursor)
    result.setAutoDefault(False)
    if icon:
        dress(result, icon, "on_accent" if role == "primary" else "text")
    return result


def dress(target: QPushButton, icon: str, tint: str) -> None:
    """Put an icon before a button's words."""
    target.setIcon(theme.icon(icon, tint, 18, 5))
    target.setIconSize(QSize(23, 18))


def tool_button(icon: str, name: str, keys: str = "") -> QToolButton:
    """A button with a picture only: `name` is read out and shown as tip, with the keys that do the same.

    It takes the focus by Tab but not by a click, so that the plain keys go on working.
    """
    result = QToolButton()
    result.setIcon(theme.icon(icon))
    result.setIconSize(QSize(20, 20))
    result.setAccessibleName(name)
    result.setToolTip(f"{name}  ({keys})" if keys else name)
    result.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return result


def rule() -> QFrame:
    """A thin line between two groups."""
    result = QFrame()
    result.setObjectName("rule")
    return result


def panel_page() -> tuple[QWidget, QVBoxLayout]:
    """A page of the side panel with what lies on it, from top to bottom."""
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(18, 0, 18, 0)
    column.setSpacing(10)
    return page, column


def empty(layout: QLayout) -> None:
    """Take everything out of a layout; its widgets are deleted."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.deleteLater()


class ElidedLabel(QLabel):
    """A line of text that is cut with an ellipsis where there is no room; the whole text is its tip."""

    def __init__(
        self,
        role: str = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self._mode = mode
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(0, super().minimumSizeHint().height())

    def _is_cut(self) -> bool:
        return self.fontMetrics().horizontalAdvance(self.text()) > self.contentsRect().width()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.setToolTip(self.text() if self._is_cut() else "")

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        self.update()

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        super().setText(text)
        self.setToolTip(text if self._is_cut() else "")

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        area = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), self._mode, area.width())
        painter.drawText(area, int(self.alignment()), text)
        painter.end()


class Picture(QWidget):
    """One of our drawings in its own colours, sharp at any density. Decoration: not read out."""

    def __init__(self, name: str, size: QSize, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setFixedSize(size)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        pixmap = theme.picture(self._name, self.size(), self.devicePixelRatioF())
        shown = pixmap.deviceIndependentSize()
        painter.drawPixmap(
            round((self.width() - shown.width()) / 2), round((self.height() - shown.height()) / 2), pixmap
        )
        painter.end()
