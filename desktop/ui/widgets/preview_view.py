"""The picture at the playhead, or what stands in for it while there is none."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import ReelyError
from desktop.ui import theme
from desktop.ui.models.session import Session
from desktop.ui.player import Player
from desktop.ui.widgets.controls import Picture, button, label
from desktop.ui.words import stage_text

_RADIUS = 10


class PreviewView(QWidget):
    """Emits `clicked` when the picture is clicked."""

    clicked = Signal()

    def __init__(self, session: Session, player: Player, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._picture = QImage()
        self.setAccessibleName(self.tr("Preview"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 135)
        self._stage = label("", "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(220)
        self._bar.setAccessibleName(self.tr("Loading the preview"))
        self._message = label("", "muted", wrap=True)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setMaximumWidth(420)
        self._again = button(self.tr("Try again"), icon="retry")
        self._again.clicked.connect(session.load_preview)
        self._sound_only = Picture("sound-only", QSize(240, 120))
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addStretch()
        for widget in (self._sound_only, self._stage, self._bar, self._message, self._again):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()
        session.preview_changed.connect(self._show)
        player.picture_changed.connect(self._take)
        player.failed.connect(self._tell)
        self._show()

    @property
    def picture(self) -> QImage:
        """What is shown; null while there is no picture."""
        return self._picture

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(720, 405)

    def _tell(self, error: ReelyError) -> None:
        """A picture cannot be decoded: say so in its place, until another one can."""
        self._picture = QImage()
        self._message.setText(f"{error.message} {error.hint}")
        self._message.show()
        self.update()

    def _take(self, picture: QImage) -> None:
        self._picture = picture
        if not picture.isNull():
            self._message.hide()
        self.update()

    def _show(self) -> None:
        session = self._session
        error, preview, progress = session.preview_error, session.preview, session.preview_progress
        loading = preview is None and error is None and session.source is not None
        self._stage.setVisible(loading)
        self._stage.setText(stage_text(progress) if progress else self.tr("Getting the preview"))
        self._bar.setVisible(loading)
        if progress is None:
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(progress.fraction * 1000))
        self._message.setVisible(error is not None)
        self._message.setText(f"{error.message} {error.hint}" if error else "")
        self._again.setVisible(error is not None)
        self._sound_only.setVisible(preview is not None and preview.frames is None)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() == Qt.MouseButton.LeftButton and not self._picture.isNull():
            self.clicked.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(self.rect())
        outline = QPainterPath()
        outline.addRoundedRect(frame, _RADIUS, _RADIUS)
        painter.fillPath(outline, theme.color("picture"))
        if not self._picture.isNull():
            painter.setClipPath(outline)
            size = self._picture.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRectF(0, 0, size.width(), size.height())
            target.moveCenter(frame.center())
            painter.drawImage(target, self._picture)
        painter.end()
