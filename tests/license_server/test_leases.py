"""Leases: granted within the quota, signed, settled once, and what copies of a device cost."""

from __future__ import annotations

import random
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import jwt
import pytest
from flask import Flask

from tests.license_server.actors import (
    Device,
    HeldLease,
    Person,
    TestClock,
    give_tier,
    make_spend,
    on_both_databases,
    verified,
)


def test_a_lease_says_what_the_contract_says(ada: Person, laptop: Device) -> None:
    lease = laptop.lease(trim=2, hook_run=1)
    claims = dict(lease.claims)
    jti = claims.pop("jti")
    assert claims == {
        "iss": "https://reely.app",
        "aud": "reely-desktop",
        "sub": ada.call("GET", "/auth/me").get_json()["id"],
        "device": {"id": laptop.id, "key": laptop.public_key},
        "seq": 1,
        "tier": "free",
        "grants": {"trim": 2, "hook_run": 1},
        "max_source_seconds": 300,
        "period": {"id": "2026-01-31", "ends_at": "2026-02-28T00:00:00Z"},
        "iat": 1769860800,
        "nbf": 1769860800,
        "exp": 1772236800,
        "prev": None,
    }
    second = laptop.lease(trim=1)
    assert (second.claims["seq"], second.claims["prev"]) == (2, jti)


def test_a_premium_lease_has_no_count_but_lasts_two_weeks(ada: Person, laptop: Device) -> None:
    give_tier(ada, "premium")
    claims = laptop.lease(trim=1).claims
    assert claims["grants"] == {"trim": None, "hook_run": None}
    assert claims["max_source_seconds"] == 7200
    assert claims["exp"] - claims["iat"] == 14 * 86400


def test_no_lease_outlives_the_tier_it_was_given_for(ada: Person, laptop: Device) -> None:
    give_tier(ada, "pro", days=3)
    claims = laptop.lease(trim=50).claims
    assert (claims["tier"], claims["grants"]["trim"]) == ("pro", 50)
    assert claims["exp"] - claims["iat"] == 3 * 86400


@on_both_databases
def test_the_same_request_gets_the_same_bytes(ada: Person, laptop: Device) -> None:
    first = laptop.ask("request-1", trim=2)
    again = laptop.ask("request-1", trim=2)
    assert first.data == again.data
    assert ada.meter()["held"] == 2


def test_the_sixth_trim_says_what_would_help(ada: Person, laptop: Device) -> None:
    for _ in range(5):
        lease = laptop.lease(trim=1)
        laptop.spend(lease)
        laptop.settled(lease)
    answer = laptop.ask(trim=1)
    problem = answer.get_json()
    assert answer.status_code == 403
    assert answer.content_type == "application/problem+json"
    problem.pop("request_id")
    assert problem == {
        "type": "https://reely.app/problems/quota-exhausted",
        "code": "quota-exhausted",
        "title": "Nothing is left of this month's quota",
        "status": 403,
        "detail": "5 of this month's 5 trims are used.",
        "meter": "trim",
        "tier": "free",
        "limit": 5,
        "settled": 5,
        "held": 0,
        "what_would_help": {
            "renews_at": "2026-02-28T00:00:00Z",
            "tiers": [
                {"id": "pro", "price_cents": 999, "currency": "usd", "limit": 100},
                {"id": "premium", "price_cents": 2999, "currency": "usd", "limit": None},
            ],
        },
    }
    assert ada.meter("hook_run")["available"] == 3, "the other meter is another matter"
    assert laptop.ask(hook_run=1).status_code == 200


def test_a_lease_has_less_than_is_wanted_where_less_is_left(ada: Person, laptop: Device) -> None:
    assert laptop.lease(trim=10, hook_run=10).claims["grants"] == {"trim": 5, "hook_run": 3}
    assert laptop.ask(trim=1).status_code == 403
    assert ada.meter() == {"limit": 5, "settled": 0, "held": 5, "available": 0}


def test_one_meter_being_empty_does_not_keep_the_other_back(laptop: Device) -> None:
    laptop.lease(hook_run=3)
    assert laptop.lease(trim=1, hook_run=1).claims["grants"] == {"trim": 1, "hook_run": 0}


