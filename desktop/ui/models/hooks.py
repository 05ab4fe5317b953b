"""Finding hooks, and which of them the user looks at."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import QObject, Signal

from desktop.errors import ReelyError
from desktop.hooks.models import FoundHooks, Hook
from desktop.jobs.protocol import Progress
from desktop.source.models import Source
from desktop.ui.models.grid import Selection
from desktop.ui.models.marks import Mark, Marks
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import Ports

_LANE = "hooks"


class Stage(Enum):
    IDLE = auto()
    FINDING = auto()
    FOUND = auto()
    FAILED = auto()


class Hooks(QObject):
    """The hooks of the open source; the marks on the timeline are theirs, number by number.

    `found` is emitted when a run has ended well, as that costs a unit.
    """

    changed = Signal()
    found = Signal()
    failed = Signal()

    def __init__(
        self, ports: Ports, runner: OperationRunner, marks: Marks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self._marks = marks
        self._source: Source | None = None
        self.wanted: str | None = None
        """What the moments shall be about, as it was asked for last."""
        self.answer: FoundHooks | None = None
        self.stage = Stage.IDLE
        self.progress: Progress | None = None
        self.cancelling = False
        self.error: ReelyError | None = None

    @property
    def hooks(self) -> tuple[Hook, ...]:
        return self.answer.hooks if self.answer else ()

    @property
    def notes(self) -> tuple[str, ...]:
        return self.answer.notes if self.answer else ()

    def load(self, source: Source | None) -> None:
        """Begin with another source."""
        self._runner.abandon(_LANE)
        self._source = source
        self.answer = None
        self._enter(Stage.IDLE)

    def find(self, describe: str = "") -> None:
        """Look for hooks; `describe` says what the moments shall be about, if anything."""
        source = self._source
        if source is None or self.stage is Stage.FINDING:
            return
        self.wanted = wanted = describe.strip() or None
        self._enter(Stage.FINDING)
        self._runner.start(
            Task(
                _LANE,
                lambda progress, token: self._ports.hooks(source, wanted, progress, token),
                on_success=self._found,
                on_failure=self._failed,
                on_progress=self._progressed,
            )
        )

    def find_again(self) -> None:
        """As the last time, after a failure or a refusal."""
        self.find(self.wanted or "")

    def cancel(self) -> None:
        """Stop looking; what was found before stays."""
        if self.stage is Stage.FINDING and not self.cancelling:
            self.cancelling = True
            self.changed.emit()
            self._runner.cancel(_LANE)

    def dismiss_error(self) -> None:
        if self.stage is Stage.FAILED:
            self._enter(Stage.FOUND if self.answer else Stage.IDLE)

    def improve(self, answer: FoundHooks) -> None:
        """The same hooks in a better order, and with better words; what was chosen or adjusted stays so."""
        if self.stage is not Stage.FOUND or self.answer is None:
            return
        adjusted = {
            (hook.start, hook.end): (number, mark.range)
            for number, (hook, mark) in enumerate(zip(self.answer.hooks, self._marks.marks, strict=False))
        }
        marks, chosen = [], None
        for number, hook in enumerate(answer.hooks):
            before, range_ = adjusted.get((hook.start, hook.end), (None, Selection(hook.start, hook.end)))
            marks.append(_mark(hook, range_))
            if before is not None and before == self._marks.chosen:
                chosen = number
        self.answer = answer
        self._enter(Stage.FOUND)
        self._marks.show(marks, chosen)

    def _found(self, answer: FoundHooks) -> None:
        self.answer = answer
        self._enter(Stage.FOUND)
        self._marks.show(_mark(hook, Selection(hook.start, hook.end)) for hook in answer.hooks)
        if answer.hooks:
            self._marks.choose(0)
        self.found.emit()

    def _failed(self, error: ReelyError) -> None:
        if error.code == "cancelled":
            self._enter(Stage.FOUND if self.answer else Stage.IDLE)
            return
        self._enter(Stage.FAILED)
        self.error = error
        self.changed.emit()
        self.failed.emit()

    def _progressed(self, progress: Progress) -> None:
        self.progress = progress
        self.changed.emit()

    def _enter(self, stage: Stage) -> None:
        self.stage = stage
        self.error = self.progress = None
        self.cancelling = False
        self.changed.emit()


def _mark(hook: Hook, range_: Selection) -> Mark:
    return Mark(start=range_.start, end=range_.end, score=hook.score, title=hook.title)
