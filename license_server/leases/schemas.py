"""What the lease endpoints take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints
from pydantic_core import to_json

from license_server.schemas import Answer, Body, Sha256Hex, Token, is_none
from license_server.tiers.catalogue import Meter

Units = Annotated[int, Field(ge=0, le=10_000)]
MAX_SPENDS = 500
MAX_JOB_BYTES = 4096


def _rfc3339(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a time in RFC 3339") from None
    if moment.tzinfo is None or not text.isascii():
        raise ValueError("is not a time in RFC 3339")
    return text


def _small(job: JsonValue) -> JsonValue:
    text = to_json(job)
    if len(text) > MAX_JOB_BYTES:
        raise ValueError(f"is larger than {MAX_JOB_BYTES} bytes")
    if b"\\u0000" in text:
        raise ValueError("has control characters")
    return job


class Wants(Body):
    """Units of each meter that the device asks for; it may get fewer. Null asks for none that are counted."""

    trim: Units | None = 0
    hook_run: Units | None = 0

    def of(self, meter: Meter) -> int:
        return (self.trim if meter is Meter.TRIM else self.hook_run) or 0


class LeaseRequest(Body):
    """A request for a lease; the same `request_id` again gets the same lease again."""

    device_id: Token
    request_id: Token
    wants: Wants = Wants()


class SpendReport(Body):
    """One entry of the device's journal. `job` says what it was for, in the device's words."""

    spend_id: Token
    counter: Annotated[int, Field(ge=0, le=2**31 - 1)]
    meter: Literal["trim", "hook_run"]
    at: Annotated[str, StringConstraints(max_length=64), AfterValidator(_rfc3339)]
    prev_hash: Sha256Hex
    hash: Sha256Hex
    job: Annotated[JsonValue, AfterValidator(_small)] = None


class FailureReport(Body):
    """A job that failed, and so cost nothing; `spend_id` is what its spend would have been."""

    spend_id: Token
    meter: Literal["trim", "hook_run"]
    at: Annotated[str, StringConstraints(max_length=64), AfterValidator(_rfc3339)]
    job: Annotated[JsonValue, AfterValidator(_small)] = None


class Settlement(Body):
    """Spends to report, whether the rest is given back, and what the next lease should hold.

    Jobs that failed may be told of too, for the list of jobs and for webhooks; nothing is billed for them.
    """

    spends: Annotated[list[SpendReport], Field(max_length=MAX_SPENDS)] = Field(default=[])
    failures: Annotated[list[FailureReport], Field(max_length=MAX_SPENDS)] = Field(default=[])
    return_rest: bool = False
    wants: Wants | None = None


class LeaseAnswer(Answer):
    lease: str


class SpendResult(Answer):
    """What became of a reported spend; `reason` where it was rejected.

    `fork` and `beyond-grant` are billed all the same, for they were delivered; the others are not.
    """

    spend_id: str
    outcome: Literal["applied", "duplicate", "rejected"]
    reason: Literal["hash-mismatch", "spend-id-conflict", "fork", "beyond-grant"] | None = Field(
        default=None, exclude_if=is_none
    )


class SettleAnswer(Answer):
    results: list[SpendResult]
    receipt: str
    lease: str | None = Field(default=None, exclude_if=is_none)
