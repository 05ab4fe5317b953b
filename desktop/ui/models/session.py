"""One source from link to clip: what state it is in, and the operations that move it on."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.errors import ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.media.frames import FrameServer
from desktop.media.remote import Media
from desktop.project import Project, is_project, read_project
from desktop.source.models import Source
from desktop.source.preview_media import PreviewMedia
from desktop.trim.edit import Clip, Edit
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import OnProgress, Ports

log = logging.getLogger(__name__)

# Higher pictures cost time and memory, and are hardly seen in the window.
_PREVIEW_HEIGHT = 720


class State(Enum):
    EMPTY = auto()
    LOADING = auto()
    """A source is being opened."""
    READY = auto()
    """A source is open; its preview may still be on its way."""
    WORKING = auto()
    """A clip is being made."""
    DONE = auto()
    """The clip is made and shown."""
    FAILED = auto()
    """Opening (no source) or trimming (a source is there) failed."""


@dataclass(frozen=True, eq=False)
class Preview:
    """What can be scrubbed, and what it comes from. `frames` is None without a picture."""

    frames: FrameServer | None
    media: PreviewMedia


@dataclass(frozen=True)
class _Opened:
    source: Source
    project: Project | None


@dataclass(frozen=True)
class _Export:
    edit: Edit
    destination: Path
    overwrite: bool


class Session(QObject):
    """The window's state. Every public method returns at once; what comes of it is announced by signals."""

    changed = Signal()
    progressed = Signal()
    source_opened = Signal(object)
    preview_changed = Signal()
    sound_changed = Signal()
    """The sound has come, after the preview; where it is there at once, that is not announced."""
    trimmed = Signal()

    def __init__(self, ports: Ports, runner: OperationRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self.state = State.EMPTY
        self.text = ""
        """What was pasted or opened last."""
        self.source: Source | None = None
        self.project: Project | None = None
        """What the project file says, where one was opened; its path is `text`."""
        self.error: ReelyError | None = None
        self.clips: list[Clip] = []
        self.progress: Progress | None = None
        self.cancelling = False
        self.preview: Preview | None = None
        self.sound: Path | None = None
        """The preview's sound, once it is a file."""
        self.preview_error: ReelyError | None = None
        self.preview_progress: Progress | None = None
        self._export: _Export | None = None

    # --- opening ---

    def open(self, text: str) -> None:
        """Open a link, a video or a project file in place of what is open. Ignored while a clip is made."""
        text = text.strip()
        if not text or self.state is State.WORKING:
            return
        self._forget()
        self.text = text
        self._enter(State.LOADING)
        self._runner.start(
            Task(
                "open",
                lambda progress, token: self._open(text, progress, token),
                on_success=self._opened,
                on_failure=self._open_failed,
                on_progress=self._progressed,
            )
        )

    def _open(self, text: str, progress: OnProgress, token: CancelToken) -> _Opened:
        """Off the GUI thread."""
        project = read_project(Path(text)) if is_project(text) else None
        return _Opened(self._ports.open(project.origin if project else text, progress, token), project)

    def _opened(self, opened: _Opened) -> None:
        self.source, self.project = opened.source, opened.project
        self._enter(State.READY)
        self.source_opened.emit(opened.source)
        self.load_preview()

    def _open_failed(self, error: ReelyError) -> None:
        if error.code == "cancelled":
            self._enter(State.EMPTY)
        else:
            self.error = error
            self._enter(State.FAILED)

    def load_preview(self) -> None:
        """Get what is scrubbed (again, after a failure)."""
        source = self.source
        if source is None:
            return
        self.preview_error = self.preview_progress = None
        self.preview_changed.emit()

        def work(progress: OnProgress, token: CancelToken) -> Preview:
            media = self._ports.preview(source, progress, token)
            try:
                token.raise_if_cancelled()
                with token.watching(media.stop):
                    frames = _open_frames(media.video)
            except ReelyError:
                media.close()
                token.raise_if_cancelled()
                raise
            return Preview(frames, media)

        self._runner.start(
            Task(
                "preview",
                work,
                on_success=self._previewed,
                on_failure=self._preview_failed,
                on_progress=self._preview_progressed,
                discard=_close_preview,
            )
        )

    def _previewed(self, preview: Preview) -> None:
        self.preview, self.preview_progress = preview, None
        audio = preview.media.audio
        self.sound = audio if isinstance(audio, Path) else None
        self.preview_changed.emit()
        if audio is not None and self.sound is None:
            self._runner.start(
                Task(
                    "sound",
                    lambda progress, token: self._ports.sound(preview.media, progress, token),
                    on_success=self._heard,
                    on_failure=lambda error: log.info("no sound: %s", error.code),
                )
            )

    def _heard(self, sound: Path | None) -> None:
        self.sound = sound
        self.sound_changed.emit()

    def _preview_failed(self, error: ReelyError) -> None:
        self.preview_error, self.preview_progress = error, None
        self.preview_changed.emit()

    def _preview_progressed(self, progress: Progress) -> None:
        self.preview_progress = progress
        self.preview_changed.emit()

    # --- trimming ---

    def export(self, edit: Edit, destination: Path, *, overwrite: bool) -> None:
        """Make the clip."""
        source = self.source
        if source is None or self.state is State.WORKING:
            return
        self._export = _Export(edit, destination, overwrite)
        self.error, self.clips, self.progress = None, [], None
        self._enter(State.WORKING)
        self._runner.start(
            Task(
                "trim",
                lambda progress, token: self._ports.trim(
                    source, edit, destination, overwrite=overwrite, progress=progress, token=token
                ),
                on_success=self._made,
                on_failure=self._trim_failed,
                on_progress=self._progressed,
            )
        )

    def _made(self, clips: list[Clip]) -> None:
        self.clips = clips
        self._enter(State.DONE)
        self.trimmed.emit()

    def _trim_failed(self, error: ReelyError) -> None:
        if error.code == "cancelled":
            self._enter(State.READY)
        else:
            self.error = error
            self._enter(State.FAILED)

    # --- what the user may do about it ---

    def cancel(self) -> None:
        """Stop the opening or the trimming."""
        if self.state is State.LOADING:
            self._runner.abandon("open")
            self._enter(State.EMPTY)
        elif self.state is State.WORKING and not self.cancelling:
            self.cancelling = True
            self.changed.emit()
            self._runner.cancel("trim")

    def retry(self, *, overwrite: bool = False) -> None:
        """Do what failed once more; `overwrite` if the user wants the existing file replaced."""
        if self.state is not State.FAILED:
            return
        if self.source is None:
            self.open(self.text)
        elif self._export is not None:
            again = self._export
            self.export(again.edit, again.destination, overwrite=overwrite or again.overwrite)

    def dismiss(self) -> None:
        """Back from a result or a failure to the source, or to the beginning where there is none."""
        if self.state in {State.DONE, State.FAILED}:
            self.error = None
            self._enter(State.READY if self.source else State.EMPTY)

    def close(self) -> None:
        """Let go of the preview; called once, after the runner was closed."""
        if self.preview is not None:
            _close_preview(self.preview)
            self.preview = None

    def _forget(self) -> None:
        self._runner.abandon("preview")
        self._runner.abandon("sound")
        self.source = self.project = None
        self.error = None
        self.clips = []
        self.preview_error = self.preview_progress = None
        self._export = None
        self.sound = None
        if (old := self.preview) is not None:
            self.preview = None
            self._runner.start(Task("close-preview", lambda _progress, _token: _close_preview(old)))
        self.preview_changed.emit()

    def _enter(self, state: State) -> None:
        self.state = state
        self.progress = None
        self.cancelling = False
        self.changed.emit()

    def _progressed(self, progress: Progress) -> None:
        self.progress = progress
        self.progressed.emit()


def _open_frames(media: Media | None) -> FrameServer | None:
    if media is None:
        return None
    try:
        return FrameServer(media, _PREVIEW_HEIGHT)
    except ReelyError as error:
        if error.code == "no-picture":
            return None
        raise


def _close_preview(preview: Preview) -> None:
    if preview.frames is not None:
        preview.frames.close()
    preview.media.close()
