"""The project file behind the edit: whether there is one, whether it is up to date, and saving it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.errors import ReelyError
from desktop.project import SUFFIX, Project, write_project
from desktop.source.models import Source
from desktop.trim.edit import Edit
from desktop.ui.models.export import Delivery, Export
from desktop.ui.models.timeline import Timeline
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.preferences import Recent


class Document(QObject):
    """`path` is None until the edit was saved once; `saved` is emitted when it has been.

    `opened` tells, as a `Recent`, what it is that is open: a source, or from its first saving on a project.
    """

    changed = Signal()
    saved = Signal()
    opened = Signal(object)
    failed = Signal(object)

    def __init__(
        self, runner: OperationRunner, timeline: Timeline, export: Export, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._timeline = timeline
        self._export = export
        self._source: Source | None = None
        self._kept: Edit | None = None
        self.path: Path | None = None
        timeline.history_changed.connect(self.changed)
        export.changed.connect(self.changed)

    def load(self, source: Source, project: Project | None, path: Path | None) -> None:
        """Begin with a source that was just opened, as its project file left it, where there is one.

        To be called when timeline and export have been loaded.
        """
        self._source, self.path = source, path
        if project is not None:
            edit = project.edit
            self._export.set_mode(edit.mode)
            self._export.set_delivery(Delivery.SEPARATE if edit.separate else Delivery.JOINED)
            self._timeline.restore([(each.start, each.end) for each in edit.segments])
            self._timeline.seek(project.playhead)
        self.settle()
        self._tell(source)

    def leave(self) -> None:
        """Something else is being opened."""
        self._source = self.path = None
        self.changed.emit()

    def settle(self) -> None:
        """What the edit is now is taken for what is in the file: its ends have moved onto pictures."""
        self._kept = self._export.edit
        self.changed.emit()

    @property
    def there(self) -> bool:
        """Whether there is an edit that can be saved."""
        return self._source is not None and self._export.edit is not None

    @property
    def title(self) -> str:
        """What to call it; a dot before a project that has changed. Empty while nothing is open."""
        if self._source is None:
            return ""
        name = self.path.stem if self.path is not None else self._source.title
        return f"● {name}" if self.modified else name

    @property
    def modified(self) -> bool:
        """Whether there is a project file and it holds something else than the edit."""
        return self.path is not None and self._export.edit != self._kept

    def suggestion(self, folder: Path | None) -> Path:
        """Where to save it, unless the user names something else."""
        if self.path is not None:
            return self.path
        clip = self._export.destination
        return (folder or (clip.parent if clip else Path.home())) / f"{clip.stem if clip else 'clip'}{SUFFIX}"

    def save(self, path: Path) -> None:
        """Write the project; it is the file of this edit from then on."""
        source, edit = self._source, self._export.edit
        if source is None or edit is None:
            return
        path = path if path.suffix.lower() == SUFFIX else path.with_name(path.name + SUFFIX)
        project = Project(
            origin=source.origin, title=source.title[:1000], edit=edit, playhead=self._timeline.playhead
        )

        def done(_nothing: None) -> None:
            self.path, self._kept = path, edit
            self.changed.emit()
            self._tell(source)
            self.saved.emit()

        self._runner.start(
            Task(
                "save-project",
                lambda _progress, _token: write_project(path, project),
                on_success=done,
                on_failure=self._told,
            )
        )

    def _tell(self, source: Source) -> None:
        path = self.path
        title = path.stem if path is not None else source.title
        self.opened.emit(Recent(text=str(path or source.origin), title=title))

    def _told(self, error: ReelyError) -> None:
        self.failed.emit(error)
