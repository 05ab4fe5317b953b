"""Events reach endpoints: each at least once, signed, with patience, and never after an endpoint has gone."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from standardwebhooks import Webhook

from license_server.accounts import service as accounts
from license_server.billing import service as billing
from license_server.database import db, unit_of_work
from license_server.tiers.catalogue import PREMIUM, Meter
from license_server.usage import ledger
from license_server.usage import service as usage
from license_server.webhooks import delivery, service
from license_server.webhooks.delivery import CLAIMED_FOR, LONGEST_RETRY, deliver_due, deliver_next
from license_server.webhooks.events import EVENT_TYPES
from license_server.webhooks.models import WebhookDelivery, WebhookEndpoint
from license_server.webhooks.told import TOLD
from tests.license_server.actors import PASSWORD, Device, Person, TestClock, on_both_databases
from tests.license_server.post import letters, text
from tests.license_server.webhooks.receiver import Receiver, receiving
from tests.license_server.webhooks.test_endpoints import make


@pytest.fixture
def device(premium: Person) -> Device:
    device = Device(premium)
    assert device.add().status_code == 201
    return device


def spend(device: Device, units: int = 1, job: object = None) -> list[dict[str, Any]]:
    """Spends units on a new lease, and reports them."""
    lease = device.lease(trim=units)
    for _ in range(units):
        device.spend(lease, job=job)
    device.settled(lease)
    return lease.spends


def deliveries(person: Person, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.call(
        "GET", f"/webhook-endpoints/{endpoint['id']}/deliveries"
    ).get_json()["items"]
    return found


def events(receiver: Receiver, secret: str) -> list[dict[str, Any]]:
    return [Webhook(secret).verify(got.body, got.headers) for got in receiver.received]


def over(app: Flask, clock: TestClock, hours: float, step: timedelta = timedelta(minutes=5)) -> None:
    """Lets time pass, with the background at work."""
    until = clock() + timedelta(hours=hours)
    while clock() < until:
        clock.at = min(clock.at + step, until)
        deliver_due(app)


@on_both_databases
def test_a_settled_spend_is_a_completed_job(
    app: Flask, premium: Person, device: Device, receiver: Receiver
) -> None:
    endpoint = make(premium, receiver)
    (spent,) = spend(device, job={"kind": "trim", "seconds": 12.5})
    deliver_due(app)
    (event,) = events(receiver, endpoint["secret"])
    assert event["type"] == "job.completed"
    assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None
    (job,) = premium.call("GET", "/my-jobs").get_json()["items"]
    assert event["data"] == job
    assert (job["state"], job["spend_id"], job["job"]) == (
        "completed",
        spent["spend_id"],
        {"kind": "trim", "seconds": 12.5},
    )


@on_both_databases
def test_a_failed_job_costs_nothing_and_is_told_once(
    app: Flask, premium: Person, device: Device, receiver: Receiver
) -> None:
    endpoint = make(premium, receiver)
    lease = device.lease(trim=1)
    failure = {
        "spend_id": "a-spend-that-never-was",
        "meter": "trim",
        "at": "2026-01-31T12:00:00Z",
        "job": {"kind": "trim", "error": "disk-full"},
    }
    for _ in range(2):
        device.settled(lease, failures=[failure, failure])
    deliver_due(app)
    (event,) = events(receiver, endpoint["secret"])
    assert (event["type"], event["data"]["job"]) == ("job.failed", failure["job"])
    (job,) = premium.call("GET", "/my-jobs").get_json()["items"]
    assert (job["state"], job["spend_id"]) == ("failed", failure["spend_id"])
    assert premium.meter()["settled"] == 0


def test_reporting_again_tells_nothing_new(
    app: Flask, premium: Person, device: Device, receiver: Receiver
) -> None:
    make(premium, receiver)
    lease = device.lease(trim=1)
    device.spend(lease)
    for _ in range(3):
        device.settled(lease)
    deliver_due(app)
    assert len(receiver.received) == 1


def test_a_reached_limit_is_told_once_a_period(
    app: Flask, premium: Person, device: Device, receiver: Receiver
) -> None:
    endpoint = make(premium, receiver, events=["usage.limit_reached"])
    spend(device, 2)
    with app.app_context(), unit_of_work(writes=True):
        account = accounts.by_email(premium.email)
        assert account is not None
        period = ledger.current_period(account)
        for trims in (3, 2, 2):  # Premium has no limit today; these have one
            usage.tell_of_reached_limits(account, period, replace(PREMIUM, trims=trims), {Meter.TRIM: 2})
    deliver_due(app)
    (event,) = events(receiver, endpoint["secret"])
    assert event["type"] == "usage.limit_reached"
    usage_told = premium.usage()["period"]
    assert event["data"] == {
        "meter": "trim",
        "limit": 2,
        "period_id": usage_told["id"],
        "renews_at": usage_told["ends_at"],
    }


def test_only_what_is_wanted_is_told(app: Flask, premium: Person, device: Device) -> None:
    with receiving(Receiver()) as some, receiving(Receiver()) as others:
        make(premium, some, events=["job.completed"])
        make(premium, others, events=["job.failed"])
        spend(device)
        deliver_due(app)
        assert len(some.received) == 1
        assert others.received == []


def test_nothing_is_told_of_what_was_rolled_back(
    app: Flask, premium: Person, device: Device, receiver: Receiver
) -> None:
    make(premium, receiver)
    account_id = premium.call("GET", "/auth/me").get_json()["id"]

    def fail() -> None:
        with unit_of_work(writes=True):
            service.enqueue(db.session, account_id, "job.completed", {})
            raise RuntimeError("no")

    with app.app_context(), pytest.raises(RuntimeError):
        fail()
    deliver_due(app)
    assert receiver.received == []


def test_what_fails_is_tried_again_with_the_same_id_and_a_new_time(
    app: Flask, premium: Person, device: Device, receiver: Receiver, clock: TestClock
) -> None:
    endpoint = make(premium, receiver)
    receiver.statuses = [500, 429, 302]
    spend(device)
    over(app, clock, 0.5, timedelta(seconds=5))
    first, *rest = receiver.received
    assert len(rest) == 3
    assert {got.id for got in rest} == {first.id}
    assert {got.body for got in rest} == {first.body}
    assert len({got.headers["webhook-timestamp"] for got in receiver.received}) == 4
    premium.login()
    (row,) = deliveries(premium, endpoint)
    assert (row["id"], row["state"], row["next_attempt_at"]) == (first.id, "delivered", None)
    assert [each["status"] for each in row["attempts"]] == [500, 429, 302, 200]
    times = [datetime.fromisoformat(each["at"]) for each in row["attempts"]]
    pauses = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    assert pauses == sorted(pauses), "with growing pauses"
    assert 8 <= pauses[0] <= 17


def test_two_that_failed_together_do_not_come_back_together(
    app: Flask, premium: Person, device: Device, receiver: Receiver
) -> None:
    endpoint = make(premium, receiver)
    receiver.statuses = [500] * 6
    spend(device, 6)
    deliver_due(app)
    assert len({row["next_attempt_at"] for row in deliveries(premium, endpoint)}) == 6


@on_both_databases
def test_after_a_day_of_failures_the_endpoint_is_turned_off_and_its_account_told(
    app: Flask, premium: Person, device: Device, receiver: Receiver, clock: TestClock
) -> None:
    endpoint = make(premium, receiver)
    receiver.statuses = [500] * 1000
    spend(device, 2)
    over(app, clock, 23.9)
    premium.login()
    assert premium.call("GET", "/webhook-endpoints").get_json()["items"][0]["disabled_at"] is None
    assert {row["state"] for row in deliveries(premium, endpoint)} == {"pending"}
    over(app, clock, 0.2)
    (told,) = premium.call("GET", "/webhook-endpoints").get_json()["items"]
    assert told["disabled_because"] == "failing"
    rows = deliveries(premium, endpoint)
    assert {row["state"] for row in rows} == {"failed"}
    for row in rows:
        times = [datetime.fromisoformat(each["at"]) for each in row["attempts"]]
        assert len(times) > 8
        assert max(b - a for a, b in itertools.pairwise(times)) <= LONGEST_RETRY * 1.3
    (letter,) = letters(app, "turned off")
    assert letter["To"] == premium.email
    assert "127.0.0.1" in text(letter)
    assert "/hook" not in text(letter), "an address may have secrets in it"
    before = len(receiver.received)
    spend(device)
    over(app, clock, 1)
    assert len(receiver.received) == before, "and is told nothing more"


def test_one_message_that_is_never_taken_does_not_turn_off_an_endpoint_that_takes_others(
    app: Flask, premium: Person, device: Device, receiver: Receiver, clock: TestClock
) -> None:
    endpoint = make(premium, receiver)
    receiver.statuses = [500]
    spend(device)
    deliver_due(app)
    poison = receiver.received[0].id
    _fail_only(receiver, poison)
    for _ in range(25):
        clock.advance(hours=1)
        premium.login()
        spend(device)
        deliver_due(app)
    (told,) = premium.call("GET", "/webhook-endpoints").get_json()["items"]
    assert told["disabled_at"] is None
    by_id = {row["id"]: row for row in deliveries(premium, endpoint)}
    assert by_id.pop(poison)["state"] == "failed"
    assert {row["state"] for row in by_id.values()} == {"delivered"}


def _fail_only(receiver: Receiver, id: str) -> None:
    def answer(handler: Any) -> None:
        status = 500 if handler.headers["webhook-id"] == id else 200
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    receiver.answer = answer


@on_both_databases
def test_gone_means_gone(app: Flask, premium: Person, device: Device, receiver: Receiver) -> None:
    endpoint = make(premium, receiver)
    receiver.statuses = [410]
    spend(device, 3)
    deliver_due(app)
    assert len(receiver.received) == 1
    (told,) = premium.call("GET", "/webhook-endpoints").get_json()["items"]
    assert told["disabled_because"] == "gone"
    assert {row["state"] for row in deliveries(premium, endpoint)} == {"failed"}
    assert "gone (410)" in text(letters(app, "turned off")[0])
    assert (
        premium.call("POST", f"/webhook-endpoints/{endpoint['id']}/test").get_json()["state"] == "delivered"
    )
    (told,) = premium.call("GET", "/webhook-endpoints").get_json()["items"]
    assert (told["disabled_at"], told["disabled_because"]) == (None, None), "a test turns it on again"
    spend(device)
    deliver_due(app)
    assert len(receiver.received) == 3


def test_an_endpoint_that_does_not_answer_keeps_no_other_waiting(
    app: Flask, premium: Person, device: Device, clock: TestClock
) -> None:
    with receiving(Receiver()) as dead, receiving(Receiver()) as living:
        silent = make(premium, dead)
        make(premium, living)
    with receiving(Receiver()) as living:
        _move(app, silent["id"], living.port)
        spend(device, 20)
        deliver_due(app)
        assert len(living.received) == 20
        (tried, *untried) = sorted(deliveries_of_the_other(app, silent["id"]), reverse=True)
        assert (tried, set(untried)) == (1, {0}), "one try shows that nobody is there"


def _move(app: Flask, not_this: str, port: int) -> None:
    with app.app_context(), unit_of_work(writes=True):
        db.session.execute(
            update(WebhookEndpoint)
            .where(WebhookEndpoint.id != not_this)
            .values(url=f"http://127.0.0.1:{port}/")
        )


def deliveries_of_the_other(app: Flask, endpoint_id: str) -> list[int]:
    with app.app_context():
        return list(
            db.session.scalars(
                select(WebhookDelivery.tries).where(WebhookDelivery.endpoint_id == endpoint_id)
            )
        )


@on_both_databases
def test_many_workers_deliver_each_message_once(
    app: Flask, premium: Person, device: Device, receiver: Receiver
) -> None:
    with receiving(Receiver()) as second:
        make(premium, receiver)
        make(premium, second)
        spend(device, 25)
        threads = [threading.Thread(target=_until_all, args=(app, receiver, second)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in (receiver, second):
            assert len(each.ids) == len(set(each.ids)) == 25


def _until_all(app: Flask, *receivers: Receiver) -> None:
    for _ in range(2000):
        if all(len(receiver.received) >= 25 for receiver in receivers):
            return
        deliver_next(app)


def test_a_claim_of_somebody_who_died_is_taken_over(
    app: Flask, premium: Person, device: Device, receiver: Receiver, clock: TestClock
) -> None:
    make(premium, receiver)
    spend(device)
    with app.app_context():
        assert delivery._claim() is not None
    clock.advance(seconds=CLAIMED_FOR.total_seconds() - 1)
    deliver_due(app)
    assert receiver.received == []
    clock.advance(seconds=1)
    deliver_due(app)
    assert len(receiver.received) == 1


def test_an_account_that_is_deleted_while_its_message_is_on_the_way_is_no_fault(
    app: Flask, premium: Person, device: Device, receiver: Receiver
) -> None:
    make(premium, receiver)
    spend(device)

    def delete_meanwhile(handler: Any) -> None:
        assert premium.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
        handler.send_response(200)
        handler.end_headers()

    receiver.answer = delete_meanwhile
    deliver_due(app)
    assert len(receiver.received) == 1
    with app.app_context():
        assert db.session.scalars(select(WebhookDelivery)).all() == []


def test_the_time_in_the_signature_is_of_the_try(
    app: Flask, premium: Person, device: Device, receiver: Receiver, clock: TestClock
) -> None:
    make(premium, receiver)
    spend(device)
    deliver_due(app)
    assert receiver.received[0].headers["webhook-timestamp"] == str(int(clock().timestamp()))
    assert abs(datetime.now(UTC).timestamp() - clock().timestamp()) < 300


def test_the_document_describes_every_event_as_it_is_sent(
    app: Flask, premium: Person, device: Device, receiver: Receiver
) -> None:
    endpoint = make(premium, receiver)
    lease = device.lease(trim=1)
    device.spend(lease, job={"kind": "trim"})
    failure = {"spend_id": "never", "meter": "hook_run", "at": "2026-01-31T12:00:00Z"}
    device.settled(lease, failures=[failure])
    with app.app_context(), unit_of_work(writes=True):
        account = accounts.by_email(premium.email)
        assert account is not None
        period = ledger.current_period(account)
        usage.tell_of_reached_limits(account, period, replace(PREMIUM, trims=1), {Meter.TRIM: 1})
        status = billing.status(account.id).model_dump(mode="json")
        service.enqueue(db.session, account.id, "subscription.updated", status)
    deliver_due(app)
    sent = {event["type"]: event["data"] for event in events(receiver, endpoint["secret"])}
    described = app.test_client().get("/openapi.json").get_json()["webhooks"]
    assert set(sent) == set(described) == set(EVENT_TYPES) == set(TOLD)
    for event, model in TOLD.items():
        assert model.model_validate(sent[event]).model_dump(mode="json") == sent[event], event
    for name in described["job.failed"]["post"]["parameters"]:
        assert all(name["name"] in got.headers for got in receiver.received)
