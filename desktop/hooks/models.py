"""What hooks are asked for with, and what is answered."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Origin(StrEnum):
    """Where the words come from."""

    FILE = "file"
    CAPTIONS = "captions"
    """Written by people."""
    AUTOMATIC = "automatic-captions"
    SPEECH = "speech-recognition"


class Wish(_Frozen):
    """What the user wants. Times in seconds."""

    count: int = Field(default=5, ge=1, le=50)
    shortest: float = Field(default=15.0, ge=1.0)
    longest: float = Field(default=60.0, le=3600.0)
    language: str | None = None
    describe: str | None = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def _in_order(self) -> Wish:
        if self.shortest > self.longest:
            raise ValueError("the shortest hook is longer than the longest")
        return self


class Reason(_Frozen):
    """One reason for a hook: `weight` is the share of the signal in what speaks for it, 0 to 1."""

    signal: str
    weight: float
    note: str
    by: str | None = None
    """The language model whose words `note` is; None: Reely's own."""


class Hook(_Frozen):
    """A segment worth cutting. Times in seconds on the source's clock, `score` 0 to 100."""

    start: float
    end: float
    score: float
    title: str
    reasons: tuple[Reason, ...]
    text: str
    title_by: str | None = None
    """The language model that wrote the title; None: it is made of what is said."""


class TranscriptOrigin(_Frozen):
    """Where the words came from."""

    origin: Origin
    language: str | None


class Line(_Frozen):
    """A sentence; times in seconds. `sure_start` and `sure_end`: whether they were told, not reckoned."""

    start: float
    end: float
    text: str
    sure_start: bool = True
    sure_end: bool = True


class Evidence(_Frozen):
    """What hooks were ranked by, enough to rank them anew without looking at the source again.

    `curves` has for each signal its value for every line; `duration` and `shots` are in seconds.
    """

    lines: tuple[Line, ...]
    duration: float
    shots: tuple[float, ...]
    curves: dict[str, tuple[float, ...]]


class Usage(_Frozen):
    """What a language model was asked: tokens as the endpoint counts them, 0 where it does not."""

    model: str
    host: str
    requests: int
    sent: int
    answered: int
    cost: float | None = None
    """US dollars, where the price is known."""


class FoundHooks(_Frozen):
    """Hooks, best first; `notes` say what was missing, and always why there are none."""

    hooks: tuple[Hook, ...]
    transcript: TranscriptOrigin | None
    notes: tuple[str, ...]
    evidence: Evidence | None = Field(default=None, repr=False)
    """None where there are no hooks, or nobody speaks."""
    usage: Usage | None = None
    """What a language model was asked, where one has ranked them."""
