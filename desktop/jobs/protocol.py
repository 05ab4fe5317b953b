"""What a job's child process says: one JSON object a line on its standard output."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from desktop.errors import Exit, ReelyError


class Job(BaseModel):
    """Base of every job: plain data that says what to do. `kind` picks the function that does it.

    Faults in it are told without what stands in it, as a job may hold a secret.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)
    kind: str


class Progress(BaseModel):
    """How far the work is. `fraction` is 0..1 of the whole job; `eta_seconds` is the time left."""

    event: Literal["progress"] = "progress"
    stage: str
    fraction: float = Field(ge=0, le=1)
    eta_seconds: float | None = None


class Result(BaseModel):
    """The last line of a job that succeeded; `data` is the job function's answer as JSON."""

    event: Literal["result"] = "result"
    data: Any


class Failure(BaseModel):
    """The last line of a job that failed."""

    event: Literal["error"] = "error"
    code: str
    message: str
    hint: str
    exit: Exit = Exit.MEDIA

    @classmethod
    def of(cls, error: ReelyError) -> Failure:
        return cls(code=error.code, message=error.message, hint=error.hint, exit=error.exit)

    def to_error(self) -> ReelyError:
        return ReelyError(self.code, self.message, self.hint, self.exit)


Message = Annotated[Progress | Result | Failure, Field(discriminator="event")]


class Report(Protocol):
    """How job code tells its progress: `report("download", 0.4)`; time left is worked out by the worker.

    `fraction` is 0..1 of the whole job and never goes back. Calls are cheap (throttled by the worker).
    """

    def __call__(self, stage: str, fraction: float) -> None: ...
