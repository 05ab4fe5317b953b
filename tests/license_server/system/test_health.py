"""Whether the server is well, and how it does, told to those who may know."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from psycopg.errors import AdminShutdown
from sqlalchemy.exc import OperationalError

from license_server.accounts import service as accounts
from license_server.accounts.models import Role
from license_server.config import Config
from license_server.database import db, unit_of_work
from license_server.system import metrics
from tests.license_server.actors import Device, Person, TestClock, give_tier, on_both_databases
from tests.license_server.post import letters


def _make_administrator(person: Person) -> None:
    with person.app.app_context(), unit_of_work(writes=True):
        account = accounts.by_email(person.email)
        assert account is not None
        account.role = Role.ADMIN


def _metrics(app: Flask) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = app.test_client().get("/metrics")
    assert answer.content_type == metrics.CONTENT_TYPE
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_process_is_alive_also_without_its_database(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        engine = db.engine

    def away(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, RuntimeError())

    monkeypatch.setattr(type(engine), "connect", away)
    client = app.test_client()
    assert client.get("/health/live").get_json() == {"status": "ok"}
    for path in ("/health", "/health/ready"):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["database"]) == (503, "failing")


def test_ready_says_the_same_as_health(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/health/ready").get_json() == client.get("/health").get_json()


@on_both_databases
def test_requests_are_counted_and_timed_by_route(app: Flask, ada: Person) -> None:
    route = "/api/v1/devices/<device_id>"
    labels = (("method", "DELETE"), ("route", route), ("status", "404"))
    before = _metrics(app)
    for name in ("one", "two", "three"):
        assert ada.call("DELETE", f"/devices/{name}").status_code == 404
    after = _metrics(app)
    assert after["reely_requests_total", labels] - before.get(("reely_requests_total", labels), 0) == 3
    times = ("reely_request_seconds_count", (("route", route),))
    assert after[times] - before.get(times, 0) == 3


def test_addresses_that_nobody_serves_are_one_route(app: Flask) -> None:
    for number in range(5):
        app.test_client().get(f"/made/up/{number}")
    assert not [key for key in _metrics(app) if "made" in str(key)]


@on_both_databases
def test_metrics_tell_how_long_mail_has_waited(app: Flask, ada: Person, clock: TestClock) -> None:
    clock.advance(seconds=90)
    waiting = ("reely_outbox_waiting", (("outbox", "mail"),))
    oldest = ("reely_outbox_oldest_seconds", (("outbox", "mail"),))
    found = _metrics(app)
    assert (found[waiting], found[oldest]) == (1, 90)
    letters(app)
    found = _metrics(app)
    assert (found[waiting], found[oldest]) == (0, 0)


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.3.2.1", {}, 200),
        ("::1", {}, 200),
        ("fd00::7", {}, 200),
        ("::ffff:192.168.1.9", {}, 200),
        ("203.0.113.9", {}, 404),
        ("8.8.8.8", {}, 404),
        ("2600::1", {}, 404),
        ("", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "8.8.8.8"}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("10.3.2.1", {"Forwarded": "for=8.8.8.8"}, 404),
        ("10.3.2.1", {"X-Real-IP": "8.8.8.8"}, 404),
    ],
)
def test_metrics_are_for_who_asks_from_inside(
    app: Flask, address: str, headers: dict[str, str], status: int
) -> None:
    answer = app.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status
    assert ("reely_requests" in answer.text) == (status == 200)


def test_metrics_are_not_for_who_comes_through_a_trusted_proxy(
    config: Config, start: Callable[[Config], Flask]
) -> None:
    networks = Config.embedded(config.mail_folder.parent, {"TRUSTED_PROXIES": "127.0.0.1"}).trusted_proxies  # type: ignore[union-attr]
    app = start(config.model_copy(update={"trusted_proxies": networks}))
    answer = app.test_client().get("/metrics", headers={"X-Forwarded-For": "10.0.0.7"})
    assert answer.status_code == 404


@on_both_databases
def test_an_administrator_sees_how_many_there_are_of_everything(
    app: Flask, ada: Person, laptop: Device, clock: TestClock
) -> None:
    _make_administrator(ada)
    grace = Person(app, clock, "grace@example.com")
    grace.register()
    give_tier(grace, "pro")
    lease = laptop.lease(trim=3)
    laptop.spend(lease, job="a title")
    laptop.settled(lease)
    told = ada.call("GET", "/system/stats").get_json()
    assert told["accounts"] == {"total": 2, "verified": 0, "administrators": 1, "new_in_30_days": 2}
    assert told["tiers"] == {"free": 1, "pro": 1, "premium": 0}
    assert (told["devices"], told["open_leases"]) == (1, 1)
    assert told["jobs"] == {"trim": 1, "hook_run": 0}
    assert told["meters"]["trim"] == {"granted": 3, "settled": 1, "held": 2, "owed": 0}
    assert told["outboxes"]["mail"]["waiting"] == 2
    clock.advance(days=40)
    grace.login()
    ada.login()
    told = ada.call("GET", "/system/stats").get_json()
    assert told["accounts"]["new_in_30_days"] == 0
    assert told["meters"]["trim"]["granted"] == 0, "of the periods that run now"


def test_nobody_else_does(app: Flask, ada: Person) -> None:
    def refusal(**how: object) -> tuple[int, str]:
        answer = ada.call("GET", "/system/stats", **how)  # type: ignore[arg-type]
        return answer.status_code, answer.get_json()["code"]

    assert refusal(token="") == (401, "not-signed-in")
    assert refusal() == (403, "administrator-needed")
    give_tier(ada, "pro")
    key = ada.call("POST", "/api-keys", {}).get_json()["key"]
    _make_administrator(ada)
    assert refusal(token="", headers={"X-API-Key": key}) == (403, "sign-in-needed")
    assert ada.call("GET", "/system/stats").status_code == 200


def test_a_database_that_is_away_is_told_as_such_and_not_as_a_fault(
    app: Flask, ada: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, AdminShutdown("the database system is shutting down"))

    monkeypatch.setattr("license_server.usage.service.usage", away)
    answer = ada.call("GET", "/auth/usage")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert re.fullmatch(r"\d+", answer.headers["Retry-After"])
    assert "database-away" in caplog.text
    assert "57P01" in caplog.text, "PostgreSQL's code for it"
    assert "shutting down" not in caplog.text
