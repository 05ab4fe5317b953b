"""How often an address and an account may call: counted in Redis for all processes, or in memory.

`limits` counts; Flask-Limiter on top of it was left out, for it took longer than the rest of a small request,
and wrote addresses into the log.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Literal

from flask import Flask, current_app, request
from limits import RateLimitItem, parse_many
from limits.storage import RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter
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


class RateLimiter:
    """Counts calls by what they are counted under; a key is never an address or an account in clear."""

    def __init__(self, rates: RateLimits, redis_url: str | None) -> None:
        self._items: dict[str, list[RateLimitItem]] = {
            name: parse_many(rate) for name, rate in rates.model_dump().items()
        }
        self._memory = FixedWindowRateLimiter(_Memory())
        self._redis = _connect(redis_url) if redis_url else None
        self._shared = (
            FixedWindowRateLimiter(RedisStorage("redis://", connection_pool=self._redis.connection_pool))
            if self._redis is not None
            else None
        )
        self._resting_until = 0.0

    def count(self, limit: str, key: str) -> None:
        """Counts one call under the limit of that name. Raises `TooManyRequests`."""
        for item in self._items[limit]:
            wait = self._hit(item, limit, key)
            if wait is not None:
                problem = TooManyRequests(f"Try again in {wait} {'second' if wait == 1 else 'seconds'}.")
                problem.headers["Retry-After"] = str(wait)
                raise problem

    def redis_state(self) -> Redundancy:
        """Whether Redis answers now; "unused" where none is configured."""
        if self._redis is None:
            return "unused"
        try:
            self._redis.ping()
        except RedisError:
            return "failing"
        return "ok"

    def close(self) -> None:
        """Gives back the connections."""
        if self._redis is not None:
            self._redis.close()
            self._redis.connection_pool.disconnect()

    def _hit(self, item: RateLimitItem, *keys: str) -> int | None:
        """None where the call is within the limit, else the seconds to wait."""
        if self._shared is not None and time.monotonic() >= self._resting_until:
            try:
                return _hit(self._shared, item, *keys)
            except RedisError as error:
                self._resting_until = time.monotonic() + REST_AFTER_FAILURE_SECONDS
                log.warning("rate-limits-in-memory", error=type(error).__name__)
        return _hit(self._memory, item, *keys)


def _connect(url: str) -> Redis:
    client: Redis = Redis.from_url(
        url,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 1),  # the first try may find a connection that has died in the pool
    )
    return client


def _hit(limiter: FixedWindowRateLimiter, item: RateLimitItem, *keys: str) -> int | None:
    if limiter.hit(item, *keys):
        return None
    return max(1, math.ceil(limiter.get_window_stats(item, *keys).reset_time - time.time()))


class _Memory(Storage):
    """Counters of this process. The one that comes with `limits` starts a thread after every pause."""

    SWEEP_AT_LEAST = 1024

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._sweep_at = self.SWEEP_AT_LEAST

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = time.time()
        with self._lock:
            count, ends_at = self._counts.get(key, (0, 0.0))
            if ends_at <= now:
                count, ends_at = 0, now + expiry
            self._counts[key] = (count + amount, ends_at)
            if len(self._counts) > self._sweep_at:
                self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > now}
                self._sweep_at = max(self.SWEEP_AT_LEAST, 2 * len(self._counts))
        return count + amount

    def get(self, key: str) -> int:
        count, ends_at = self._counts.get(key, (0, 0.0))
        return count if ends_at > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def clear(self, key: str) -> None:
        with self._lock:
            self._counts.pop(key, None)

    def reset(self) -> int | None:
        with self._lock:
            cleared = len(self._counts)
            self._counts = {}
        return cleared


def init_app(app: Flask, config: Config) -> None:
    app.extensions["reely_rate_limiter"] = RateLimiter(config.rate_limits, config.redis_url)


def count_address(limit: str) -> None:
    """Counts the call being served, under the general limit and its own one. Raises `TooManyRequests`."""
    limiter: RateLimiter = current_app.extensions["reely_rate_limiter"]
    key = keyed_digest("rate-limit-address", network_of(request.remote_addr))[:32]
    limiter.count("everything", key)
    if limit != "everything":
        limiter.count(limit, f"{key}/{request.endpoint}")


def count_account(account_id: str) -> None:
    """Counts a call of an account, wherever it comes from. Raises `TooManyRequests`."""
    limiter: RateLimiter = current_app.extensions["reely_rate_limiter"]
    limiter.count("account", account_id)
