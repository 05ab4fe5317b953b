"""The window put together with the rest: the workflow behind the window's ports."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import platformdirs

from desktop.account_ports import WorkflowAccountPorts
from desktop.errors import ReelyError
from desktop.hooks.job import GotTranscript, Listening, Words
from desktop.hooks.models import FoundHooks, Wish
from desktop.hooks.transcript import Transcript
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.progress import ProgressWriter
from desktop.log import log_to_file
from desktop.media.peaks import Peaks, peaks_from_bytes
from desktop.model_ports import WorkflowModelPorts
from desktop.scheme import register_scheme
from desktop.settings import Settings
from desktop.source.models import Source, Storyboard
from desktop.source.preview_media import PreviewMedia
from desktop.source.storyboards import Storyboards
from desktop.trim.edit import Clip, Edit, MediaInput
from desktop.ui import ports as ui
from desktop.ui.application import run
from desktop.workflow import Workflow

logger = logging.getLogger(__name__)


def run_app(text: str | None, *, quit_when_shown: bool = False) -> int:
    """Show the window until it is closed, with `text` (a link or a path) opened in it. Returns the exit code.

    With `quit_when_shown` it closes by itself: 0 once the source's first picture is shown, 1 on a failure.
    """
    settings = Settings.from_environment()
    log_to_file(settings.log)
    with Workflow(settings) as workflow:
        ports = WorkflowPorts(workflow, Storyboards(settings.cache, offline=settings.offline))
        # Beside the opening window: it may need keyring and disk.
        beginning = threading.Thread(target=ports.begin, name="beginning", daemon=True)
        beginning.start()
        code = run(ports, settings.home, text or "", quit_when_shown=quit_when_shown)
        beginning.join()
    return code


class WorkflowPorts(WorkflowAccountPorts, WorkflowModelPorts):
    """`desktop.ui.ports.Ports`, done by the workflow."""

    def __init__(self, workflow: Workflow, storyboards: Storyboards) -> None:
        super().__init__(workflow)
        self._storyboards = storyboards

    def open(self, text: str, progress: ui.OnProgress, token: CancelToken) -> Source:
        return self._workflow.open(text, ProgressWriter(progress), token)

    def preview(self, source: Source, progress: ui.OnProgress, token: CancelToken) -> PreviewMedia:
        return self._workflow.preview(source, ProgressWriter(progress), token)

    def sound(self, preview: PreviewMedia, progress: ui.OnProgress, token: CancelToken) -> Path | None:
        return self._workflow.sound(preview, ProgressWriter(progress), token)

    def sheet(self, board: Storyboard, number: int, token: CancelToken) -> bytes:
        return self._storyboards.sheet(board, number, token)

    def waveform(
        self, source: Source, media: MediaInput, progress: ui.OnProgress, token: CancelToken
    ) -> Peaks | None:
        content = self._workflow.waveform(source, media, ProgressWriter(progress), token)
        return peaks_from_bytes(content) if content is not None else None

    def trim(
        self,
        source: Source,
        edit: Edit,
        destination: Path,
        *,
        overwrite: bool,
        progress: ui.OnProgress,
        token: CancelToken,
    ) -> list[Clip]:
        report = ProgressWriter(progress)
        done = self._workflow.trim(source, edit, destination, overwrite=overwrite, report=report, token=token)
        return list(done.clips)

    def hooks(
        self, source: Source, describe: str | None, progress: ui.OnProgress, token: CancelToken
    ) -> FoundHooks:
        report = ProgressWriter(progress)
        return self._workflow.hooks(source, Wish(describe=describe), report=report, token=token).found

    def transcript(
        self, source: Source, words: Words, progress: ui.OnProgress, token: CancelToken
    ) -> GotTranscript:
        return self._workflow.transcripts.read(source, None, ProgressWriter(progress), token, words=words)

    def listening(self, source: Source, language: str | None) -> Listening | None:
        return self._workflow.transcripts.listening(source, language)

    def listen(
        self, source: Source, language: str | None, progress: ui.OnProgress, token: CancelToken
    ) -> GotTranscript:
        report = ProgressWriter(progress)
        return self._workflow.transcripts.listen(source, language, report, token, words=Words.SPEECH)

    def save_transcript(self, transcript: Transcript, path: Path, *, overwrite: bool) -> None:
        self._workflow.transcripts.save(transcript, path, overwrite=overwrite)

    def suggest_name(self, source: Source, edit: Edit) -> Path:
        return self._workflow.suggest_name(source, edit, _clip_folder())

    def begin(self) -> None:
        """Get ready, and put right what a killed run left.

        A failure here is met again, with words, at the next trim.
        """
        try:
            register_scheme()
            self._workflow.prepare()
            # What the first preview of a link needs, yt-dlp's networking among it.
            import desktop.source.preview  # noqa: F401, PLC0415

            for clip in self._workflow.recover():
                logger.info("finished a clip of an earlier run: %s", clip.name)
            self._workflow.account().settle()
        except ReelyError as error:
            logger.warning("recovery has to wait: %s", error.code)


def _clip_folder() -> Path:
    """Where clips go unless the user chooses: the folder for videos, or home where there is none."""
    videos = Path(platformdirs.user_videos_dir())
    return videos if videos.is_dir() else Path.home()
