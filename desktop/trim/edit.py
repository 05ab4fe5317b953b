"""The edit as plain data: which parts of a source make a clip, and how."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Mode(StrEnum):
    SMART = "smart"
    """Frame-exact, re-encoding only what must be."""
    COPY = "copy"
    """No re-encoding; starts at the keyframe at or before the in point."""
    EXACT = "exact"
    """Frame-exact, everything re-encoded."""


class Segment(_Frozen):
    """The half-open range [start, end) on the source's clock, in seconds."""

    start: float = Field(ge=0)
    end: float

    @model_validator(mode="after")
    def _ordered(self) -> Segment:
        if not self.start < self.end:
            raise ValueError("a segment ends after it starts")
        return self

    @property
    def duration(self) -> float:
        return self.end - self.start


class Edit(_Frozen):
    """An ordered list of segments with export options."""

    segments: tuple[Segment, ...] = Field(min_length=1)
    mode: Mode = Mode.SMART
    separate: bool = False
    """One clip a segment instead of one joined clip."""


class MediaInput(_Frozen):
    """The local file or files that hold a source's picture and sound on one clock."""

    video: Path | None
    audio: Path | None
    """The same path as `video` where one file holds both; None where there is no sound."""
    origin: Fraction | None = None
    """Where the source's clock is 0, in seconds of the files; None where they start with the source."""


class Clip(_Frozen):
    """A clip that is written, verified and fsynced, but still under its temporary name.

    `start` and `end` are what the clip covers on the source's clock: in mode `copy` that is earlier than
    asked by `early` seconds. `publish` gives it its real name.
    """

    path: Path
    """The real name it is meant for."""
    temporary: Path
    """Where it is now: on the same volume, in the same folder as `path`."""
    start: float
    end: float
    frames: int
    """Coded pictures in the clip; 0 for audio only."""
    duration: float
    mode: Mode
    """How it was cut in the end."""
    reencoded_seconds: float
    early: float = 0.0
    bytes: int
    notes: tuple[str, ...] = ()
    """What the user should know, in plain sentences (such as: why everything was re-encoded)."""