def test_what_one_device_holds_another_cannot_have(ada: Person, laptop: Device) -> None:
    phone = Device(ada)
    phone.add()
    assert laptop.lease(trim=3).claims["grants"]["trim"] == 3
    assert phone.lease(trim=2).claims["grants"]["trim"] == 2
    refused = phone.ask(trim=1).get_json()
    assert refused["code"] == "quota-exhausted"
    assert "5 are held by your devices" in refused["detail"]


def test_a_device_that_asks_for_more_than_there_is_leaves_some_for_the_others(
    ada: Person, laptop: Device
) -> None:
    phone = Device(ada)
    phone.add()
    assert laptop.lease(trim=100).claims["grants"]["trim"] == 3
    assert phone.lease(trim=100).claims["grants"]["trim"] == 1
    assert phone.lease(trim=100).claims["grants"]["trim"] == 1
    assert phone.ask(trim=100).status_code == 403


@pytest.mark.parametrize(
    "wants", [{"trim": -1}, {"trim": 10001}, {"trim": 1.5}, {"trim": "1"}, {"clips": 1}, None, 3]
)
def test_wants_that_are_not_right_are_refused(laptop: Device, wants: object) -> None:
    body = {"device_id": laptop.id, "request_id": "r", "wants": wants}
    assert laptop.signed("POST", "/leases", body).status_code == 422


def test_a_meter_of_which_null_is_wanted_is_not_wanted(laptop: Device) -> None:
    body = {"device_id": laptop.id, "request_id": "r", "wants": {"trim": None, "hook_run": 2}}
    lease = laptop.held(laptop.signed("POST", "/leases", body).get_json()["lease"])
    assert lease.claims["grants"] == {"trim": 0, "hook_run": 2}


@on_both_databases
def test_settling_counts_each_spend_once(ada: Person, laptop: Device) -> None:
    lease = laptop.lease(trim=3, hook_run=1)
    laptop.spend(lease)
    laptop.spend(lease, "hook_run")
    answer = laptop.settled(lease)
    assert [result["outcome"] for result in answer["results"]] == ["applied", "applied"]
    assert answer["receipt"]["lease"] == lease.id
    assert answer["receipt"]["up_to_counter"] == 2
    assert answer["receipt"]["settled"] == {"trim": 1, "hook_run": 1}
    assert answer["receipt"]["device"] == {"id": laptop.id, "key": laptop.public_key}
    assert "lease" not in answer, "none was wanted"
    assert all("reason" not in result for result in answer["results"])
    laptop.spend(lease)
    answer = laptop.settled(lease)
    assert [result["outcome"] for result in answer["results"]] == ["duplicate", "duplicate", "applied"]
    assert answer["receipt"]["settled"] == {"trim": 2, "hook_run": 1}
    assert ada.meter() == {"limit": 5, "settled": 2, "held": 1, "available": 2}
    assert ada.meter("hook_run") == {"limit": 3, "settled": 1, "held": 0, "available": 2}


def test_the_rest_comes_back_when_the_device_returns_it(ada: Person, laptop: Device) -> None:
    lease = laptop.lease(trim=4)
    laptop.spend(lease)
    laptop.settled(lease, return_rest=True)
    assert ada.meter() == {"limit": 5, "settled": 1, "held": 0, "available": 4}
    laptop.settled(lease, return_rest=True)
    assert ada.meter() == {"limit": 5, "settled": 1, "held": 0, "available": 4}


@on_both_databases
def test_settling_can_bring_the_next_lease_and_a_retry_brings_the_same(ada: Person, laptop: Device) -> None:
    lease = laptop.lease(trim=2)
    laptop.spend(lease)
    first = laptop.settled(lease, return_rest=True, wants={"trim": 3})
    again = laptop.settled(lease, return_rest=True, wants={"trim": 3})
    assert first["lease"] == again["lease"]
    following = laptop.held(first["lease"])
    assert following.claims["prev"] == lease.id
    assert following.claims["grants"]["trim"] == 3
    assert ada.meter() == {"limit": 5, "settled": 1, "held": 3, "available": 1}


