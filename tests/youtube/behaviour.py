"""How the stand-in misbehaves on demand, and what it remembers of every request."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, fields

from tests.youtube.site import Kind


@dataclass(frozen=True)
class Misbehaviour:
    """Troubles of one response; None is none. Byte counts are of that response's body.

    `latency`: seconds before the answer. `bytes_per_second`: how fast a connection's body flows.
    `stall_after`: bytes after which nothing more comes. `drop_after`: bytes after which the connection is
    cut. `status`: this HTTP status instead of the answer. `ranges`: False answers a Range request with the
    whole file.
    """

    latency: float | None = None
    bytes_per_second: float | None = None
    stall_after: int | None = None
    drop_after: int | None = None
    status: int | None = None
    ranges: bool | None = None


@dataclass
class _Rule:
    kinds: tuple[Kind, ...]
    video_id: str | None
    itag: int | None
    left: int | None
    misbehaviour: Misbehaviour


class Behaviours:
    """The rules in force. Later rules win over earlier ones, field by field."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []

    def add(
        self,
        misbehaviour: Misbehaviour,
        kinds: tuple[Kind, ...],
        video_id: str | None,
        itag: int | None,
        times: int | None,
    ) -> None:
        with self._lock:
            self._rules.append(_Rule(kinds, video_id, itag, times, misbehaviour))

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def for_request(self, kind: Kind, video_id: str | None, itag: int | None) -> Misbehaviour:
        """What befalls this request; rules of limited `times` are used up by it."""
        chosen: dict[str, object] = {}
        with self._lock:
            for rule in self._rules:
                if rule.kinds and kind not in rule.kinds:
                    continue
                if rule.video_id not in (None, video_id) or rule.itag not in (None, itag) or rule.left == 0:
                    continue
                if rule.left is not None:
                    rule.left -= 1
                for each in fields(rule.misbehaviour):
                    value = getattr(rule.misbehaviour, each.name)
                    if value is not None:
                        chosen[each.name] = value
        return Misbehaviour(**chosen)  # type: ignore[arg-type]


@dataclass
class Exchange:
    """A request and what came of it.

    `bytes_sent` counts the body's bytes handed to the network; a client that hangs up may have read less.

    `range` is the first and last byte that were asked for, None for the whole.
    """

    method: str
    host: str
    path: str
    query: str
    kind: Kind
    video_id: str | None
    itag: int | None
    agent: str
    range: tuple[int, int] | None = None
    status: int = 0
    bytes_sent: int = 0
    done: bool = False


@dataclass
class Log:
    """What was asked and sent; safe to read from any thread.

    A client may have its last byte before the stand-in has noted the end: `settle` waits for that.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    refused_hosts: list[str] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    """Errors of the stand-in itself; the fixture fails a test that finds one."""
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, exchange: Exchange) -> None:
        with self._changed:
            self.exchanges.append(exchange)

    def sending(self, exchange: Exchange, count: int) -> None:
        with self._changed:
            exchange.bytes_sent += count

    def end(self, exchange: Exchange) -> None:
        with self._changed:
            exchange.done = True
            self._changed.notify_all()

    def refused(self, host: str) -> None:
        with self._changed:
            self.refused_hosts.append(host)

    def fault(self, error: BaseException) -> None:
        with self._changed:
            self.faults.append(error)

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until no response is under way; raises TimeoutError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: all(one.done for one in self.exchanges), timeout):
                raise TimeoutError("a response is still under way")

    def of(self, *kinds: Kind, video_id: str | None = None, itag: int | None = None) -> list[Exchange]:
        """The exchanges of these kinds (all, where none is named), in the order they were asked."""
        with self._changed:
            return [
                one
                for one in self.exchanges
                if (not kinds or one.kind in kinds)
                and video_id in (None, one.video_id)
                and itag in (None, one.itag)
            ]

    def media_bytes(self, video_id: str | None = None) -> dict[int, int]:
        """Bytes of media sent, by itag, of one video or of all."""
        totals: Counter[int] = Counter()
        for one in self.of(Kind.MEDIA, video_id=video_id):
            if one.itag is not None:
                totals[one.itag] += one.bytes_sent
        return dict(totals)

    def bytes_sent(self, *kinds: Kind) -> int:
        """Bytes of body sent in all, of these kinds or of every kind."""
        return sum(one.bytes_sent for one in self.of(*kinds))

    def clear(self) -> None:
        """Forget what is over."""
        with self._changed:
            self.exchanges = [one for one in self.exchanges if not one.done]
            self.refused_hosts.clear()
