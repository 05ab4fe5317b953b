"""What the jobs of this room are asked and answer: plain data that costs nothing to import."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from desktop.jobs.protocol import Job
from desktop.source.cache import DEFAULT_LIMIT
from desktop.source.choose import Purpose
from desktop.source.links import VideoLink
from desktop.source.models import Source

__all__ = ["PATIENCE", "ExtractJob", "FetchJob", "FetchedMedia", "OpenFileJob", "Purpose", "Segment"]

PATIENCE = 20.0
"""Seconds without a byte after which a connection counts as dead."""

Segment = tuple[float, float]
"""Seconds [start, end) on the source's clock."""


class ExtractJob(Job):
    """Open a link. `cache` is the folder for what can be had again."""

    kind: Literal["extract"] = "extract"
    link: VideoLink
    cache: Path
    offline: bool = False
    patience: float = Field(default=PATIENCE, gt=0)


class OpenFileJob(Job):
    """Open a file."""

    kind: Literal["open-file"] = "open-file"
    path: Path


class FetchJob(Job):
    """Bring `source`'s streams for `purpose` onto disk, under `cache`, which may hold `cache_limit` bytes."""

    kind: Literal["fetch"] = "fetch"
    source: Source
    purpose: Purpose = Purpose.CLIP
    segments: tuple[Segment, ...] = ()
    """What is needed: [start, end) in seconds on the source's clock; empty for all of it."""
    from_keyframes: bool = False
    """Clips will begin at the keyframe before each segment, so sound is needed from there on."""
    max_height: int | None = Field(default=None, gt=0)
    cache: Path
    cache_limit: int = Field(default=DEFAULT_LIMIT, ge=0)
    offline: bool = False
    patience: float = Field(default=PATIENCE, gt=0)
    """Seconds without a byte after which a connection is opened anew."""


class FetchedMedia(BaseModel):
    """Local files with a source's picture and sound, or with the parts that were asked for, on one clock."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    video: Path | None
    audio: Path | None
    """The same path as `video` where one file holds both; None where there is no sound."""
    origin: Fraction | None = None
    """Where the source's clock is 0, in seconds of the files; None where they start with the source."""
    bytes_fetched: int
    """Bytes of media that came over the network for this job; 0 if all was there already."""
    streams: tuple[str, ...] = ()
    """The ids of the streams that were chosen."""
    notes: tuple[str, ...] = ()
    """What the user should know, in plain sentences (such as: why all of it had to be fetched)."""
