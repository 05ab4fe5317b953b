"""What the job `trim` is asked and answers: plain data that costs nothing to import."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from desktop.jobs.protocol import Job
from desktop.trim.edit import Clip, Edit, MediaInput
from desktop.trim.partials import owner_of_this_process


class TrimJob(Job):
    """Cut `edit` out of `media` into `targets`: one file, or one a segment where the edit says `separate`.

    `max_height` scales down what is encoded anew (lines as shown). `owner` is the process that asked and that
    will publish the clips; leave it to its default.
    """

    kind: Literal["trim"] = "trim"
    media: MediaInput
    edit: Edit
    targets: tuple[Path, ...] = Field(min_length=1)
    overwrite: bool = False
    max_height: int | None = Field(default=None, ge=2)
    title: str | None = None
    owner: str = Field(default_factory=owner_of_this_process)


class TrimResult(BaseModel):
    """The clips, in the order of the targets, still under their temporary names."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    clips: tuple[Clip, ...]
