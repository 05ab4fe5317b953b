"""The project file: an edit, the source that it is of, and where the playhead stood, as a small JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from desktop.errors import Exit, ReelyError
from desktop.files import write_file
from desktop.trim.edit import Edit

SUFFIX = ".reely"
_LARGEST = 2**20  # bytes; a hundred segments take 6 kB
_VERSION: Literal[1] = 1


class Project(BaseModel):
    """What a project file holds. Times in seconds on the source's clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reely: Literal[1] = _VERSION
    """The version of the format."""
    origin: str = Field(min_length=1, max_length=4096)
    """The source's link, or the absolute path of a file."""
    title: str = Field(default="", max_length=1000)
    edit: Edit
    playhead: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class _Version(BaseModel):
    reely: int


def is_project(text: str) -> bool:
    """Whether what the user opens is a project file, by its name."""
    return text.lower().endswith(SUFFIX)


def write_project(path: Path, project: Project) -> None:
    """Write the file as a whole, in place of one that is there.

    Raises ReelyError `disk-full` or `cannot-write-file`.
    """
    write_file(path, project.model_dump_json(indent=2).encode() + b"\n")


def read_project(path: Path) -> Project:
    """Read a file; a source that has moved together with it is found beside it.

    Raises ReelyError `project-not-found`, `project-unreadable` or `project-newer`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ReelyError(
            "project-not-found",
            f"The project {path.name} cannot be opened ({error.strerror}).",
            "Check that it is still there and that you may read it.",
            Exit.SOURCE,
        ) from error
    try:
        project = Project.model_validate_json(content)
    except ValidationError as error:
        raise _newer(path) if _version(content) > _VERSION else _unreadable(path) from error
    beside = path.with_name(Path(project.origin).name)
    if Path(project.origin).is_absolute() and not Path(project.origin).exists() and beside.is_file():
        return project.model_copy(update={"origin": str(beside.absolute())})
    return project


def _version(content: bytes) -> int:
    try:
        return _Version.model_validate_json(content).reely
    except ValidationError:
        return 0


def _unreadable(path: Path) -> ReelyError:
    return ReelyError(
        "project-unreadable",
        f"{path.name} is not a Reely project, or it is damaged.",
        "Open the video itself, or an earlier copy of the project.",
        Exit.SOURCE,
    )


def _newer(path: Path) -> ReelyError:
    return ReelyError(
        "project-newer",
        f"{path.name} was saved by a newer version of Reely.",
        "Install the current version of Reely, then open it again.",
        Exit.SOURCE,
    )
