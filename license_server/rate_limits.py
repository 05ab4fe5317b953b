"""How often an address and an account may call: counted in Redis for all processes, or in memory.

`limits` reads the notation; counting with it would ask Redis once for each limit. Flask-Limiter on top of it
was left out, for it took longer than the rest of a small request, and wrote addresses into the log.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from typing import Literal, TypeAlias

from flask import Flask, current_app, request
from limits import RateLimitItem, parse_many
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from license_server.accounts.access_tokens import keyed_digest
from license_server.config import Config, RateLimits
from license_server.errors import TooManyRequests
from license_server.logs import log
from license_server.proxies import network_of

REDIS_SECONDS = 0.5
"""How long a request waits for Redis at most."""
REST_AFTER_FAILURE_SECONDS = 5.0
"""How long Redis is left alone after it did not answer."""

Redundancy = Literal["ok", "failing", "unused"]
Counter: TypeAlias = tuple[str, int]
"""What is counted under, and after how many seconds it is forgotten."""
Counted: TypeAlias = tuple[int, float]
"""Calls so far, and the seconds until they are forgotten."""


class RateLimiter:
    """Counts calls by what they are counted under; a key is never an address or an account in clear."""

    def __init__(self, rates: RateLimits, redis_url: str | None) -> None:
        self._items: dict[str, list[RateLimitItem]] = {
            name: parse_many(rate) for name, rate in rates.model_dump().items()
        }
        self._memory = _Memory()
        self._redis = _Shared(redis_url) if redis_url else None
        self._resting_until = 0.0

    def count(self, *calls: tuple[str, str]) -> None:
        """Counts one call under limits of these names, each with its key. Raises `TooManyRequests`."""
        items = [(item, key) for limit, key in calls for item in self._items[limit]]
        counters = [(item.key_for(key), item.get_expiry()) for item, key in items]
        counted = self._count(counters)
        over = [
            left
            for (item, _), (calls_made, left) in zip(items, counted, strict=True)
            if calls_made > item.amount
        ]
        if over:
            wait = max(1, math.ceil(max(over)))
            problem = TooManyRequests(f"Try again in {wait} {'second' if wait == 1 else 'seconds'}.")
            problem.headers["Retry-After"] = str(wait)
            raise problem

    def redis_state(self) -> Redundancy:
        """Whether Redis answers now; "unused" where none is configured."""
        if self._redis is None:
            return "unused"
        return "ok" if self._redis.answers() else "failing"

    def close(self) -> None:
        """Gives back the connections."""
        if self._redis is not None:
            self._redis.close()

    def _count(self, counters: Sequence[Counter]) -> list[Counted]:
        if self._redis is not None and time.monotonic() >= self._resting_until:
            try:
                return self._redis.count(counters)
            except RedisError as error:
                self._resting_until = time.monotonic() + REST_AFTER_FAILURE_SECONDS
                log.warning("rate-limits-in-memory", error=type(error).__name__)
        return self._memory.count(counters)


class _Shared:
    """Counters of all processes, in Redis; a call is one question, however many limits hold for it."""

    _SCRIPT = """
    local counted = {}
    for i, key in ipairs(KEYS) do
        local calls = redis.call('INCR', key)
        if calls == 1 then redis.call('EXPIRE', key, ARGV[i]) end
        counted[i] = {calls, redis.call('TTL', key)}
    end
    return counted
    """

    def __init__(self, url: str) -> None:
        self._client: Redis = Redis.from_url(
            url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 1),  # the first try may find a connection that has died in the pool
        )
        self._script = self._client.register_script(self._SCRIPT)

    def count(self, counters: Sequence[Counter]) -> list[Counted]:
        keys, seconds = zip(*counters, strict=True)
        return [(calls, left) for calls, left in self._script(keys, seconds)]

    def answers(self) -> bool:
        try:
            return bool(self._client.ping())
        except RedisError:
            return False

    def close(self) -> None:
        self._client.close()
        self._client.connection_pool.disconnect()


class _Memory:
    """Counters of this process."""

    SWEEP_AT_LEAST = 1024

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._sweep_at = self.SWEEP_AT_LEAST

    def count(self, counters: Sequence[Counter]) -> list[Counted]:
        now = time.monotonic()
        with self._lock:
            counted = [self._count(key, seconds, now) for key, seconds in counters]
            if len(self._counts) > self._sweep_at:
                self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > now}
                self._sweep_at = max(self.SWEEP_AT_LEAST, 2 * len(self._counts))
        return counted

    def _count(self, key: str, seconds: int, now: float) -> Counted:
        calls, ends_at = self._counts.get(key, (0, 0.0))
        if ends_at <= now:
            calls, ends_at = 0, now + seconds
        self._counts[key] = (calls + 1, ends_at)
        return calls + 1, ends_at - now


def init_app(app: Flask, config: Config) -> None:
    app.extensions["reely_rate_limiter"] = RateLimiter(config.rate_limits, config.redis_url)


def count_call(limit: str, account_id: str | None) -> None:
    """Counts the call being served. Raises `TooManyRequests`.

    It counts for its address, under the general limit and its own one, and for its account.
    """
    key = keyed_digest("rate-limit-address", network_of(request.remote_addr))[:32]
    calls = [("everything", key)]
    if limit != "everything":
        calls.append((limit, f"{key}/{request.endpoint}"))
    if account_id is not None:
        calls.append(("account", account_id))
    _limiter().count(*calls)


def count_account(account_id: str) -> None:
    """Counts a call of an account, wherever it comes from. Raises `TooManyRequests`."""
    _limiter().count(("account", account_id))


def _limiter() -> RateLimiter:
    limiter: RateLimiter = current_app.extensions["reely_rate_limiter"]
    return limiter
