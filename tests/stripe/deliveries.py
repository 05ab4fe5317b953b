"""Events on their way to the webhook: signed as Stripe does, and lost, late, doubled, shuffled on demand."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
import time
from dataclasses import dataclass, field

import requests

from tests.stripe.clock import Clock
from tests.stripe.protocol import Json, shown

RETRIES_AFTER_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Stripe goes on for three days; this is as much as a test can wait."""


@dataclass
class _Underway:
    event: Json
    tries: int = 0
    due: float = 0.0


@dataclass
class Deliveries:
    """The outbox. With a `webhook` it is emptied by a thread; without, events wait in `events()`."""

    clock: Clock
    secrets: list[str]
    webhook: str | None = None
    statuses: list[tuple[str, int]] = field(default_factory=list)
    """The type of each event that was sent, and how it was answered (0: not at all)."""
    _waiting: list[_Underway] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _drops: int = 0
    _doubles: int = 0
    _held: bool = False
    _busy: bool = False
    _ended: bool = False

    def emit(self, event: Json) -> None:
        with self._changed:
            if self._drops:
                self._drops -= 1
                return
            copies = 2 if self._doubles else 1
            self._doubles -= copies - 1
            self._waiting += [_Underway(event) for _ in range(copies)]
            self._changed.notify_all()

    def drop(self, times: int) -> None:
        """The next events never arrive."""
        with self._changed:
            self._drops += times

    def double(self, times: int) -> None:
        """The next events arrive twice."""
        with self._changed:
            self._doubles += times

    def hold(self) -> None:
        """Events wait from now on."""
        with self._changed:
            self._held = True

    def release(self, shuffled_by: int | None = None) -> None:
        """What waited is sent, in another order if a seed for it is given."""
        with self._changed:
            if shuffled_by is not None:
                random.Random(shuffled_by).shuffle(self._waiting)
            self._held = False
            self._changed.notify_all()

    def events(self) -> list[Json]:
        """Takes everything that waits, oldest first: the caller delivers it, or does not."""
        with self._changed:
            taken, self._waiting = [each.event for each in self._waiting], []
        return taken

    def signed(self, event: Json, *, at: int | None = None) -> tuple[bytes, dict[str, str]]:
        """The body and the headers of a delivery, signed with every secret."""
        body = json.dumps(shown(event, [], lambda _: None), indent=2).encode()
        at = int(self.clock().timestamp()) if at is None else at
        signatures = [
            "v1=" + hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
            for secret in self.secrets
        ]
        return body, {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": ",".join([f"t={at}", *signatures]),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }

    def send(self, event: Json) -> int:
        """Sends one event now; the status of the answer, 0 if there was none."""
        assert self.webhook is not None
        body, headers = self.signed(event)
        try:
            status = requests.post(self.webhook, data=body, headers=headers, timeout=30).status_code
        except requests.RequestException:
            status = 0
        with self._changed:
            self.statuses.append((event["type"], status))
        return status

    def settle(self, timeout: float = 30.0) -> None:
        """Waits until nothing is on its way; raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout):
                raise TimeoutError(f"events are still on their way; answers so far: {self.statuses[-5:]}")

    def run(self) -> None:
        """Sends what is to be sent, until ended: the thread's work."""
        while (underway := self._next()) is not None:
            status = self.send(underway.event)
            with self._changed:
                self._busy = False
                if not 200 <= status < 300 and underway.tries < len(RETRIES_AFTER_SECONDS):
                    underway.due = time.monotonic() + RETRIES_AFTER_SECONDS[underway.tries]
                    underway.tries += 1
                    self._waiting.append(underway)
                self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _next(self) -> _Underway | None:
        with self._changed:
            while not self._ended:
                first = min(self._waiting, key=lambda each: each.due, default=None)
                ready = first is not None and self.webhook is not None and not self._held
                rest = first.due - time.monotonic() if first is not None and ready else None
                if first is not None and rest is not None and rest <= 0:
                    self._waiting.remove(first)
                    self._busy = True
                    return first
                self._changed.wait(rest)
        return None
