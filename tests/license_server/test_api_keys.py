"""API keys: for Pro and Premium, shown once, with scopes, and gone with the tier."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from license_server.api_keys.models import ApiKey
from license_server.api_keys.service import MOST_KEYS
from license_server.background.cleanup import clean
from license_server.database import db
from tests.license_server.actors import Device, Person, TestClock, give_tier, on_both_databases


@pytest.fixture
def pro(ada: Person) -> Person:
    give_tier(ada, "pro")
    return ada


def _made(person: Person, **body: Any) -> dict[str, Any]:
    answer = person.call("POST", "/api-keys", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def _with_key(person: Person, key: str, method: str, path: str, body: object = None) -> TestResponse:
    return person.call(method, path, body, token="", headers={"X-API-Key": key})


def _code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


@on_both_databases
def test_a_key_calls_in_place_of_a_token(pro: Person) -> None:
    made = _made(pro, name="My script")
    assert set(made) == {"id", "name", "prefix", "scopes", "created_at", "last_used_at", "key"}
    answer = _with_key(pro, made["key"], "GET", "/auth/me")
    assert (answer.status_code, answer.get_json()["email"]) == (200, pro.email)


def test_free_accounts_are_told_which_tiers_have_keys(ada: Person) -> None:
    answer = ada.call("POST", "/api-keys", {"name": "My script"})
    assert _code(answer) == (403, "tier-limit")
    assert [tier["id"] for tier in answer.get_json()["what_would_help"]["tiers"]] == ["pro", "premium"]
    assert ada.call("GET", "/api-keys").get_json() == {"items": [], "next": None}


def test_a_key_is_shown_once_and_kept_as_its_hash(app: Flask, pro: Person) -> None:
    made = _made(pro)
    assert re.fullmatch(r"reely_[0-9a-f]{8}_[A-Za-z0-9_-]{22}", made["key"]), "22 characters are 128 bits"
    assert made["key"].startswith(made["prefix"])
    listed = pro.call("GET", "/api-keys")
    assert [item["id"] for item in listed.get_json()["items"]] == [made["id"]]
    secret = made["key"].removeprefix(made["prefix"] + "_")
    assert secret not in listed.text
    assert secret not in pro.call("GET", "/auth/export").text
    with app.app_context():
        row = db.session.scalars(select(ApiKey)).one()
        assert row.key_hash == hashlib.sha256(made["key"].encode()).hexdigest()
        assert not [column for column in vars(row).values() if secret in str(column)]


def test_its_last_use_is_told(pro: Person, clock: TestClock) -> None:
    made = _made(pro)
    assert made["last_used_at"] is None
    clock.advance(minutes=10)
    _with_key(pro, made["key"], "GET", "/auth/usage")
    clock.advance(seconds=30)
    _with_key(pro, made["key"], "GET", "/auth/usage")
    assert pro.call("GET", "/api-keys").get_json()["items"][0]["last_used_at"] == "2026-01-31T12:10:00Z"


@on_both_databases
def test_an_ended_key_is_refused_at_once(pro: Person) -> None:
    made = _made(pro)
    assert pro.call("DELETE", f"/api-keys/{made['id']}").status_code == 204
    assert _code(_with_key(pro, made["key"], "GET", "/auth/me")) == (401, "api-key-invalid")
    assert pro.call("GET", "/api-keys").get_json()["items"] == []
    assert pro.call("DELETE", f"/api-keys/{made['id']}").status_code == 404


@pytest.mark.parametrize("key", ["", "nonsense", "reely_00000000_AAAAAAAAAAAAAAAAAAAAAA", "\xe9"])
def test_a_key_that_is_not_ours_is_refused(pro: Person, key: str) -> None:
    assert _code(_with_key(pro, key, "GET", "/auth/me")) == (401, "api-key-invalid")


def test_a_key_may_do_what_its_scopes_say(pro: Person, laptop: Device) -> None:
    reading, writing = _made(pro, scopes=["read"])["key"], _made(pro, scopes=["write"])["key"]
    assert _with_key(pro, reading, "GET", "/devices").status_code == 200
    assert _code(_with_key(pro, reading, "DELETE", f"/devices/{laptop.id}")) == (403, "scope-missing")
    assert _code(_with_key(pro, writing, "GET", "/devices")) == (403, "scope-missing")
    assert _with_key(pro, writing, "DELETE", f"/devices/{laptop.id}").status_code == 204


@pytest.mark.parametrize("scopes", [[], ["admin"], "read"])
def test_scopes_are_of_a_list(pro: Person, scopes: object) -> None:
    assert pro.call("POST", "/api-keys", {"scopes": scopes}).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api-keys", {}),
        ("GET", "/api-keys", None),
        ("POST", "/auth/logout", None),
        ("PUT", "/auth/me", {"full_name": "Eve"}),
        ("DELETE", "/auth/me", {"password": "seven purple lanterns"}),
        ("POST", "/auth/change-password", {"current_password": "x", "new_password": "eight kettles"}),
        ("GET", "/auth/sessions", None),
        ("GET", "/auth/export", None),
    ],
)
def test_a_key_cannot_take_the_account_over(pro: Person, method: str, path: str, body: object) -> None:
    key = _made(pro)["key"]
    assert _code(_with_key(pro, key, method, path, body)) == (403, "sign-in-needed")
    assert pro.call("GET", "/auth/me").get_json()["full_name"] is None


def test_a_key_does_not_refresh_and_a_token_goes_before_it(pro: Person) -> None:
    key = _made(pro)["key"]
    assert _with_key(pro, key, "POST", "/auth/refresh").status_code == 401
    both = pro.call("GET", "/auth/me", token="nonsense", headers={"X-API-Key": key})
    assert _code(both) == (401, "token-invalid")


@on_both_databases
def test_keys_end_with_the_tier_and_do_not_come_back(app: Flask, pro: Person, clock: TestClock) -> None:
    key = _made(pro)["key"]
    clock.advance(days=366)
    pro.login()
    refused = _with_key(pro, key, "GET", "/auth/me")
    assert _code(refused) == (403, "tier-limit")
    assert refused.get_json()["what_would_help"]["tiers"][0]["id"] == "pro"
    give_tier(pro, "premium")
    assert _code(_with_key(pro, key, "GET", "/auth/me")) == (401, "api-key-invalid")


def test_keys_end_with_the_tier_also_where_nobody_used_them(
    app: Flask, pro: Person, clock: TestClock
) -> None:
    key = _made(pro)["key"]
    clean(app)
    assert _with_key(pro, key, "GET", "/auth/me").status_code == 200, "not before"
    clock.advance(days=366)
    clean(app)
    give_tier(pro, "premium")
    assert _code(_with_key(pro, key, "GET", "/auth/me")) == (401, "api-key-invalid")


def test_an_account_has_so_many_keys(pro: Person) -> None:
    first = _made(pro)
    for _ in range(MOST_KEYS - 1):
        _made(pro)
    assert _code(pro.call("POST", "/api-keys", {})) == (409, "api-key-limit")
    pro.call("DELETE", f"/api-keys/{first['id']}")
    _made(pro)


def test_nobody_ends_somebody_elses_key(app: Flask, pro: Person, clock: TestClock) -> None:
    made = _made(pro)
    eve = Person(app, clock, "eve@example.com")
    eve.register()
    assert eve.call("DELETE", f"/api-keys/{made['id']}").status_code == 404
    assert _with_key(pro, made["key"], "GET", "/auth/me").status_code == 200
