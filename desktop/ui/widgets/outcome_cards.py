"""What the side panel shows once a clip was asked for: the work, the result, or what went wrong."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from desktop.errors import ReelyError
from desktop.timecode import format_length
from desktop.trim.edit import Clip, Mode
from desktop.ui import theme
from desktop.ui.models.session import Session
from desktop.ui.reveal import play_file, show_in_folder
from desktop.ui.widgets.controls import ElidedLabel, Picture, button, label
from desktop.ui.words import Remedy, folder_text, remedy_for, remedy_text, size_text, stage_text, time_left

# A card lower than this shows its words alone.
_ROOM_FOR_DRAWING = 440


class _Card(QWidget):
    """A column in the side panel, headed by a drawing where there is room for one."""

    def __init__(self, drawing: str, needs: int = _ROOM_FOR_DRAWING) -> None:
        super().__init__()
        self._needs = needs
        self._drawing = Picture(drawing, QSize(200, 113))
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(18, 16, 18, 18)
        self.column.setSpacing(8)
        self.column.addWidget(self._drawing, 0, Qt.AlignmentFlag.AlignHCenter)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._drawing.setVisible(self.height() >= self._needs)


class WorkingCard(_Card):
    """Progress with stage and time left, and a way to stop it."""

    def __init__(self, session: Session) -> None:
        super().__init__("working")
        self._session = session
        self._stage = label("", "heading")
        self._percent = label("", "muted")
        self._percent.setFont(theme.digits(self.font(), 13))
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress"))
        self._left = label("", "small")
        self._target = ElidedLabel("small", Qt.TextElideMode.ElideMiddle)
        self.cancel = button(self.tr("Cancel"))
        self.cancel.clicked.connect(session.cancel)
        head = QHBoxLayout()
        head.addWidget(self._stage, 1)
        head.addWidget(self._percent)
        layout = self.column
        layout.addSpacing(8)
        layout.addWidget(label(self.tr("Making your clip"), "title"))
        layout.addWidget(self._target)
        layout.addSpacing(12)
        layout.addLayout(head)
        layout.addWidget(self._bar)
        layout.addWidget(self._left)
        layout.addStretch()
        layout.addWidget(self.cancel)
        session.changed.connect(self._show)
        session.progressed.connect(self._show)

    def show_target(self, path: Path) -> None:
        self._target.setText(path.name)

    def _show(self) -> None:
        progress = self._session.progress
        stopping = self._session.cancelling
        self.cancel.setEnabled(not stopping)
        if progress is None:
            self._bar.setRange(0, 0)
            self._stage.setText(self.tr("Starting"))
            self._percent.clear()
            self._left.clear()
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(progress.fraction * 1000))
            self._stage.setText(stage_text(progress))
            self._percent.setText(f"{progress.fraction:.0%}")
            self._left.setText(time_left(progress))
        if stopping:
            self._stage.setText(self.tr("Stopping"))
            self._left.clear()


class ResultCard(_Card):
    """The clip: where it is, how long and large, and what to do with it."""

    again_requested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__("done")
        self._session = session
        self._path: Path | None = None
        self._title = label("", "title")
        self._name = label("", "heading", wrap=True)
        self._folder = ElidedLabel("small", Qt.TextElideMode.ElideMiddle)
        self._facts = label("", "muted", wrap=True)
        self._notes = label("", "small", wrap=True)
        self.show_button = button(self.tr("Show in folder"), "primary", "folder")
        self.show_button.clicked.connect(lambda: self._do(show_in_folder))
        self.play_button = button(self.tr("Play"), icon="play")
        self.play_button.clicked.connect(lambda: self._do(play_file))
        self.copy_button = button(self.tr("Copy path"), icon="copy")
        self.copy_button.clicked.connect(self._copy)
        self.again_button = button(self.tr("Make another clip"), "quiet")
        self.again_button.clicked.connect(self.again_requested)
        self._copied = QTimer(self)
        self._copied.setSingleShot(True)
        self._copied.setInterval(1500)
        self._copied.timeout.connect(self._offer_copying)
        pair = QHBoxLayout()
        pair.setSpacing(8)
        pair.addWidget(self.play_button, 1)
        pair.addWidget(self.copy_button, 1)
        layout = self.column
        layout.addSpacing(8)
        for widget in (self._title, self._name, self._folder, self._facts, self._notes):
            layout.addWidget(widget)
        layout.addStretch()
        layout.addWidget(self.show_button)
        layout.addLayout(pair)
        layout.addWidget(self.again_button)
        session.changed.connect(self._show)

    def _show(self) -> None:
        clips = self._session.clips
        if not clips:
            return
        first = clips[0]
        self._path = first.path
        many = len(clips) > 1
        self._title.setText(
            self.tr("{count} clips are ready").format(count=len(clips))
            if many
            else self.tr("Your clip is ready")
        )
        self._name.setText(
            "\n".join(clip.path.name for clip in clips[:4]) + ("\n…" if len(clips) > 4 else "")
        )
        self._folder.setText(folder_text(first.path.parent))
        self._facts.setText(self._facts_text(clips))
        self._notes.setText("\n".join(dict.fromkeys(note for clip in clips for note in clip.notes)))
        self._notes.setVisible(bool(self._notes.text()))

    def _facts_text(self, clips: list[Clip]) -> str:
        seconds = format_length(sum(clip.duration for clip in clips))
        size = size_text(sum(clip.bytes for clip in clips))
        lines = [f"{seconds}  ·  {size}"]
        if frames := sum(clip.frames for clip in clips):
            lines[0] += "  ·  " + self.tr("{count} frames").format(count=frames)
        early = max(clip.early for clip in clips)
        if early > 0:
            lines.append(self.tr("Starts {length} early").format(length=format_length(early)))
        if any(clip.mode is Mode.SMART for clip in clips):
            encoded = format_length(sum(clip.reencoded_seconds for clip in clips))
            lines.append(self.tr("Only {length} of it re-encoded").format(length=encoded))
        return "\n".join(lines)

    def _do(self, action: object) -> None:
        if self._path is not None and callable(action):
            action(self._path)

    def _copy(self) -> None:
        if self._path is not None:
            QGuiApplication.clipboard().setText(str(self._path))
            self.copy_button.setText(self.tr("Copied"))
            self._copied.start()

    def _offer_copying(self) -> None:
        self.copy_button.setText(self.tr("Copy path"))

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        super().hideEvent(event)
        self._copied.stop()
        self._offer_copying()


class ErrorCard(_Card):
    """What happened, what to do, and a button that does it. For the panel, or large for the whole window."""

    remedy_chosen = Signal(object)
    dismissed = Signal()

    def __init__(self, session: Session, *, opening: bool) -> None:
        super().__init__("failed", 0 if opening else _ROOM_FOR_DRAWING)
        self._session = session
        self._opening = opening
        self._remedy = Remedy.RETRY
        self._title = label(
            self.tr("This could not be opened") if opening else self.tr("The clip was not made"), "title"
        )
        self._message = label("", wrap=True)
        self._hint = label("", "muted", wrap=True)
        self._code = label("", "code")
        self._code.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.remedy_button = button(remedy_text(self._remedy), "primary")
        self.remedy_button.clicked.connect(lambda: self.remedy_chosen.emit(self._remedy))
        self.back_button = button(
            self.tr("Back to the start") if opening else self.tr("Back to the clip"), "quiet"
        )
        self.back_button.clicked.connect(self.dismissed)
        layout = self.column
        if opening:
            self._build_large(layout)
        else:
            self._build_small(layout)
        session.changed.connect(self._show)

    def _build_small(self, layout: QVBoxLayout) -> None:
        layout.addSpacing(8)
        layout.addWidget(self._title)
        for widget in (self._message, self._hint, self._code):
            layout.addWidget(widget)
        layout.addStretch()
        layout.addWidget(self.remedy_button)
        layout.addWidget(self.back_button)

    def _build_large(self, layout: QVBoxLayout) -> None:
        centre = Qt.AlignmentFlag.AlignHCenter
        layout.setContentsMargins(36, 32, 36, 28)
        layout.addSpacing(12)
        for widget in (self._title, self._message, self._hint):
            widget.setAlignment(centre)
            layout.addWidget(widget)
        self._message.setMinimumWidth(400)
        layout.addSpacing(12)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self.back_button)
        row.addWidget(self.remedy_button)
        row.addStretch()
        layout.addLayout(row)
        layout.addSpacing(8)
        layout.addWidget(self._code, 0, centre)

    def _show(self) -> None:
        error = self._session.error
        if error is None or self._opening != (self._session.source is None):
            return
        self._show_error(error)

    def _show_error(self, error: ReelyError) -> None:
        self._remedy = remedy_for(error, opening=self._opening)
        self._message.setText(error.message)
        self._hint.setText(error.hint)
        self._code.setText(error.code)
        self.remedy_button.setText(remedy_text(self._remedy))
        self.back_button.setVisible(self._remedy not in {Remedy.BACK, Remedy.ANOTHER_SOURCE})
        self.setAccessibleDescription(f"{error.message} {error.hint}")
