"""Troubles of the API on demand, and answers that are kept for who asks again."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field

from tests.stripe.protocol import ApiError, Json


@dataclass
class Fault:
    """What befalls some calls.

    `status`: this answer instead of doing anything. `kept`: it is also what the idempotency key answers from
    then on, as Stripe's own failures are. `unanswered`: the call is done, but the connection ends before the
    answer. `seconds`: how long the answer takes.
    """

    call: re.Pattern[str]
    times: int
    status: int | None = None
    kept: bool = False
    unanswered: bool = False
    seconds: float = 0.0


class Faults:
    """The troubles that are to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def of(self, method: str, path: str) -> Fault | None:
        """The trouble of this call, which is used up by it."""
        for fault in self._faults:
            if fault.times and fault.call.search(f"{method} {path}"):
                fault.times -= 1
                return fault
        return None


@dataclass
class _Kept:
    call: str
    done: threading.Event = field(default_factory=threading.Event)
    status: int = 0
    body: Json = field(default_factory=dict)


class IdempotencyKeys:
    """Answers by idempotency key: the same call again gets the same answer, another one is refused."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def begin(self, key: str, call: str) -> tuple[int, Json] | None:
        """The answer that the key had before; None if it is new, and `finish` or `forget` has to follow."""
        known = self._kept.get(key)
        if known is None:
            self._kept[key] = _Kept(call)
            return None
        if known.call != call:
            raise ApiError(
                400,
                "Keys for idempotent requests can only be used with the parameters of their first use.",
                type="idempotency_error",
            )
        if not known.done.is_set():
            raise ApiError(
                409,
                "There is currently another in-progress request using this key.",
                code="idempotency_key_in_use",
            )
        return known.status, known.body

    def finish(self, key: str, status: int, body: Json) -> None:
        kept = self._kept[key]
        kept.status, kept.body = status, body
        kept.done.set()

    def forget(self, key: str) -> None:
        del self._kept[key]
