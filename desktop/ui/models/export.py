"""How and where the clip is written: mode, destination, and whether the user agreed to replace a file."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.errors import ReelyError
from desktop.source.models import Source
from desktop.trim.edit import Edit, Mode, Segment
from desktop.ui.models.timeline import Timeline
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import Ports

_LANE = "suggest-name"


class Delivery(Enum):
    """What becomes of several segments."""

    JOINED = auto()
    """One clip, in their order."""
    SEPARATE = auto()
    """A clip each."""


class Export(QObject):
    """Follows the timeline: the suggested name changes with the selection until the user names one.

    The suggestion comes a moment later, as it looks at the disk; `named` is emitted when it has come.
    """

    changed = Signal()
    named = Signal()

    def __init__(
        self, ports: Ports, runner: OperationRunner, timeline: Timeline, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self._timeline = timeline
        self._source: Source | None = None
        self._folder: Path | None = None
        self._chosen = False
        self._may_replace: Path | None = None
        self.mode = Mode.SMART
        self.delivery = Delivery.JOINED
        self.destination: Path | None = None
        timeline.history_changed.connect(self._suggest)

    def load(self, source: Source, folder: Path | None) -> None:
        """Begin with a source; `folder` (where the user saved last) replaces the suggested one."""
        self._source, self._folder = source, folder
        self._chosen, self._may_replace = False, None
        self.destination = None
        self._suggest()

    def set_mode(self, mode: Mode) -> None:
        if mode is not self.mode:
            self.mode = mode
            self.changed.emit()

    def set_delivery(self, delivery: Delivery) -> None:
        if delivery is not self.delivery:
            self.delivery = delivery
            self.changed.emit()

    def choose(self, destination: Path, *, replace: bool) -> None:
        """The user named a file; `replace` if they were asked and agreed to replace it."""
        self._runner.abandon(_LANE)
        self.destination = destination
        self._folder = destination.parent
        self._chosen = True
        self._may_replace = destination if replace else None
        self.changed.emit()
        self.named.emit()

    def suggest_again(self) -> None:
        """After a clip was written: the next one needs a name of its own."""
        self._chosen, self._may_replace = False, None
        self._suggest()

    @property
    def naming(self) -> bool:
        """Whether a suggestion is on its way, so that `destination` is of an earlier selection."""
        return self._runner.is_busy(_LANE)

    @property
    def may_replace(self) -> bool:
        # Of several clips the user saw one name only.
        alone = self.delivery is Delivery.JOINED or len(self._timeline.cuts.segments) == 1
        return alone and self.destination is not None and self._may_replace == self.destination

    @property
    def edit(self) -> Edit | None:
        """What is selected, as the edit to export."""
        segments = self._timeline.cuts.segments
        if self._source is None or not all(each.start < each.end for each in segments):
            return None
        return Edit(
            segments=tuple(Segment(start=each.start, end=each.end) for each in segments),
            mode=self.mode,
            separate=self.delivery is Delivery.SEPARATE and len(segments) > 1,
        )

    @property
    def clips(self) -> int:
        """How many clips it will be."""
        return len(self._timeline.cuts.segments) if self.delivery is Delivery.SEPARATE else 1

    def _suggest(self) -> None:
        source, edit = self._source, self.edit
        if self._chosen or source is None or edit is None:
            return
        self._runner.start(
            Task(
                _LANE,
                lambda _progress, _token: self._ports.suggest_name(source, edit),
                on_success=self._take,
                on_failure=self._give_up,
            )
        )

    def _take(self, suggestion: Path) -> None:
        self.destination = self._folder / suggestion.name if self._folder else suggestion
        self.changed.emit()
        self.named.emit()

    def _give_up(self, _error: ReelyError) -> None:
        """What is wrong with the folder is told when the clip is written; the last name stays."""
        self.named.emit()
