"""Guessing passwords gets slow, and nobody is shut out by somebody else."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from license_server.accounts import throttle
from license_server.accounts.models import SignInAttempts
from license_server.database import db
from tests.license_server.actors import PASSWORD, Person, TestClock, on_both_databases

HOME, CAFE = "198.51.100.7", "203.0.113.9"


def _login(app: Flask, email: str, password: str, address: str) -> TestResponse:
    return app.test_client().post(
        "/api/v1/auth/login",
        json={"email": email, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )


def _fail(app: Flask, email: str, address: str, times: int) -> list[int]:
    return [_login(app, email, "wrong password", address).status_code for _ in range(times)]


@on_both_databases
@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_each_failure_after_the_free_ones_doubles_the_wait(
    app: Flask, ada: Person, clock: TestClock, email: str
) -> None:
    assert _fail(app, email, CAFE, throttle.FREE_TRIES - 1) == [401] * (throttle.FREE_TRIES - 1)
    assert "Retry-After" not in _login(app, email, "wrong password", CAFE).headers
    for wait in (1, 2, 4, 8):
        refused = _login(app, email, PASSWORD, CAFE)
        assert (refused.status_code, refused.get_json()["code"]) == (429, "too-many-attempts")
        assert refused.headers["Retry-After"] == str(wait)
        clock.advance(seconds=wait)
        assert _fail(app, email, CAFE, 1) == [401]


def test_who_waited_gets_in_and_starts_anew(app: Flask, ada: Person, clock: TestClock) -> None:
    _fail(app, ada.email, CAFE, throttle.FREE_TRIES)
    assert _login(app, ada.email, PASSWORD, CAFE).status_code == 429
    clock.advance(seconds=1)
    assert _login(app, ada.email, PASSWORD, CAFE).status_code == 200
    assert _fail(app, ada.email, CAFE, throttle.FREE_TRIES) == [401] * throttle.FREE_TRIES


def test_trying_during_the_wait_does_not_lengthen_it(app: Flask, ada: Person, clock: TestClock) -> None:
    _fail(app, ada.email, CAFE, throttle.FREE_TRIES)
    assert _fail(app, ada.email, CAFE, 20) == [429] * 20
    clock.advance(seconds=1)
    assert _login(app, ada.email, PASSWORD, CAFE).status_code == 200


def test_the_wait_has_a_longest(app: Flask, ada: Person, clock: TestClock) -> None:
    for _ in range(throttle.FREE_TRIES + 16):
        _fail(app, ada.email, CAFE, 1)
        clock.advance(minutes=15)
    _fail(app, ada.email, CAFE, 1)
    assert _login(app, ada.email, PASSWORD, CAFE).headers["Retry-After"] == "900"


def test_an_attack_from_many_addresses_never_keeps_the_owner_out(app: Flask, ada: Person) -> None:
    for number in range(40):
        _fail(app, ada.email, f"192.0.2.{number}", throttle.FREE_TRIES)
    assert _login(app, ada.email, PASSWORD, HOME).status_code == 200, "from an address never seen"
    assert _login(app, ada.email, PASSWORD, "127.0.0.1").status_code == 200, "and from where she signed up"


def test_during_such_an_attack_each_new_address_has_one_free_try(app: Flask, ada: Person) -> None:
    for number in range(throttle.UNDER_ATTACK // throttle.FREE_TRIES):
        _fail(app, ada.email, f"192.0.2.{number}", throttle.FREE_TRIES)
    assert _fail(app, ada.email, CAFE, 3) == [401, 429, 429]
    assert _fail(app, ada.email, "127.0.0.1", 3) == [401] * 3, "but one that she signs in from is known"


def test_an_address_that_tries_many_accounts_has_to_wait(app: Flask, ada: Person, clock: TestClock) -> None:
    tries = [_fail(app, f"{number}@example.com", "127.0.0.1", 1)[0] for number in range(32)]
    assert tries == [401] * throttle.FREE_TRIES_OF_AN_ADDRESS + [429] * 2
    assert _login(app, "new@example.com", PASSWORD, CAFE).status_code == 401, "others are not held up"
    assert _login(app, ada.email, PASSWORD, "127.0.0.1").status_code == 200, "nor those known at the address"
    clock.advance(seconds=1)
    assert _fail(app, "31@example.com", "127.0.0.1", 1) == [401]


def test_a_success_of_ones_own_does_not_clear_the_failures_at_others(
    app: Flask, ada: Person, clock: TestClock
) -> None:
    for number in range(throttle.FREE_TRIES_OF_AN_ADDRESS):
        _fail(app, f"{number}@example.com", CAFE, 1)
        _login(app, ada.email, PASSWORD, CAFE)
    clock.advance(milliseconds=500)
    assert _fail(app, "last@example.com", CAFE, 1) == [429]


def test_a_whole_ipv6_network_counts_as_one_address(app: Flask, ada: Person) -> None:
    tries = [_fail(app, ada.email, f"2001:db8:1:2::{number:x}", 1)[0] for number in range(1, 8)]
    assert tries == [401] * throttle.FREE_TRIES + [429] * 2
    assert _login(app, ada.email, PASSWORD, "2001:db8:1:3::1").status_code == 200


def test_failures_are_forgotten_after_a_quiet_night(app: Flask, ada: Person, clock: TestClock) -> None:
    _fail(app, ada.email, CAFE, throttle.FREE_TRIES)
    clock.advance(hours=12)
    assert _fail(app, ada.email, CAFE, throttle.FREE_TRIES) == [401] * throttle.FREE_TRIES


@on_both_databases
def test_tries_at_the_same_moment_are_all_counted(app: Flask, ada: Person) -> None:
    gate = threading.Barrier(8)
    statuses: list[int] = []

    def guess() -> None:
        gate.wait()
        statuses.extend(_fail(app, ada.email, CAFE, 2))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * throttle.FREE_TRIES + [429] * (16 - throttle.FREE_TRIES)


def test_neither_the_email_nor_the_address_is_kept_in_clear(app: Flask, ada: Person) -> None:
    _fail(app, ada.email, CAFE, 1)
    with app.app_context():
        rows = db.session.scalars(select(SignInAttempts)).all()
        kept = {key for row in rows for key in (row.account_key, row.address_key)} - {""}
    assert len(rows) == 4
    assert all(len(key) == 64 and int(key, 16) for key in kept)


def _asked(person: Person, path: str, password: str) -> TestResponse:
    """A call that asks somebody who is signed in for their password."""
    method, body = {
        "/auth/change-password": (
            "POST",
            {"current_password": password, "new_password": "eight orange kettles"},
        ),
        "/auth/me": ("DELETE", {"password": password}),
        "/auth/me?email": ("PUT", {"current_password": password, "email": "new@example.com"}),
    }[path]
    return person.call(method, path.partition("?")[0], body)


@on_both_databases
@pytest.mark.parametrize("path", ["/auth/change-password", "/auth/me", "/auth/me?email"])
def test_who_is_signed_in_cannot_guess_the_password_faster(ada: Person, clock: TestClock, path: str) -> None:
    refusals = [_asked(ada, path, "wrong password") for _ in range(throttle.FREE_TRIES)]
    assert {(answer.status_code, answer.get_json()["code"]) for answer in refusals} == {
        (401, "invalid-credentials")
    }
    for wait in (1, 2, 4):
        refused = _asked(ada, path, PASSWORD)
        assert (refused.status_code, refused.get_json()["code"]) == (429, "too-many-attempts")
        assert refused.headers["Retry-After"] == str(wait)
        clock.advance(seconds=wait)
        assert _asked(ada, path, "wrong password").status_code == 401
    clock.advance(seconds=8)
    assert _asked(ada, path, PASSWORD).status_code in {200, 204}


def test_the_tries_at_signing_in_and_at_changing_the_password_count_together(app: Flask, ada: Person) -> None:
    _fail(app, ada.email, "127.0.0.1", throttle.FREE_TRIES)
    assert _asked(ada, "/auth/change-password", PASSWORD).status_code == 429


@on_both_databases
def test_guesses_at_the_same_moment_are_counted_one_by_one(app: Flask, ada: Person) -> None:
    gate = threading.Barrier(8)
    statuses: list[int] = []

    def guess() -> None:
        gate.wait()
        statuses.append(_asked(ada, "/auth/change-password", "wrong password").status_code)

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * throttle.FREE_TRIES + [429] * (8 - throttle.FREE_TRIES)
