"""What is said in the open source: getting it, the line at the playhead, cutting lines out, and saving it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.errors import ReelyError
from desktop.hooks.job import GotTranscript, Listening, Words
from desktop.hooks.lines import Line, cut_around, line_at, lines_of
from desktop.hooks.models import Origin
from desktop.hooks.transcript import Transcript
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.source.models import Source
from desktop.source.text import clip_name
from desktop.ui.models.search import Search
from desktop.ui.models.timeline import Timeline
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import OnProgress, TranscriptPorts

_LANE = "transcript"
_SAVE = "save-transcript"
_RECKON = "reckon-listening"

Measure = Callable[[Sequence[Line]], Sequence[int]]
"""The height of each line where it is shown, in pixels; called off the GUI thread."""


class Stage(Enum):
    UNKNOWN = auto()
    """Nobody has asked yet."""
    GETTING = auto()
    READY = auto()
    MISSING = auto()
    """There are none, and `notes` say why."""
    FAILED = auto()


@dataclass(frozen=True)
class _Answer:
    got: GotTranscript
    lines: tuple[Line, ...]
    heights: Sequence[int]
    listening: Listening | None


class SourceTranscript(QObject):
    """The transcript of the open source as lines; `line_changed` tells the number of the one that is said."""

    changed = Signal()
    line_changed = Signal()
    saved = Signal(object)
    """The path of the file."""
    save_failed = Signal(object)

    def __init__(
        self,
        ports: TranscriptPorts,
        runner: OperationRunner,
        timeline: Timeline,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self._timeline = timeline
        self._source: Source | None = None
        self._begin_again: Callable[[], None] = self.get
        self.measure: Measure = lambda lines: [0] * len(lines)
        self.search = Search(self)
        self.stage = Stage.UNKNOWN
        self.transcript: Transcript | None = None
        self.lines: tuple[Line, ...] = ()
        self.heights: Sequence[int] = ()
        self.line: int | None = None
        """The number of the line at the playhead; None before the first one."""
        self.notes: tuple[str, ...] = ()
        self.listening: Listening | None = None
        """What it would take to listen to the source; None where there is no sound, or nobody speaks."""
        self.language: str | None = None
        """What is spoken, for listening; None: what is heard."""
        self.progress: Progress | None = None
        self.cancelling = False
        self.error: ReelyError | None = None
        timeline.playhead_changed.connect(self._follow)

    # --- getting it ---

    def load(self, source: Source | None) -> None:
        """Begin with another source, about whose words nobody has asked yet."""
        self._runner.abandon(_LANE)
        self._runner.abandon(_RECKON)
        self._source = source
        self.language = None
        self.transcript, self.lines, self.heights, self.line = None, (), (), None
        self.notes, self.listening = (), None
        self.search.load(())
        self._enter(Stage.UNKNOWN)

    def want(self) -> None:
        """Somebody wants to see it: read it if that was not done yet."""
        if self.stage is Stage.UNKNOWN:
            self.get()

    def forget_absence(self) -> None:
        """Where there were no words, they are to be asked for again."""
        if self.stage in {Stage.MISSING, Stage.FAILED}:
            self._enter(Stage.UNKNOWN)

    def get(self) -> None:
        """Read what is kept or what the captions have."""
        self._start(self.get, lambda source, progress, token: self._read(source, Words.BEST, progress, token))

    def use_captions(self) -> None:
        """Read what the captions have, also where speech was recognised in spite of them."""
        self._start(
            self.use_captions,
            lambda source, progress, token: self._read(source, Words.CAPTIONS, progress, token),
        )

    def listen(self) -> None:
        """Recognise the speech; the model for it is downloaded first, where it is not there."""
        self._start(self.listen, self._hear)

    def speak(self, language: str | None) -> None:
        """Say what is spoken (None: nobody knows); what listening takes is reckoned anew."""
        source = self._source
        if source is None or language == self.language:
            return
        self.language = language
        self._runner.start(
            Task(
                _RECKON,
                lambda _progress, _token: self._ports.listening(source, language),
                on_success=self._reckoned,
                on_failure=lambda _error: None,  # it is told when somebody listens
            )
        )

    def try_again(self) -> None:
        """What failed, once more."""
        self._begin_again()

    def cancel(self) -> None:
        if self.stage is Stage.GETTING and not self.cancelling:
            self.cancelling = True
            self.changed.emit()
            self._runner.cancel(_LANE)

    @property
    def can_go_back(self) -> bool:
        """Whether there is anything to go back to, from a failure."""
        return bool(self.lines or self.notes)

    def dismiss(self) -> None:
        """After a failure, back to the words that were there, or to why there are none."""
        if self.stage is Stage.FAILED and self.can_go_back:
            self._enter(self._before)

    @property
    def _before(self) -> Stage:
        return Stage.READY if self.lines else Stage.MISSING

    def _start(
        self, again: Callable[[], None], work: Callable[[Source, OnProgress, CancelToken], _Answer]
    ) -> None:
        source = self._source
        if source is None or self.stage is Stage.GETTING:
            return
        self._begin_again = again
        self._enter(Stage.GETTING)
        self._runner.start(
            Task(
                _LANE,
                lambda progress, token: work(source, progress, token),
                on_success=self._got,
                on_failure=self._failed,
                on_progress=self._progressed,
            )
        )

    def _read(self, source: Source, words: Words, progress: OnProgress, token: CancelToken) -> _Answer:
        """Off the GUI thread, as `_hear`."""
        got = self._ports.transcript(source, words, progress, token)
        lines = _lines(got)
        listening = self._ports.listening(source, self.language)
        return _Answer(got, lines, self.measure(lines), listening)

    def _hear(self, source: Source, progress: OnProgress, token: CancelToken) -> _Answer:
        got = self._ports.listen(source, self.language, progress, token)
        lines = _lines(got)
        return _Answer(got, lines, self.measure(lines), self.listening if lines else None)

    def _reckoned(self, listening: Listening | None) -> None:
        self.listening = listening
        self.changed.emit()

    @property
    def has_captions(self) -> bool:
        """Whether there are captions that could be read instead of what was heard."""
        heard = self.transcript is not None and self.transcript.origin is Origin.SPEECH
        return heard and self._source is not None and bool(self._source.captions)

    def _got(self, answer: _Answer) -> None:
        if answer.got.transcript is None and self.lines:  # nobody speaks: what was there stays
            self.listening = None
            self._enter(Stage.READY)
            return
        self.transcript, self.notes = answer.got.transcript, answer.got.notes
        self.lines, self.heights, self.listening = answer.lines, answer.heights, answer.listening
        self.search.load([line.text for line in self.lines])
        self._enter(Stage.READY if self.lines else Stage.MISSING)
        self._follow(self._timeline.playhead)

    def _failed(self, error: ReelyError) -> None:
        if error.code == "cancelled" and self.can_go_back:
            self._enter(self._before)
        else:
            self._enter(Stage.FAILED, error)

    def _progressed(self, progress: Progress) -> None:
        self.progress = progress
        self.changed.emit()

    def _enter(self, stage: Stage, error: ReelyError | None = None) -> None:
        self.stage, self.error = stage, error
        self.progress = None
        self.cancelling = False
        self.changed.emit()

    # --- reading along, and cutting ---

    def seek(self, number: int) -> None:
        """Go to where a line begins."""
        self._timeline.seek(self.lines[number].start)

    def select(self, first: int, last: int) -> None:
        """The active segment becomes what is said from line `first` to line `last`."""
        self._timeline.select(*self._cut(first, last))

    def add(self, first: int, last: int) -> None:
        """What is said from line `first` to line `last` becomes a segment of the edit."""
        self._timeline.take(*self._cut(first, last))

    def length(self, first: int, last: int) -> float:
        """Seconds that a clip of these lines would last."""
        start, end = self._cut(first, last)
        return end - start

    def text(self, numbers: Iterable[int]) -> str:
        """These lines as plain text, a line each."""
        return "\n".join(self.lines[number].text for number in numbers)

    def _cut(self, first: int, last: int) -> tuple[float, float]:
        return cut_around(self.lines, first, last, self._timeline.duration)

    def _follow(self, playhead: float) -> None:
        """The line that is said before the picture at the playhead gives way to the next one."""
        until = math.nextafter(self._timeline.grid.first_end_after(playhead), 0)
        line = line_at(self.lines, max(playhead, until))
        if line != self.line:
            self.line = line
            self.line_changed.emit()

    # --- saving ---

    def save(self, path: Path, *, overwrite: bool) -> None:
        """Write it as SubRip, WebVTT or plain text, as the name says."""
        transcript = self.transcript
        if transcript is None:
            return
        self._runner.start(
            Task(
                _SAVE,
                lambda _progress, _token: self._ports.save_transcript(transcript, path, overwrite=overwrite),
                on_success=lambda _nothing: self.saved.emit(path),
                on_failure=self.save_failed.emit,
            )
        )

    def suggestion(self, folder: Path | None) -> Path:
        """A name in `folder` for the file; of a film on this computer beside it, where players find it."""
        source = self._source
        if source is not None and source.path is not None:
            return (folder or source.path.parent) / f"{source.path.stem}.srt"
        return (folder or Path.home()) / clip_name(source.title if source else "", ".srt")


def _lines(got: GotTranscript) -> tuple[Line, ...]:
    return lines_of(got.transcript) if got.transcript is not None else ()
