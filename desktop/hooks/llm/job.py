"""The jobs that ask a language model, as data; what does them is `desktop.hooks.llm.run`.

A job is written to its child's standard input, a pipe: so the key is in no argument, environment or file.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_serializer

from desktop.hooks.llm.endpoint import Endpoint
from desktop.hooks.models import Evidence, Hook, Usage, Wish
from desktop.jobs.protocol import Job
from desktop.timecode import format_length


class _AskingJob(Job):
    endpoint: Endpoint
    key: SecretStr | None = None
    offline: bool = False

    @field_serializer("key", when_used="json")
    def _for_the_pipe(self, key: SecretStr | None) -> str | None:
        return key.get_secret_value() if key else None


class RerankJob(_AskingJob):
    """Rank hooks anew by a language model, from what they were ranked by before."""

    kind: Literal["rerank-hooks"] = "rerank-hooks"
    wish: Wish
    evidence: Evidence


class Reranked(BaseModel):
    """Hooks as a language model and Reely rank them together, best first."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    hooks: tuple[Hook, ...]
    notes: tuple[str, ...]
    usage: Usage


class TryModelJob(_AskingJob):
    """See whether a language model answers; it is asked for next to nothing."""

    kind: Literal["try-model"] = "try-model"


class Tried(BaseModel):
    """It does: so many seconds, and whether the answer had the form that was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    seconds: float
    usable: bool

    def in_words(self, model: str) -> str:
        said = f"{model} answered in {format_length(self.seconds)}"
        if self.usable:
            return f"{said}, with what it was asked for."
        return f"{said}, but not with what it was asked for: it may be too small to rank hooks."
