"""The pages that fill the window while no source is open: the beginning, loading, and failure."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.models.recent import RecentlyOpened
from desktop.ui.models.session import Session
from desktop.ui.widgets.controls import ElidedLabel, Picture, button, label
from desktop.ui.widgets.outcome_cards import ErrorCard
from desktop.ui.words import stage_text, time_left

_RECENT = 4  # offered
_TITLE = 60  # letters of one


class EmptyPage(QWidget):
    """The beginning: where to drop a video, and what happens then."""

    open_requested = Signal()
    paste_requested = Signal()
    recent_chosen = Signal(str)

    def __init__(self, opened_last: RecentlyOpened, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._opened_last = opened_last
        opened_last.changed.connect(self._show_recent)
        centre = Qt.AlignmentFlag.AlignHCenter
        title = label(self.tr("Turn a long video into a short one"), "display")
        subtitle = label(
            self.tr("Paste a YouTube link above, or drop a link or a video anywhere in this window."), "muted"
        )
        self.paste_button = button(self.tr("Paste link"), "primary", "link")
        self.paste_button.clicked.connect(self.paste_requested)
        self.open_button = button(self.tr("Open file…"), icon="folder")
        self.open_button.clicked.connect(self.open_requested)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch()
        buttons.addWidget(self.paste_button)
        buttons.addWidget(self.open_button)
        buttons.addStretch()
        steps = QHBoxLayout()
        steps.setSpacing(28)
        steps.addStretch()
        for number, words in enumerate(
            (
                self.tr("Paste a link or open a file"),
                self.tr("Set where it starts and ends"),
                self.tr("Export"),
            ),
            start=1,
        ):
            steps.addLayout(_step(number, words))
        steps.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(36, 28, 36, 28)
        layout.setSpacing(10)
        layout.addStretch(3)
        layout.addWidget(Picture("empty", QSize(320, 180)), 0, centre)
        layout.addSpacing(14)
        layout.addWidget(title, 0, centre)
        layout.addWidget(subtitle, 0, centre)
        layout.addSpacing(12)
        layout.addLayout(buttons)
        layout.addSpacing(16)
        self._recent_title = label(self.tr("Opened last"), "small")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        layout.addWidget(self._recent_title, 0, centre)
        layout.addLayout(self._recent)
        layout.addStretch(2)
        layout.addLayout(steps)
        layout.addStretch(1)
        self._show_recent()

    def _show_recent(self) -> None:
        recent = self._opened_last.items
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._recent_title.setVisible(bool(recent))
        for each in recent[:_RECENT]:
            title = each.title or each.text
            again = button(title if len(title) <= _TITLE else title[: _TITLE - 1] + "…", "link")
            again.setToolTip(each.text)
            again.clicked.connect(partial(self.recent_chosen.emit, each.text))
            self._recent.addWidget(again, 0, Qt.AlignmentFlag.AlignHCenter)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(theme.color("line"), 2, Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        painter.drawRoundedRect(self.rect().adjusted(20, 20, -20, -20), 16, 16)
        painter.end()


def _step(number: int, words: str) -> QHBoxLayout:
    digit = label(str(number), "number")
    digit.setFixedSize(26, 26)
    digit.setAlignment(Qt.AlignmentFlag.AlignCenter)
    row = QHBoxLayout()
    row.setSpacing(10)
    row.addWidget(digit)
    row.addWidget(label(words))
    return row


class LoadingPage(QWidget):
    """A source is being opened: what, how far, and a way to stop it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        card = QFrame()
        card.setObjectName("card")
        card.setFixedWidth(440)
        self._what = ElidedLabel("small", Qt.TextElideMode.ElideMiddle)
        self._stage = label("", "title")
        self._left = label("", "small")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Opening"))
        self.cancel = button(self.tr("Cancel"))
        self.cancel.clicked.connect(session.cancel)
        bottom = QHBoxLayout()
        bottom.addWidget(self._left, 1)
        bottom.addWidget(self.cancel)
        inside = QVBoxLayout(card)
        inside.setContentsMargins(28, 26, 28, 22)
        inside.setSpacing(8)
        inside.addWidget(_Skeleton())
        inside.addSpacing(10)
        inside.addWidget(self._stage)
        inside.addWidget(self._what)
        inside.addSpacing(6)
        inside.addWidget(self._bar)
        inside.addSpacing(4)
        inside.addLayout(bottom)
        layout = QVBoxLayout(self)
        layout.addWidget(card, 0, Qt.AlignmentFlag.AlignCenter)
        session.changed.connect(self._show)
        session.progressed.connect(self._show)

    def _show(self) -> None:
        progress = self._session.progress
        self._what.setText(self._session.text)
        self._stage.setText(stage_text(progress) if progress else self.tr("Opening"))
        self._left.setText(time_left(progress) if progress else "")
        if progress is None or progress.fraction == 0:
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(progress.fraction * 1000))


class _Skeleton(QWidget):
    """The shape of what is coming: a picture, and a timeline under it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(196)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("raised"))
        width, height = self.width(), self.height()
        painter.drawRoundedRect(0, 0, width, height - 44, 8, 8)
        painter.drawRoundedRect(0, height - 32, width, 32, 6, 6)
        painter.setBrush(theme.color("hover"))
        middle = (height - 44) // 2
        painter.drawEllipse(width // 2 - 24, middle - 24, 48, 48)
        painter.setBrush(theme.color("accent", 0.55))
        painter.drawRoundedRect(width // 4, height - 32, width // 3, 32, 6, 6)
        painter.drawPixmap(
            width // 2 - 11, middle - 12, theme.icon("play", "faint", 24).pixmap(QSize(24, 24), 2)
        )
        painter.end()


class FailedPage(QWidget):
    """Opening failed: the error card in the middle of the window."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        frame = QFrame()
        frame.setObjectName("card")
        frame.setMaximumWidth(560)
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(0, 0, 0, 0)
        self.card = ErrorCard(session, opening=True)
        inside.addWidget(self.card)
        layout = QVBoxLayout(self)
        layout.addWidget(frame, 0, Qt.AlignmentFlag.AlignCenter)