def test_settling_succeeds_where_nothing_is_left_for_a_next_lease(ada: Person, laptop: Device) -> None:
    lease = laptop.lease(trim=5)
    for _ in range(5):
        laptop.spend(lease)
    answer = laptop.settled(lease, wants={"trim": 1})
    assert len(answer["results"]) == 5
    assert "lease" not in answer
    assert ada.meter() == {"limit": 5, "settled": 5, "held": 0, "available": 0}


@on_both_databases
def test_batches_in_any_order_and_number_leave_the_same_ledger(ada: Person, laptop: Device) -> None:
    lease = laptop.lease(trim=5)
    for _ in range(4):
        laptop.spend(lease)
    one, two = lease.spends[:2], lease.spends[2:]
    laptop.settled(lease, two, return_rest=True)
    assert ada.meter() == {"limit": 5, "settled": 2, "held": 0, "available": 3}
    laptop.settled(lease, one)
    laptop.settled(lease, random.Random(1).sample(lease.spends, 4))
    assert ada.meter() == {"limit": 5, "settled": 4, "held": 0, "available": 1}


def test_a_receipt_covers_no_spend_that_was_not_reported(laptop: Device) -> None:
    lease = laptop.lease(trim=5)
    for _ in range(4):
        laptop.spend(lease)
    receipt = laptop.settled(lease, lease.spends[2:])["receipt"]
    assert receipt["up_to_counter"] == 0
    assert receipt["spends"] == [spend["spend_id"] for spend in lease.spends[2:]]
    assert laptop.settled(lease, lease.spends[:1])["receipt"]["up_to_counter"] == 1
    assert laptop.settled(lease, lease.spends[1:2])["receipt"]["up_to_counter"] == 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"counter": 2}, "hash-mismatch"),
        ({"meter": "hook_run"}, "hash-mismatch"),
        ({"at": "2026-01-01T00:00:00Z"}, "hash-mismatch"),
        ({"prev_hash": "1" * 64}, "hash-mismatch"),
        ({"hash": "2" * 64}, "hash-mismatch"),
        ({"spend_id": "another"}, "hash-mismatch"),
    ],
)
def test_an_entry_that_was_altered_is_rejected_and_not_billed(
    ada: Person, laptop: Device, change: dict[str, Any], reason: str
) -> None:
    lease = laptop.lease(trim=2)
    altered = laptop.spend(lease) | change
    answer = laptop.settled(lease, [altered])
    assert answer["results"] == [{"spend_id": altered["spend_id"], "outcome": "rejected", "reason": reason}]
    assert (ada.meter()["settled"], ada.meter()["held"]) == (0, 2)


def test_a_spend_id_names_one_spend_only(ada: Person, laptop: Device) -> None:
    first, second = laptop.lease(trim=1), laptop.lease(trim=1)
    spend = laptop.spend(first)
    laptop.settled(first)
    copy = make_spend(second.id, 1, "0" * 64, "trim", laptop.person.clock()) | {"spend_id": spend["spend_id"]}
    answer = laptop.settled(second, [copy])
    assert answer["results"][0]["reason"] == "spend-id-conflict"
    assert ada.meter()["settled"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"counter": -1},
        {"counter": 2**31},
        {"meter": "export"},
        {"at": "yesterday"},
        {"at": "2026-01-01T00:00:00"},
        {"hash": "X" * 64},
        {"spend_id": ""},
        {"spend_id": "a b"},
        {"job": {"title": "x" * 5000}},
        {"job": "a\u0000b"},
        {"extra": 1},
    ],
)
def test_a_report_that_is_not_right_is_refused_whole(
    ada: Person, laptop: Device, change: dict[str, Any]
) -> None:
    lease = laptop.lease(trim=2)
    good = laptop.spend(lease)
    assert laptop.settle(lease, [good, laptop.spend(lease) | change]).status_code == 422
    assert ada.meter()["settled"] == 0


def test_somebody_elses_lease_cannot_be_settled(app: Flask, laptop: Device, clock: TestClock) -> None:
    lease = laptop.lease(trim=1)
    laptop.spend(lease)
    eve = Person(app, clock, "eve@example.com")
    eve.register()
    phone = Device(eve)
    phone.add()
    assert phone.settle(lease).status_code == 404


