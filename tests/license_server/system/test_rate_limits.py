"""Calls are counted by address and by account, in Redis for all processes, and without it too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from license_server import rate_limits
from license_server.config import Config, RateLimits
from tests.license_server.actors import Device, Person, TestClock, give_tier
from tests.license_server.redis_server import RedisServer, redis_server

CAFE = "203.0.113.9"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
def limited(config: Config, start: Callable[[Config], Flask]) -> Callable[..., Flask]:
    def started(redis: RedisServer | None = None, **rates: str) -> Flask:
        url = redis.url if redis else None
        update = {"rate_limits": RateLimits(**rates), "redis_url": url}
        return start(config.model_copy(update=update))

    return started


def _call(app: Flask, address: str = CAFE, path: str = "/api/v1/tiers") -> TestResponse:
    return app.test_client().get(path, environ_base={"REMOTE_ADDR": address})


def _statuses(app: Flask, times: int, address: str = CAFE) -> list[int]:
    return [_call(app, address).status_code for _ in range(times)]


def _refused(answer: TestResponse) -> None:
    assert (answer.status_code, answer.content_type) == (429, "application/problem+json")
    problem = answer.get_json()
    assert problem["code"] == "too-many-requests"
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Retry-After"] in problem["detail"]


def test_an_address_has_so_many_calls_and_others_are_not_held_up(limited: Callable[..., Flask]) -> None:
    app = limited(everything="3 per minute")
    assert _statuses(app, 3) == [200] * 3
    _refused(_call(app))
    _refused(_call(app, path="/api/v1/auth/me"))
    assert _statuses(app, 1, "198.51.100.7") == [200]


def test_who_waits_as_long_as_told_may_go_on(limited: Callable[..., Flask]) -> None:
    app = limited(everything="2 per 1 second")
    while 429 not in _statuses(app, 3):
        pass  # a slow machine needs more than a second for three calls
    refused = _call(app)
    if refused.status_code == 429:
        time.sleep(int(refused.headers["Retry-After"]))
    assert _call(app).status_code == 200


def test_a_whole_ipv6_network_counts_as_one_address(limited: Callable[..., Flask]) -> None:
    app = limited(everything="2 per minute")
    assert [_call(app, f"2001:db8:1:2::{number}").status_code for number in range(1, 4)] == [200, 200, 429]
    assert _statuses(app, 1, "2001:db8:1:3::1") == [200]


def test_an_account_has_so_many_calls_from_wherever(limited: Callable[..., Flask], clock: TestClock) -> None:
    app = limited(account="3 per minute")
    ada, grace = Person(app, clock, "ada@example.com"), Person(app, clock, "grace@example.com")
    ada.register()
    grace.register()

    def call(number: int) -> TestResponse:
        return app.test_client().get(
            "/api/v1/auth/me",
            headers={"Authorization": f"Bearer {ada.access}"},
            environ_base={"REMOTE_ADDR": f"192.0.2.{number}"},
        )

    assert [call(number).status_code for number in range(3)] == [200] * 3
    _refused(call(4))
    assert grace.call("GET", "/auth/me").status_code == 200


def test_keys_count_for_their_account_and_a_refused_call_changes_nothing(
    limited: Callable[..., Flask], clock: TestClock
) -> None:
    app = limited(account="3 per minute")
    ada = Person(app, clock, "ada@example.com")
    ada.register()
    give_tier(ada, "pro")
    keys = [ada.call("POST", "/api-keys", {}).get_json()["key"] for _ in range(2)]
    me = [ada.call("GET", "/auth/me", token="", headers={"X-API-Key": key}) for key in keys]
    assert me[0].status_code == 200
    _refused(me[1])
    refused = Device(ada).add()
    _refused(refused)


def test_a_token_that_is_not_ours_counts_for_nobody(limited: Callable[..., Flask], clock: TestClock) -> None:
    app = limited(account="2 per minute")
    ada = Person(app, clock, "ada@example.com")
    ada.register()
    forged = ada.access[:-4] + "AAAA"
    assert [ada.call("GET", "/auth/me", token=forged).status_code for _ in range(5)] == [401] * 5
    assert ada.call("GET", "/auth/me").status_code == 200


def test_processes_count_together_in_redis(limited: Callable[..., Flask], redis: RedisServer) -> None:
    one, two = (limited(redis, everything="4 per minute") for _ in range(2))
    assert _statuses(one, 2) == _statuses(two, 2) == [200, 200]
    _refused(_call(one))
    _refused(_call(two))


def test_no_address_and_no_account_lies_in_redis_in_clear(
    limited: Callable[..., Flask], redis: RedisServer, clock: TestClock
) -> None:
    app = limited(redis)
    ada = Person(app, clock, "ada@example.com")
    ada.register()
    assert ada.call("GET", "/auth/me").status_code == 200
    with Redis.from_url(redis.url, decode_responses=True) as client:
        keys = list(client.scan_iter())
        assert len(keys) >= 2
        assert all(0 < client.ttl(key) <= 86_400 for key in keys), "and all of it is forgotten"
    assert not [key for key in keys if "127.0.0.1" in key or "ada" in key]


def test_without_redis_each_process_counts_by_itself_and_with_it_again_together(
    limited: Callable[..., Flask], redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "REST_AFTER_FAILURE_SECONDS", 0.0)
    app = limited(redis, everything="3 per minute")
    assert _statuses(app, 2) == [200, 200]
    assert _call(app, "198.51.100.7", "/health").get_json()["redis"] == "ok"
    redis.stop()
    assert _statuses(app, 4) == [200, 200, 200, 429], "counted from nought, in memory"
    health = _call(app, "198.51.100.7", "/health")
    assert health.status_code == 200
    assert (health.get_json()["status"], health.get_json()["redis"]) == ("degraded", "failing")
    redis.start()
    assert _statuses(app, 4) == [200, 200, 200, 429], "counted anew, in Redis"
    assert _call(app, "198.51.100.7", "/health").get_json()["status"] == "ok"


def test_a_server_starts_without_redis_and_does_not_ask_for_it_at_every_call(
    limited: Callable[..., Flask], redis: RedisServer
) -> None:
    redis.stop()
    app = limited(redis, everything="1000 per minute")
    assert _statuses(app, 1) == [200]
    redis.start()
    assert _statuses(app, 1) == [200]
    with Redis.from_url(redis.url) as client:
        assert client.dbsize() == 0, "left alone for some seconds"


def test_a_redis_that_hangs_holds_a_call_up_for_a_moment_only(
    limited: Callable[..., Flask], redis: RedisServer
) -> None:
    app = limited(redis, everything="1000 per minute")
    assert _statuses(app, 1) == [200]
    with Redis.from_url(redis.url) as client:
        client.client_pause(10_000)
    started = time.monotonic()
    assert _statuses(app, 20) == [200] * 20
    assert time.monotonic() - started < 4 * rate_limits.REDIS_SECONDS + 2


def test_counters_in_memory_are_forgotten() -> None:
    memory = rate_limits._Memory()
    for number in range(3 * memory.SWEEP_AT_LEAST):
        memory.count([(f"key {number}", 0)])
    assert len(memory._counts) <= memory.SWEEP_AT_LEAST + 1
    memory.count([("kept", 60)])
    for number in range(3 * memory.SWEEP_AT_LEAST):
        memory.count([(f"key {number}", 0)])
    ((calls, left),) = memory.count([("kept", 60)])
    assert (calls, 0 < left <= 60) == (2, True)
