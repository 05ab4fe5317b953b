"""How and where the clip is written: mode, destination, and whether the user agreed to replace a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.source.models import Source
from desktop.trim.edit import Edit, Mode, Segment
from desktop.ui.models.timeline import Timeline
from desktop.ui.ports import Ports


class Export(QObject):
    """Follows the timeline: the suggested name changes with the selection until the user names one."""

    changed = Signal()

    def __init__(self, ports: Ports, timeline: Timeline, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ports = ports
        self._timeline = timeline
        self._source: Source | None = None
        self._folder: Path | None = None
        self._chosen = False
        self._may_replace: Path | None = None
        self.mode = Mode.SMART
        self.destination: Path | None = None
        timeline.history_changed.connect(self._suggest)

    def load(self, source: Source, folder: Path | None) -> None:
        """Begin with a source; `folder` (where the user saved last) replaces the suggested one."""
        self._source, self._folder = source, folder
        self._chosen, self._may_replace = False, None
        self._suggest()

    def set_mode(self, mode: Mode) -> None:
        if mode is not self.mode:
            self.mode = mode
            self._suggest()
            self.changed.emit()

    def choose(self, destination: Path, *, replace: bool) -> None:
        """The user named a file; `replace` if they were asked and agreed to replace it."""
        self.destination = destination
        self._folder = destination.parent
        self._chosen = True
        self._may_replace = destination if replace else None
        self.changed.emit()

    def allow_replacing(self) -> None:
        """The user was told that the file exists, and wants it replaced."""
        self._may_replace = self.destination

    def suggest_again(self) -> None:
        """After a clip was written: the next one needs a name of its own."""
        self._chosen, self._may_replace = False, None
        self._suggest()

    @property
    def folder(self) -> Path | None:
        """Where the user saved last, if they chose."""
        return self._folder

    @property
    def may_replace(self) -> bool:
        return self.destination is not None and self._may_replace == self.destination

    @property
    def edit(self) -> Edit | None:
        """What is selected, as the edit to export."""
        selection = self._timeline.selection
        if self._source is None or not selection.start < selection.end:
            return None
        return Edit(segments=(Segment(start=selection.start, end=selection.end),), mode=self.mode)

    def _suggest(self) -> None:
        edit = self.edit
        if self._chosen or self._source is None or edit is None:
            return
        suggestion = self._ports.suggest_name(self._source, edit)
        self.destination = self._folder / suggestion.name if self._folder else suggestion
        self.changed.emit()