def test_a_lease_is_settled_by_its_own_device_only(ada: Person, laptop: Device) -> None:
    lease = laptop.lease(trim=1)
    laptop.spend(lease)
    phone = Device(ada)
    phone.add()
    assert phone.settle(lease).get_json()["code"] == "device-signature-invalid"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_flipped_bit_anywhere_in_a_lease_is_refused(app: Flask, laptop: Device, part: int) -> None:
    token = laptop.lease(trim=1).token
    parts = token.split(".")
    raw = bytearray(urlsafe_b64decode(parts[part] + "=" * (-len(parts[part]) % 4)))
    raw[len(raw) // 2] ^= 1
    parts[part] = urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    with pytest.raises((jwt.PyJWTError, AssertionError, UnicodeDecodeError, KeyError)):
        verified(app, ".".join(parts), "reely-lease+jwt")


def _copy(device: Device, lease: HeldLease) -> tuple[Device, HeldLease]:
    """The device restored from a copy of its disk."""
    return Device(device.person, key=device.key, id=device.id), HeldLease(
        lease.token, lease.claims, list(lease.spends)
    )


@pytest.mark.parametrize("first", [0, 1])
def test_a_copied_device_is_found_at_its_first_settle_and_billed_in_either_order(
    ada: Person, laptop: Device, clock: TestClock, first: int
) -> None:
    lease = laptop.lease(trim=3)
    copied, copied_lease = _copy(laptop, lease)
    for _ in range(3):
        laptop.spend(lease)
    for _ in range(2):
        copied.spend(copied_lease)
    pairs = [(laptop, lease), (copied, copied_lease)]
    pairs[first][0].settled(pairs[first][1])
    assert laptop.ask(trim=1).status_code == 200
    results = pairs[1 - first][0].settled(pairs[1 - first][1])["results"]
    assert results[0]["outcome"] == "rejected"
    assert results[0]["reason"] == "fork"
    assert ada.meter()["settled"] == 3, "as much as the lease granted"
    refused = laptop.ask(trim=1)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "sign-in-again")
    for device, held in pairs:
        device.settled(held)
    assert ada.meter()["settled"] == 3, "reporting it all again changes nothing"
    clock.advance(seconds=1)
    ada.login()
    assert laptop.ask(trim=1).status_code == 200
    clock.advance(days=31)
    ada.login()
    assert ada.meter() == {"limit": 5, "settled": 0, "held": 0, "available": 3}, "two were owed"


def test_a_fork_within_the_grant_is_billed_from_it(ada: Person, laptop: Device, clock: TestClock) -> None:
    lease = laptop.lease(trim=3)
    copied, copied_lease = _copy(laptop, lease)
    laptop.spend(lease)
    copied.spend(copied_lease)
    laptop.settled(lease)
    assert copied.settled(copied_lease)["results"][0]["reason"] == "fork"
    assert (ada.meter()["settled"], ada.meter()["held"]) == (2, 1)
    clock.advance(days=31)
    ada.login()
    assert ada.meter()["available"] == 5, "nothing is owed"


def test_a_copy_that_goes_on_where_the_other_stopped_is_found_by_the_chain(
    ada: Person, laptop: Device
) -> None:
    lease = laptop.lease(trim=5)
    copied, copied_lease = _copy(laptop, lease)
    laptop.spend(lease)
    copied.spend(copied_lease)
    copied.spend(copied_lease)
    laptop.settled(lease)
    assert copied.settled(copied_lease, copied_lease.spends[1:])["results"][0]["reason"] == "fork"
    assert ada.meter()["settled"] == 2


def test_a_device_that_spends_beyond_its_grant_owes_it(ada: Person, laptop: Device, clock: TestClock) -> None:
    lease = laptop.lease(trim=1)
    for _ in range(3):
        laptop.spend(lease)
    results = laptop.settled(lease)["results"]
    assert [result.get("reason") for result in results] == [None, "beyond-grant", "beyond-grant"]
    assert ada.meter()["settled"] == 1
    clock.advance(days=31)
    ada.login()
    assert ada.meter()["available"] == 3


