"""The jobs of this room as data; what does them are `desktop.hooks.run` and `desktop.hooks.transcribe`."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from desktop.hooks.models import Wish
from desktop.hooks.transcript import Transcript
from desktop.jobs.protocol import Job
from desktop.source.models import Source


class Observable(BaseModel):
    """Files of a source: its sound, and its picture.

    `origin` is where the source's clock is 0, in seconds of the files; None: where they start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    sound: Path | None = None
    picture: Path | None = None
    origin: Fraction | None = None


class HooksJob(Job):
    """Find hooks in a source, in a transcript, or in a source with this transcript."""

    kind: Literal["hooks"] = "hooks"
    wish: Wish
    source: Source | None = None
    transcript: Path | None = None
    models: Path
    """The folder of downloaded models."""
    files: Observable = Observable()
    """What can be listened to and looked at."""
    offline: bool = False
    cache: Path | None = None
    """Where transcripts of sources are kept; None: nowhere."""


class Words(StrEnum):
    """Which words of a source are wanted."""

    BEST = "best"
    """Those that were kept or that captions have, else those that are heard."""
    CAPTIONS = "captions"
    """Those of the captions, whatever was heard and preferred before."""
    SPEECH = "speech"
    """Those that are heard, whatever the captions say; they are kept as preferred."""


class TranscriptJob(Job):
    """Get the words of a source; what is heard, is heard in `files.sound` if that is given."""

    kind: Literal["transcript"] = "transcript"
    source: Source
    language: str | None = None
    """What is spoken; None: what the source says, or what is heard."""
    words: Words = Words.BEST
    models: Path
    files: Observable = Observable()
    offline: bool = False
    cache: Path


class GotTranscript(BaseModel):
    """The words of a source; None where none are to be had, and then `notes` say why."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    transcript: Transcript | None
    notes: tuple[str, ...]


class Listening(BaseModel):
    """What it takes to listen to a source: about so many seconds, and bytes of a model that come first."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    seconds: float
    download: int
