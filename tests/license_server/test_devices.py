"""Devices: adding, listing, removing, losing, and what their signatures prove."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from tests.license_server.actors import Device, Person, TestClock, on_both_databases


def test_a_device_is_added_once_by_its_key(ada: Person) -> None:
    device = Device(ada)
    first = device.add("Laptop")
    again = device.add("Laptop, renamed")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json()["id"] == again.get_json()["id"]
    assert [item["name"] for item in ada.call("GET", "/devices").get_json()["items"]] == ["Laptop, renamed"]


def test_a_device_gets_another_name_while_it_is_on_the_list(ada: Person, laptop: Device) -> None:
    bob = Person(ada.app, ada.clock, "bob@example.com")
    bob.register()
    answer = ada.call("PUT", f"/devices/{laptop.id}", {"name": "The studio's"})
    assert (answer.status_code, answer.get_json()["name"]) == (200, "The studio's")
    assert [item["name"] for item in ada.call("GET", "/devices").get_json()["items"]] == ["The studio's"]
    assert ada.call("PUT", f"/devices/{laptop.id}", {"name": ""}).status_code == 422
    assert bob.call("PUT", f"/devices/{laptop.id}", {"name": "mine"}).status_code == 404
    ada.call("DELETE", f"/devices/{laptop.id}")
    assert ada.call("PUT", f"/devices/{laptop.id}", {"name": "gone"}).status_code == 404


@pytest.mark.parametrize("key", ["", "short", "!" * 43, "A" * 60, "A" * 42])
def test_a_public_key_that_is_none_is_refused(ada: Person, key: str) -> None:
    answer = ada.call("POST", "/devices", {"name": "x", "platform": "linux", "public_key": key})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "public_key"


def test_a_free_account_has_two_devices_and_is_told_what_has_room_for_more(ada: Person) -> None:
    devices = [Device(ada) for _ in range(3)]
    assert [device.add().status_code for device in devices] == [201, 201, 409]
    problem = devices[2].add().get_json()
    assert (problem["code"], problem["limit"]) == ("device-limit", 2)
    assert problem["what_would_help"]["tiers"] == [
        {"id": "pro", "price_cents": 999, "currency": "usd", "limit": 3},
        {"id": "premium", "price_cents": 2999, "currency": "usd", "limit": 5},
    ]
    assert ada.call("DELETE", f"/devices/{devices[0].id}").status_code == 204
    assert devices[2].add().status_code == 201
    assert devices[0].add().status_code == 409, "coming back needs room too"


def test_a_removed_device_comes_back_as_the_same_device(ada: Person, laptop: Device) -> None:
    before = laptop.id
    assert ada.call("DELETE", f"/devices/{laptop.id}").status_code == 204
    assert ada.call("DELETE", f"/devices/{laptop.id}").status_code == 404
    assert ada.call("GET", "/devices").get_json()["items"] == []
    assert laptop.ask(trim=1).status_code == 404
    assert laptop.add().get_json()["id"] == before
    assert laptop.ask(trim=1).status_code == 200


def test_removing_a_device_does_not_free_what_it_holds(ada: Person, laptop: Device) -> None:
    laptop.lease(trim=3)
    ada.call("DELETE", f"/devices/{laptop.id}")
    assert (ada.meter()["held"], ada.meter()["available"]) == (3, 2)


def test_what_a_lost_device_holds_comes_back_once_in_thirty_days(ada: Person, clock: TestClock) -> None:
    phone, tablet = Device(ada), Device(ada)
    phone.add()
    tablet.add()
    phone.lease(trim=2)
    tablet.lease(trim=2)
    assert ada.call("POST", f"/devices/{phone.id}/lost").get_json()["lost_at"] is not None
    assert (ada.meter()["held"], ada.meter()["available"]) == (2, 3)
    refused = ada.call("POST", f"/devices/{tablet.id}/lost")
    assert (refused.status_code, refused.get_json()["code"]) == (429, "lost-device-limit")
    assert abs(int(refused.headers["Retry-After"]) - 30 * 86400) <= 1
    assert ada.meter()["held"] == 2
    assert ada.call("POST", f"/devices/{phone.id}/lost").status_code == 200, "again is no change"
    phone.add()
    phone.lease(trim=2)
    again = ada.call("POST", f"/devices/{phone.id}/lost")
    assert again.status_code == 429, "coming back does not start the thirty days anew"
    clock.advance(days=30)
    ada.login()
    assert ada.call("POST", f"/devices/{tablet.id}/lost").status_code == 200


def test_a_lost_device_gets_no_lease_but_may_still_report(ada: Person, laptop: Device) -> None:
    lease = laptop.lease(trim=2)
    laptop.spend(lease)
    ada.call("POST", f"/devices/{laptop.id}/lost")
    assert laptop.ask(trim=1).status_code == 404
    answer = laptop.settled(lease, wants={"trim": 1})
    assert [result["outcome"] for result in answer["results"]] == ["applied"]
    assert "lease" not in answer
    assert (ada.meter()["settled"], ada.meter()["held"]) == (1, 0)


@on_both_databases
def test_what_a_lost_device_spent_after_others_took_its_units_is_owed_next_month(
    ada: Person, laptop: Device, clock: TestClock
) -> None:
    lost = laptop.lease(trim=5)
    for _ in range(5):
        laptop.spend(lost)
    ada.call("POST", f"/devices/{laptop.id}/lost")
    phone = Device(ada)
    phone.add()
    lease = phone.lease(trim=4)
    for _ in range(4):
        phone.spend(lease)
    phone.settled(lease)
    answer = laptop.settled(lost)
    assert {result["outcome"] for result in answer["results"]} == {"applied"}
    assert ada.meter()["settled"] == 5
    clock.advance(days=31)
    ada.login()
    assert ada.meter() == {"limit": 5, "settled": 0, "held": 0, "available": 1}
    assert json.loads(phone.ask(trim=5).text)["lease"]
    assert ada.meter()["held"] == 1


def test_nobody_touches_somebody_elses_device(app: Flask, laptop: Device, clock: TestClock) -> None:
    eve = Person(app, clock, "eve@example.com")
    eve.register()
    assert eve.call("DELETE", f"/devices/{laptop.id}").status_code == 404
    assert eve.call("POST", f"/devices/{laptop.id}/lost").status_code == 404
    thief = Device(eve, key=laptop.key, id=laptop.id)
    assert thief.ask(trim=1).status_code == 404


def test_a_shared_computer_is_a_device_of_each_of_its_accounts(
    app: Flask, laptop: Device, clock: TestClock
) -> None:
    eve = Person(app, clock, "eve@example.com")
    eve.register()
    shared = Device(eve, key=laptop.key)
    assert shared.add().status_code == 201
    assert shared.id != laptop.id


def _body(device: Device) -> bytes:
    return json.dumps({"device_id": device.id, "request_id": "r1", "wants": {"trim": 1}}).encode()


def _send(device: Device, header: str | None, body: bytes) -> Any:
    headers = {} if header is None else {"Reely-Device-Signature": header}
    return device.person.call("POST", "/leases", body, headers=headers)


def test_a_request_without_the_devices_signature_gets_no_lease(laptop: Device) -> None:
    body = _body(laptop)
    good = laptop.signature("POST", "/leases", body)
    for header in (None, "", "t=1", good + ",v2=x", good.replace("v1=", "v0="), good[:-1], "t=x" + good[3:]):
        answer = _send(laptop, header, body)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "device-signature-invalid"), header
    for header in (good, good.replace(",", ", ")):
        assert _send(laptop, header, body).status_code == 200


def test_a_signature_holds_for_its_key_method_path_body_and_time_only(laptop: Device) -> None:
    body = _body(laptop)
    other = Device(laptop.person, key=Ed25519PrivateKey.generate(), id=laptop.id)
    later = laptop.signature("POST", "/leases", body).partition(",")
    wrong = [
        other.signature("POST", "/leases", body),
        laptop.signature("PUT", "/leases", body),
        laptop.signature("POST", "/devices", body),
        laptop.signature("POST", "/leases", body + b" "),
        f"t={int(later[0][2:]) + 1},{later[2]}",
    ]
    for header in wrong:
        assert _send(laptop, header, body).get_json()["code"] == "device-signature-invalid"


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-300, 200), (300, 200), (301, 401)])
def test_a_signature_is_good_for_five_minutes(
    laptop: Device, clock: TestClock, seconds: int, status: int
) -> None:
    body = _body(laptop)
    header = laptop.signature("POST", "/leases", body, clock() + timedelta(seconds=seconds))
    answer = _send(laptop, header, body)
    assert answer.status_code == status
    if status == 401:
        assert answer.get_json()["code"] == "device-signature-expired"
        assert answer.get_json()["server_time"] == "2026-01-31T12:00:00Z", "so that the device can sign anew"
