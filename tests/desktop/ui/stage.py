"""The rest of the app as the window's tests need it: in memory, answering when and what a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray
from PySide6.QtGui import QColor, QImage, QImageWriter, QPainter

from desktop.errors import ReelyError
from desktop.hooks.job import GotTranscript, Listening, Words
from desktop.hooks.models import FoundHooks
from desktop.hooks.transcript import Transcript
from desktop.hooks.writing import write_transcript
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.media.frame_decoder import FrameIndex
from desktop.media.peaks import Peaks, make_peaks
from desktop.media.remote import MediaReader
from desktop.source.models import Chapter, Source, Storyboard, Stream, StreamKind
from desktop.source.preview_media import PreviewMedia
from desktop.trim.edit import Clip, Edit, MediaInput
from desktop.ui.ports import OnProgress
from tests.desktop.ui.stage_account import StageAccount
from tests.desktop.ui.stage_hooks import made_up_hooks
from tests.desktop.ui.stage_model import StageModel
from tests.desktop.ui.stage_transcript import made_up_transcript


class Gate:
    """A place where a port waits until the test lets it pass, or it is cancelled."""

    def __init__(self) -> None:
        self._passed = threading.Event()
        self._passed.set()
        self.reached = threading.Event()

    def shut(self) -> None:
        self._passed.clear()
        self.reached.clear()

    def open(self) -> None:
        self._passed.set()

    def pass_through(self, token: CancelToken) -> None:
        self.reached.set()
        with token.watching(self._passed.set):
            self._passed.wait()
        token.raise_if_cancelled()


def tile_color(tile: int) -> tuple[int, int, int]:
    """What tile number `tile` of a made-up storyboard is filled with."""
    return (40 + tile * 10 % 200, 255 - tile * 7 % 200, 90)


def sheet_picture(board: Storyboard, number: int) -> bytes:
    """A sheet as a PNG: each tile in the colour of its number."""
    sheet = QImage(board.width * board.columns, board.height * board.rows, QImage.Format.Format_RGB888)
    painter = QPainter(sheet)
    for at in range(board.rows * board.columns):
        x, y = at % board.columns * board.width, at // board.columns * board.height
        color = QColor(*tile_color(number * board.rows * board.columns + at))
        painter.fillRect(x, y, board.width, board.height, color)
    painter.end()
    written = QByteArray()
    buffer = QBuffer(written)
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    assert QImageWriter(buffer, QByteArray(b"png")).write(sheet)
    buffer.close()
    return bytes(written.data())


class LateSound:
    """Sound that is not a file until somebody has waited for it; only its end is written down."""

    name = "late"
    size = 1

    def __init__(self, path: Path) -> None:
        self.failure: ReelyError | None = None
        self.path = path
        self.gate = Gate()
        self.gate.shut()
        self.closed = False

    def open(self) -> MediaReader:
        raise AssertionError("nobody reads the sound but from its file")

    def frame_index(self) -> FrameIndex:
        raise AssertionError("sound has no pictures")

    def bring_all(self, progress: Callable[[float], None], token: CancelToken) -> Path:
        self.gate.pass_through(token)
        progress(1.0)
        return self.path

    def stop(self) -> None:
        """As `close`."""

    def close(self) -> None:
        self.closed = True


class StagePorts(StageAccount, StageModel):
    """Implements `desktop.ui.ports.Ports`. Failures are set as attributes; calls are written down."""

    def __init__(self, video: Path, folder: Path) -> None:
        super().__init__()
        self.video: Path | None = video
        self.sound_file: Path | None = None
        """A file of its own for the sound, where it is not in `video`."""
        self.late_sound: LateSound | None = None
        self.folder = folder
        self.gate = Gate()
        self.preview_gate = Gate()
        self.open_error: ReelyError | None = None
        self.preview_error: ReelyError | None = None
        self.hooks_gate = Gate()
        self.hooks_error: ReelyError | None = None
        self.hooks_found: FoundHooks | None = None
        self.hooks_wanted: list[str | None] = []
        self.words_gate = Gate()
        self.words_error: ReelyError | None = None
        self.words: GotTranscript | None = None
        """What captions have; None: a made-up transcript of the source's length."""
        self.languages_heard: list[str | None] = []
        self.listens: Listening | None = Listening(seconds=200, download=148_000_000)
        self.heard: GotTranscript = GotTranscript(transcript=None, notes=("Nobody speaks in this source.",))
        self.words_asked: list[str] = []
        self.trim_error: ReelyError | None = None
        self.duration = 6.0
        self.start_at = 0.0
        self.chapters: tuple[Chapter, ...] = ()
        self.storyboards: tuple[Storyboard, ...] = ()
        self.sheet_error: ReelyError | None = None
        self.sheets: list[tuple[int, int]] = []
        """Tile width and number of every sheet that was asked for."""
        self.progress: Progress | None = None
        self.opened: list[str] = []
        self.trimmed: list[tuple[Edit, Path, bool]] = []
        self.waveform_error: ReelyError | None = None

    def open(self, text: str, progress: OnProgress, token: CancelToken) -> Source:
        self._note()
        self.opened.append(text)
        progress(Progress(stage="extract", fraction=0.3, eta_seconds=2.0))
        self.gate.pass_through(token)
        if self.open_error:
            raise self.open_error
        return Source(
            origin=text,
            id="stage",
            title=f"A film about {text[-12:]}",
            channel="The stage",
            duration=self.duration,
            start_at=self.start_at,
            streams=(
                Stream(id="18", kind=StreamKind.MUXED, container="mp4", fps=30.0, width=320, height=180),
            ),
            chapters=self.chapters,
            storyboards=self.storyboards,
        )

    def preview(self, source: Source, progress: OnProgress, token: CancelToken) -> PreviewMedia:
        self._note()
        progress(Progress(stage="download", fraction=0.5))
        self.preview_gate.pass_through(token)
        if self.preview_error:
            raise self.preview_error
        return PreviewMedia(video=self.video, audio=self.late_sound or self.sound_file or self.video)

    def sound(self, preview: PreviewMedia, progress: OnProgress, token: CancelToken) -> Path | None:
        self._note()
        if preview.audio is None or isinstance(preview.audio, Path):
            return preview.audio
        return preview.audio.bring_all(lambda _fraction: None, token)

    def sheet(self, board: Storyboard, number: int, token: CancelToken) -> bytes:
        self._note()
        self.sheets.append((board.width, number))
        if self.sheet_error:
            raise self.sheet_error
        return sheet_picture(board, number)

    def waveform(
        self, source: Source, media: MediaInput, progress: OnProgress, token: CancelToken
    ) -> Peaks | None:
        self._note()
        if self.waveform_error:
            raise self.waveform_error
        assert media.audio is not None
        return make_peaks(media.audio)

    def trim(
        self,
        source: Source,
        edit: Edit,
        destination: Path,
        *,
        overwrite: bool,
        progress: OnProgress,
        token: CancelToken,
    ) -> list[Clip]:
        self._note()
        self.trimmed.append((edit, destination, overwrite))
        progress(Progress(stage="encode", fraction=0.4, eta_seconds=12.0))
        self.gate.pass_through(token)
        if self.trim_error:
            raise self.trim_error
        groups = [(each,) for each in edit.segments] if edit.separate else [edit.segments]
        clips = []
        for number, segments in enumerate(groups, start=1):
            path = destination.with_stem(f"{destination.stem} {number}") if edit.separate else destination
            path.write_bytes(b"clip")
            seconds = sum(each.duration for each in segments)
            clips.append(
                Clip(
                    path=path,
                    temporary=path,
                    start=segments[0].start,
                    end=segments[-1].end,
                    frames=round(seconds * 30),
                    duration=seconds,
                    mode=edit.mode,
                    reencoded_seconds=seconds,
                    bytes=4,
                )
            )
        return clips

    def hooks(
        self, source: Source, describe: str | None, progress: OnProgress, token: CancelToken
    ) -> FoundHooks:
        self._note()
        self.hooks_wanted.append(describe)
        progress(Progress(stage="words", fraction=0.3, eta_seconds=4.0))
        self.hooks_gate.pass_through(token)
        if self.hooks_error:
            raise self.hooks_error
        return self.hooks_found or made_up_hooks(self.duration)

    def transcript(
        self, source: Source, words: Words, progress: OnProgress, token: CancelToken
    ) -> GotTranscript:
        self._ask_for_words(words if words is Words.CAPTIONS else "captions", progress, token)
        return self.words or GotTranscript(transcript=made_up_transcript(self.duration), notes=())

    def listening(self, source: Source, language: str | None) -> Listening | None:
        self._note()
        return self.listens

    def listen(
        self, source: Source, language: str | None, progress: OnProgress, token: CancelToken
    ) -> GotTranscript:
        self.languages_heard.append(language)
        self._ask_for_words("speech", progress, token)
        return self.heard

    def _ask_for_words(self, how: str, progress: OnProgress, token: CancelToken) -> None:
        self._note()
        self.words_asked.append(how)
        stage = "listening" if how == "speech" else "words"
        progress(Progress(stage=stage, fraction=0.3, eta_seconds=90.0))
        self.words_gate.pass_through(token)
        if self.words_error:
            raise self.words_error

    def save_transcript(self, transcript: Transcript, path: Path, *, overwrite: bool) -> None:
        self._note()
        write_transcript(path, transcript, overwrite=overwrite)

    def suggest_name(self, source: Source, edit: Edit) -> Path:
        self._note()
        segment = edit.segments[0]
        return self.folder / f"film {segment.start:.2f}-{segment.end:.2f}.mp4"
