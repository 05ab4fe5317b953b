"""Webhook endpoints: for Premium, with a secret shown once, to public addresses, and gone with the tier."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from license_server.background.cleanup import clean
from license_server.database import Base, db, unit_of_work
from license_server.webhooks import service
from license_server.webhooks.courier import Courier
from license_server.webhooks.delivery import deliver_due
from license_server.webhooks.reach import Reach
from tests.license_server.actors import Device, Person, TestClock, give_tier, on_both_databases
from tests.license_server.test_problems import check_shape
from tests.license_server.webhooks.receiver import Receiver

EVENTS = ["job.completed", "job.failed", "usage.limit_reached", "subscription.updated"]


def make(person: Person, receiver: Receiver, **more: object) -> dict[str, Any]:
    body = {"url": f"http://127.0.0.1:{receiver.port}/hook", **more}
    answer = person.call("POST", "/webhook-endpoints", body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.get_json()
    return made


@on_both_databases
def test_an_endpoint_is_made_with_a_secret_that_is_shown_once(premium: Person, receiver: Receiver) -> None:
    made = make(premium, receiver, description="Our studio")
    assert set(made) == {
        "id",
        "url",
        "events",
        "description",
        "created_at",
        "last_success_at",
        "disabled_at",
        "disabled_because",
        "secret",
    }
    assert made["secret"].startswith("whsec_")
    assert made["events"] == EVENTS
    listed = premium.call("GET", "/webhook-endpoints").get_json()
    assert listed == {"items": [{key: made[key] for key in made if key != "secret"}], "next": None}


def test_no_secret_lies_in_the_database(app: Flask, premium: Person, receiver: Receiver) -> None:
    secret = make(premium, receiver)["secret"]
    with app.app_context():
        cells = [
            str(cell)
            for table in Base.metadata.sorted_tables
            for row in db.session.execute(select(table))
            for cell in row
        ]
    assert not [cell for cell in cells if secret.removeprefix("whsec_") in cell]


@pytest.mark.parametrize("tier", ["free", "pro"])
def test_other_tiers_are_told_what_would_help(ada: Person, receiver: Receiver, tier: str) -> None:
    give_tier(ada, tier)
    answer = ada.call("POST", "/webhook-endpoints", {"url": "https://example.com/hook"})
    assert answer.status_code == 403
    problem = answer.get_json()
    assert (problem["code"], problem["feature"], problem["tier"]) == ("tier-limit", "webhooks", tier)
    assert [offer["id"] for offer in problem["what_would_help"]["tiers"]] == ["premium"]
    check_shape(answer)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "not a url"}, "url"),
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://user:word@example.com/"}, "url"),
        ({"url": "https://example.com/#part"}, "url"),
        ({"url": "https://example.com/" + "x" * 3000}, "url"),
        ({"url": "https://example.com/", "events": []}, "events"),
        ({"url": "https://example.com/", "events": ["job.started"]}, "events.0"),
        ({"url": "https://example.com/", "events": "job.failed"}, "events"),
        ({"url": "https://example.com/", "colour": "red"}, "colour"),
        ({"url": "https://example.com/", "description": ""}, "description"),
    ],
)
def test_what_is_not_right_is_told_by_field(premium: Person, body: dict[str, Any], field: str) -> None:
    answer = premium.call("POST", "/webhook-endpoints", body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation-failed")
    assert field in [fault["field"] for fault in answer.get_json()["errors"]]


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://100.64.1.1/",
        "https://metadata.google.internal/",
        "http://93.184.216.34/hook",
        "http://10.0.0.1/",
    ],
)
def test_addresses_that_are_not_public_are_refused(premium: Person, url: str) -> None:
    answer = premium.call("POST", "/webhook-endpoints", {"url": url})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "webhook-address-refused")
    assert [fault["field"] for fault in answer.get_json()["errors"]] == ["url"]
    check_shape(answer)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://localhost/", "https://127.1/", "https://0x7f.1/"]
)
def test_loopback_is_refused_where_development_does_not_allow_it(
    app: Flask, premium: Person, url: str
) -> None:
    app.extensions["reely_courier"] = Courier(Reach())
    answer = premium.call("POST", "/webhook-endpoints", {"url": url})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "webhook-address-refused")


def test_a_name_is_looked_up_and_one_that_leads_inside_refused(app: Flask, premium: Person) -> None:
    app.extensions["reely_courier"] = Courier(Reach(resolve=lambda _: [ipaddress.ip_address("10.0.0.1")]))
    answer = premium.call("POST", "/webhook-endpoints", {"url": "https://inside.example.com/"})
    assert answer.get_json()["code"] == "webhook-address-refused"
    app.extensions["reely_courier"] = Courier(Reach(resolve=lambda _: [ipaddress.ip_address("8.8.8.8")]))
    answer = premium.call("POST", "/webhook-endpoints", {"url": "https://outside.example.com/"})
    assert answer.status_code == 201


def test_there_is_a_most_of_them(premium: Person, receiver: Receiver) -> None:
    for _ in range(service.MOST_ENDPOINTS):
        made = make(premium, receiver)
    answer = premium.call("POST", "/webhook-endpoints", {"url": made["url"]})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "webhook-endpoint-limit")
    assert premium.call("DELETE", f"/webhook-endpoints/{made['id']}").status_code == 204
    make(premium, receiver)


@on_both_databases
def test_a_deleted_endpoint_is_told_nothing_more(app: Flask, premium: Person, receiver: Receiver) -> None:
    made = make(premium, receiver)
    device = Device(premium)
    device.add()
    lease = device.lease(trim=1)
    device.spend(lease)
    device.settled(lease)
    assert premium.call("DELETE", f"/webhook-endpoints/{made['id']}").status_code == 204
    deliver_due(app)
    assert receiver.received == []
    assert premium.call("GET", "/webhook-endpoints").get_json()["items"] == []
    assert premium.call("DELETE", f"/webhook-endpoints/{made['id']}").status_code == 404


def test_endpoints_are_nobody_elses(
    premium: Person, receiver: Receiver, app: Flask, clock: TestClock
) -> None:
    path = f"/webhook-endpoints/{make(premium, receiver)['id']}"
    other = Person(app, clock, "grace@example.com")
    other.register()
    give_tier(other, "premium")
    for method, rest in (
        ("DELETE", ""),
        ("POST", "/test"),
        ("POST", "/rotate-secret"),
        ("GET", "/deliveries"),
    ):
        answer = other.call(method, path + rest)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not-found")
        assert premium.call(method, path + rest, token="").status_code == 401
    assert receiver.received == []
    assert other.call("GET", "/webhook-endpoints").get_json() == {"items": [], "next": None}


def test_the_test_button_delivers_now_signed_and_tells(premium: Person, receiver: Receiver) -> None:
    made = make(premium, receiver, events=["job.failed"])
    answer = premium.call("POST", f"/webhook-endpoints/{made['id']}/test")
    assert answer.status_code == 200
    told = answer.get_json()
    assert (told["event"], told["state"], told["next_attempt_at"]) == ("webhook.test", "delivered", None)
    (attempt,) = told["attempts"]
    assert (attempt["status"], attempt["error"], attempt["excerpt"]) == (200, None, "thank you")
    (got,) = receiver.received
    assert got.id == told["id"]
    event = Webhook(made["secret"]).verify(got.body, got.headers)
    assert event["type"] == "webhook.test"
    assert event["data"] == {"endpoint_id": made["id"]}
    assert got.headers["content-type"] == "application/json"
    assert premium.call("GET", f"/webhook-endpoints/{made['id']}/deliveries").get_json()["items"] == [told]
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(got.body + b" ", got.headers)


def test_the_test_button_says_why_not(app: Flask, premium: Person, receiver: Receiver) -> None:
    receiver.statuses, receiver.body = [500], b"we are on fire"
    path = f"/webhook-endpoints/{make(premium, receiver)['id']}/test"
    told = premium.call("POST", path).get_json()
    assert (told["state"], told["next_attempt_at"]) == ("failed", None)
    assert [(each["status"], each["excerpt"]) for each in told["attempts"]] == [(500, "we are on fire")]
    app.extensions["reely_courier"] = Courier(Reach())
    told = premium.call("POST", path).get_json()
    assert [(each["status"], each["error"]) for each in told["attempts"]] == [(None, "address-refused")]
    deliver_due(app)
    assert len(receiver.received) == 1, "a test is tried once"


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(
    premium: Person, receiver: Receiver, clock: TestClock
) -> None:
    made = make(premium, receiver)
    path = f"/webhook-endpoints/{made['id']}"
    rotated = premium.call("POST", f"{path}/rotate-secret").get_json()
    assert rotated["secret"] != made["secret"]
    premium.call("POST", f"{path}/test")
    for secret in (rotated["secret"], made["secret"]):
        assert Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    clock.advance(hours=24)
    premium.login()
    premium.call("POST", f"{path}/test")
    assert len(receiver.received[1].headers["webhook-signature"].split()) == 1


@on_both_databases
def test_endpoints_end_with_the_tier_and_do_not_come_back_with_it(
    app: Flask, premium: Person, receiver: Receiver
) -> None:
    made = make(premium, receiver)
    device = Device(premium)
    device.add()
    lease = device.lease(trim=2)
    give_tier(premium, "pro")
    device.spend(lease)
    device.settled(lease)
    with app.app_context(), unit_of_work(writes=True):
        service.enqueue(db.session, _account_id(premium), "subscription.updated", {"tier": "pro"})
        service.end_beyond_tier(_account_id(premium))
        service.enqueue(db.session, _account_id(premium), "subscription.updated", {"tier": "free"})
    deliver_due(app)
    events = [Webhook(made["secret"]).verify(got.body, got.headers) for got in receiver.received]
    assert [(event["type"], event["data"]) for event in events] == [("subscription.updated", {"tier": "pro"})]
    give_tier(premium, "premium")
    assert premium.call("GET", "/webhook-endpoints").get_json()["items"] == []
    assert premium.call("POST", f"/webhook-endpoints/{made['id']}/test").status_code == 404


def test_a_tier_that_ends_by_itself_ends_them_too(
    app: Flask, premium: Person, receiver: Receiver, clock: TestClock
) -> None:
    make(premium, receiver)
    give_tier(premium, "premium", days=1)
    clock.advance(days=1)
    clean(app)
    premium.login()
    assert premium.call("GET", "/webhook-endpoints").get_json()["items"] == []


def test_the_export_has_endpoints_and_deliveries(premium: Person, receiver: Receiver) -> None:
    made = make(premium, receiver)
    premium.call("POST", f"/webhook-endpoints/{made['id']}/test")
    tables = premium.call("GET", "/auth/export").get_json()["tables"]
    assert [row["url"] for row in tables["webhook_endpoints"]] == [made["url"]]
    assert len(tables["webhook_deliveries"]) == 1
    assert made["secret"] not in str(tables)


def test_an_api_key_may_have_webhooks_too(premium: Person, receiver: Receiver) -> None:
    key = premium.call("POST", "/api-keys", {"name": "studio"}).get_json()["key"]
    body = {"url": f"http://127.0.0.1:{receiver.port}/"}
    answer = premium.call("POST", "/webhook-endpoints", body, token="", headers={"X-API-Key": key})
    assert answer.status_code == 201


def _account_id(person: Person) -> str:
    return str(person.call("GET", "/auth/me").get_json()["id"])