@on_both_databases
def test_a_debt_beyond_a_months_limit_is_carried_on(ada: Person, laptop: Device, clock: TestClock) -> None:
    lease = laptop.lease(trim=1)
    for _ in range(8):
        laptop.spend(lease)
    laptop.settled(lease)
    clock.advance(days=31)
    ada.login()
    assert ada.meter()["available"] == 0
    assert laptop.ask(trim=1).status_code == 403
    laptop.lease(hook_run=1)  # which opens the period's ledger
    clock.advance(days=31)
    ada.login()
    assert ada.meter()["available"] == 3


@on_both_databases
def test_a_spend_counts_in_its_leases_period_whenever_it_is_reported(
    ada: Person, laptop: Device, clock: TestClock
) -> None:
    lease = laptop.lease(trim=3)
    laptop.spend(lease)
    laptop.spend(lease)
    clock.advance(days=40)
    ada.login()
    following = laptop.lease(trim=2)
    assert following.claims["period"]["id"] == "2026-02-28"
    answer = laptop.settled(lease, return_rest=True)
    assert [result["outcome"] for result in answer["results"]] == ["applied", "applied"]
    usage = ada.usage()
    assert usage["meters"]["trim"] == {"limit": 5, "settled": 0, "held": 2, "available": 3}
    assert [(month["id"], month["meters"]["trim"]) for month in usage["history"]] == [
        ("2026-02-28", 0),
        ("2026-01-31", 2),
    ]


def test_an_upgrade_gives_more_and_a_lapse_takes_nothing_away(
    ada: Person, laptop: Device, clock: TestClock
) -> None:
    give_tier(ada, "pro", days=5)
    lease = laptop.lease(trim=20)
    for _ in range(10):
        laptop.spend(lease)
    laptop.settled(lease)
    clock.advance(days=6)
    ada.login()
    assert ada.meter() == {"limit": 5, "settled": 10, "held": 10, "available": 0}
    assert laptop.ask(trim=1).status_code == 403
    laptop.spend(lease)
    assert laptop.settled(lease)["results"][-1]["outcome"] == "applied"


def test_leases_stay_valid_when_the_key_rotates(app: Flask, laptop: Device) -> None:
    old = laptop.lease(trim=1)
    keys = app.extensions["reely_config"].lease_keys
    new_kid = keys.rotate(laptop.person.clock()).kid
    new = laptop.lease(trim=1)
    assert jwt.get_unverified_header(new.token)["kid"] == new_kid
    assert jwt.get_unverified_header(old.token)["kid"] != new_kid
    verified(app, old.token, "reely-lease+jwt")
    laptop.spend(old)
    assert laptop.settled(old)["results"][0]["outcome"] == "applied"


@on_both_databases
def test_the_jobs_that_were_reported_can_be_seen_and_forgotten(
    app: Flask, ada: Person, laptop: Device, clock: TestClock
) -> None:
    lease = laptop.lease(trim=3)
    laptop.spend(lease, job={"title": "Holiday", "clips": 2})
    laptop.spend(lease, job="a word")
    laptop.spend(lease, job=None)
    laptop.settled(lease)
    laptop.settled(lease)
    jobs = ada.call("GET", "/my-jobs").get_json()["items"]
    assert {str(job["job"]) for job in jobs} == {"{'title': 'Holiday', 'clips': 2}", "a word"}
    eve = Person(app, clock, "eve@example.com")
    eve.register()
    assert eve.call("GET", "/my-jobs").get_json()["items"] == []
    assert eve.call("DELETE", f"/my-jobs/{jobs[0]['id']}").status_code == 404
    assert ada.call("DELETE", f"/my-jobs/{jobs[0]['id']}").status_code == 204
    assert ada.call("DELETE", f"/my-jobs/{jobs[0]['id']}").status_code == 404
    assert len(ada.call("GET", "/my-jobs").get_json()["items"]) == 1
    assert ada.meter()["settled"] == 3, "forgetting is not refunding"


def test_an_unknown_lease_or_device_is_not_found(laptop: Device) -> None:
    unknown = HeldLease("", {"jti": str(uuid.uuid4())})
    assert laptop.settle(unknown, []).status_code == 404
    body = {"device_id": str(uuid.uuid4()), "request_id": "r", "wants": {"trim": 1}}
    assert laptop.signed("POST", "/leases", body).status_code == 404
