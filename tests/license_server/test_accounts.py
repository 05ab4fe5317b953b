"""Signing up and in, staying signed in, and leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask import Flask
from sqlalchemy import func, select, text

from license_server.accounts.models import SignInAttempts
from license_server.config import Argon2Cost, Config
from license_server.database import Base, db
from license_server.system.models import AuditEntry
from tests.license_server.actors import PASSWORD, Device, Person, TestClock, on_both_databases
from tests.license_server.post import letters, token

USER_FIELDS = {"id", "email", "full_name", "tier", "role", "email_verified", "created_at"}


def test_signing_up_answers_a_user_and_a_session(app: Flask, clock: TestClock) -> None:
    answer = Person(app, clock, "Grace.Hopper@Example.COM").register()
    assert set(answer) == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    assert set(answer["user"]) == USER_FIELDS
    assert answer["user"]["email"] == "grace.hopper@example.com"
    assert answer["user"]["tier"] == "free"
    assert answer["user"]["created_at"] == "2026-01-31T12:00:00Z"
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody", "password": PASSWORD}, "email"),
        ({"email": "a@b@c.example", "password": PASSWORD}, "email"),
        ({"password": PASSWORD}, "email"),
        ({"email": "x@example.com", "password": "short12"}, "password"),
        ({"email": "x@example.com", "password": "x" * 257}, "password"),
        ({"email": "x@example.com", "password": 12345678}, "password"),
        ({"email": "x@example.com", "password": PASSWORD, "full_name": "a\nb"}, "full_name"),
        ({"email": "x@example.com", "password": PASSWORD, "admin": True}, "admin"),
    ],
)
def test_a_registration_that_is_not_right_names_the_field(
    app: Flask, clock: TestClock, body: dict[str, Any], field: str
) -> None:
    answer = Person(app, clock, "").call("POST", "/auth/register", body, token="")
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "validation-failed"
    assert [fault["field"] for fault in answer.get_json()["errors"]] == [field]


@pytest.mark.parametrize("password", ["password1", "Iloveyou", "12345678", "ada@example.com"])
def test_a_password_that_anybody_would_guess_is_refused(app: Flask, clock: TestClock, password: str) -> None:
    body = {"email": "ada@example.com", "password": password}
    answer = Person(app, clock, "").call("POST", "/auth/register", body, token="")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "password-too-common")


def test_a_password_of_256_characters_counts_to_its_last_one(app: Flask, clock: TestClock) -> None:
    person = Person(app, clock, "long@example.com")
    person.register("a" * 255 + "b")
    assert (
        person.call(
            "POST", "/auth/login", {"email": person.email, "password": "a" * 255 + "c"}, token=""
        ).status_code
        == 401
    )
    assert person.login("a" * 255 + "b")["user"]["email"] == person.email


def test_the_same_character_typed_in_two_ways_is_the_same_password(app: Flask, clock: TestClock) -> None:
    person = Person(app, clock, "accent@example.com")
    person.register("caf\u00e9 au lait")
    person.login("cafe\u0301 au lait")


def test_an_address_is_taken_once_in_any_spelling(app: Flask, ada: Person, clock: TestClock) -> None:
    body = {"email": "ADA@example.com", "password": PASSWORD}
    answer = ada.call("POST", "/auth/register", body, token="")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "email-taken")


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(ada: Person) -> None:
    answers = [
        ada.call("POST", "/auth/login", {"email": email, "password": "wrong password"}, token="")
        for email in (ada.email, "nobody@example.com")
    ]
    bodies = [answer.get_json() for answer in answers]
    for body in bodies:
        body.pop("request_id")
    assert bodies[0] == bodies[1]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert bodies[0]["code"] == "invalid-credentials"


def test_an_unknown_address_costs_a_hash_like_a_known_one(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher

    verified: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, hash: str | bytes, password: str | bytes) -> bool:
        verified.append(str(hash).rsplit("$", 2)[0])
        return verify(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    for email in (ada.email, "nobody@example.com"):
        ada.call("POST", "/auth/login", {"email": email, "password": "wrong password"}, token="")
    assert len(verified) == 2
    assert verified[0] == verified[1], "the same parameters, so the same time"


def test_a_stored_password_is_argon2id(app: Flask, ada: Person) -> None:
    with app.app_context():
        stored = db.session.execute(text("SELECT password_hash FROM accounts")).scalar_one()
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


def test_a_password_is_hashed_anew_at_sign_in_when_the_cost_has_changed(
    ada: Person, config: Config, start: Callable[[Config], Flask], clock: TestClock
) -> None:
    dearer = start(
        config.model_copy(update={"argon2": Argon2Cost(time_cost=2, memory_kib=16, parallelism=1)})
    )
    with dearer.app_context():
        before = db.session.execute(text("SELECT password_hash FROM accounts")).scalar_one()
    again = Person(dearer, clock, ada.email)
    for _ in range(2):
        again.login()
        with dearer.app_context():
            stored = db.session.execute(text("SELECT password_hash FROM accounts")).scalar_one()
        assert "$m=16,t=2,p=1$" in stored
        assert stored != before
    ada.login()


def test_an_access_token_lasts_fifteen_minutes(ada: Person, clock: TestClock) -> None:
    clock.advance(minutes=14, seconds=59)
    assert ada.call("GET", "/auth/me").status_code == 200
    clock.advance(seconds=1)
    answer = ada.call("GET", "/auth/me")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "token-expired")


@pytest.mark.parametrize(
    "token", ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "rt_0000000000000000"]
)
def test_a_token_that_is_not_ours_is_refused(ada: Person, token: str) -> None:
    answer = ada.call("GET", "/auth/me", token=token)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "token-invalid")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_access_token_signed_with_another_secret_is_refused(ada: Person) -> None:
    claims = jwt.decode(ada.access, options={"verify_signature": False})
    forged = jwt.encode(claims, "another secret of thirty-two bytes or more", algorithm="HS256")
    assert ada.call("GET", "/auth/me", token=forged).get_json()["code"] == "token-invalid"


def test_a_lease_is_no_access_token(ada: Person, laptop: Device) -> None:
    lease = laptop.lease(trim=1)
    assert ada.call("GET", "/auth/me", token=lease.token).get_json()["code"] == "token-invalid"


def test_without_a_token_one_is_told_to_send_one(ada: Person) -> None:
    answer = ada.call("GET", "/auth/me", token="")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "not-signed-in")


def test_refreshing_gives_a_new_pair_and_keeps_the_session(ada: Person, clock: TestClock) -> None:
    clock.advance(minutes=20)
    answer = ada.call("POST", "/auth/refresh", token=ada.refresh)
    assert answer.status_code == 200
    assert answer.get_json()["refresh_token"] != ada.refresh
    assert ada.call("GET", "/auth/me", token=answer.get_json()["access_token"]).status_code == 200


@on_both_databases
def test_a_refresh_retried_within_ten_seconds_gets_the_same_answer(ada: Person, clock: TestClock) -> None:
    first = ada.call("POST", "/auth/refresh", token=ada.refresh).get_json()
    clock.advance(seconds=10)
    again = ada.call("POST", "/auth/refresh", token=ada.refresh).get_json()
    assert first == again
    assert ada.call("POST", "/auth/refresh", token=first["refresh_token"]).status_code == 200


@on_both_databases
def test_a_refresh_token_that_comes_back_ends_its_whole_family(ada: Person, clock: TestClock) -> None:
    new = ada.call("POST", "/auth/refresh", token=ada.refresh).get_json()
    clock.advance(seconds=11)
    stolen = ada.call("POST", "/auth/refresh", token=ada.refresh)
    assert (stolen.status_code, stolen.get_json()["code"]) == (401, "refresh-token-reused")
    assert ada.call("POST", "/auth/refresh", token=new["refresh_token"]).get_json()["code"] == "session-ended"
    assert ada.call("GET", "/auth/me", token=new["access_token"]).get_json()["code"] == "session-ended"


@on_both_databases
def test_a_refresh_token_is_stolen_as_soon_as_the_one_after_it_was_used(ada: Person) -> None:
    new = ada.call("POST", "/auth/refresh", token=ada.refresh).get_json()["refresh_token"]
    newer = ada.call("POST", "/auth/refresh", token=new).get_json()
    stolen = ada.call("POST", "/auth/refresh", token=ada.refresh)
    assert (stolen.status_code, stolen.get_json()["code"]) == (401, "refresh-token-reused")
    assert ada.call("GET", "/auth/me", token=newer["access_token"]).get_json()["code"] == "session-ended"


def test_one_family_ending_leaves_other_sessions_alone(ada: Person, clock: TestClock) -> None:
    used = ada.refresh
    ada.call("POST", "/auth/refresh", token=used)
    elsewhere = ada.login()
    clock.advance(seconds=60)
    ada.call("POST", "/auth/refresh", token=used)
    assert ada.call("GET", "/auth/me", token=elsewhere["access_token"]).status_code == 200


@pytest.mark.parametrize("token", ["", "nonsense", "rt_unknown"])
def test_an_unknown_refresh_token_is_refused(ada: Person, token: str) -> None:
    answer = ada.call("POST", "/auth/refresh", token=token)
    assert answer.status_code == 401
    assert answer.get_json()["code"] in {"not-signed-in", "refresh-token-invalid"}


def test_an_access_token_does_not_refresh(ada: Person) -> None:
    answer = ada.call("POST", "/auth/refresh", token=ada.access)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "refresh-token-invalid")


def test_a_session_that_nobody_used_for_ninety_days_is_over(ada: Person, clock: TestClock) -> None:
    clock.advance(days=90)
    answer = ada.call("POST", "/auth/refresh", token=ada.refresh)
    assert answer.get_json()["code"] == "refresh-token-invalid"


def test_no_token_lies_in_the_database(app: Flask, ada: Person) -> None:
    new = ada.call("POST", "/auth/refresh", token=ada.refresh).get_json()
    with app.app_context():
        cells = [
            str(cell)
            for table in Base.metadata.sorted_tables
            for row in db.session.execute(select(table))
            for cell in row
        ]
    for secret in (ada.refresh, ada.access, new["refresh_token"], new["access_token"]):
        assert not any(secret in cell for cell in cells)


def test_logging_out_ends_the_session_at_once(ada: Person) -> None:
    assert ada.call("POST", "/auth/logout").status_code == 204
    assert ada.call("GET", "/auth/me").get_json()["code"] == "session-ended"
    assert ada.call("POST", "/auth/refresh", token=ada.refresh).status_code == 401


def test_changing_the_password_ends_the_other_sessions(ada: Person) -> None:
    elsewhere = ada.access
    ada.login()
    body = {"current_password": PASSWORD, "new_password": "eight orange kettles"}
    assert ada.call("POST", "/auth/change-password", body).status_code == 204
    assert ada.call("GET", "/auth/me").status_code == 200
    assert ada.call("GET", "/auth/me", token=elsewhere).status_code == 401
    ada.login("eight orange kettles")
    wrong = {"email": ada.email, "password": PASSWORD}
    assert ada.call("POST", "/auth/login", wrong, token="").status_code == 401


@pytest.mark.parametrize(
    ("current", "new", "status", "code"),
    [
        ("not my password", "eight orange kettles", 401, "invalid-credentials"),
        (PASSWORD, "password1", 422, "password-too-common"),
        (PASSWORD, "short", 422, "validation-failed"),
    ],
)
def test_a_password_change_that_is_refused_changes_nothing(
    ada: Person, current: str, new: str, status: int, code: str
) -> None:
    body = {"current_password": current, "new_password": new}
    answer = ada.call("POST", "/auth/change-password", body)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    ada.login()


def test_sessions_are_listed_and_ended_one_by_one(ada: Person) -> None:
    elsewhere = ada.access
    ada.login()
    listed = ada.call("GET", "/auth/sessions").get_json()
    assert [session["current"] for session in listed["items"]].count(True) == 1
    assert len(listed["items"]) == 2
    assert listed["next"] is None
    other = next(session for session in listed["items"] if not session["current"])
    assert ada.call("DELETE", f"/auth/sessions/{other['id']}").status_code == 204
    assert ada.call("GET", "/auth/me", token=elsewhere).status_code == 401
    assert ada.call("DELETE", f"/auth/sessions/{other['id']}").status_code == 404


@on_both_databases
def test_a_list_comes_in_parts_without_gaps_or_repeats(ada: Person, clock: TestClock) -> None:
    for minute in range(6):
        clock.advance(seconds=minute % 2)  # some sign-ins at the very same moment
        ada.login()
    seen: list[str] = []
    cursor = ""
    while True:
        part = ada.call("GET", f"/auth/sessions?limit=2{cursor}").get_json()
        seen += [session["id"] for session in part["items"]]
        if part["next"] is None:
            break
        cursor = f"&cursor={part['next']}"
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=!!",
        "cursor=W10=",
        "page=2",
        "cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwgIngiXQ==",
    ],
)
def test_a_query_that_is_not_right_is_refused(ada: Person, query: str) -> None:
    assert ada.call("GET", f"/auth/sessions?{query}").status_code == 422


def test_nobody_ends_somebody_elses_session(app: Flask, ada: Person, clock: TestClock) -> None:
    eve = Person(app, clock, "eve@example.com")
    eve.register()
    session = ada.call("GET", "/auth/sessions").get_json()["items"][0]
    assert eve.call("DELETE", f"/auth/sessions/{session['id']}").status_code == 404
    assert ada.call("GET", "/auth/me").status_code == 200


def test_a_name_can_be_changed_and_taken_away(ada: Person) -> None:
    assert (
        ada.call("PUT", "/auth/me", {"full_name": "Ada Lovelace"}).get_json()["full_name"] == "Ada Lovelace"
    )
    assert ada.call("PUT", "/auth/me", {}).get_json()["full_name"] == "Ada Lovelace"
    assert ada.call("PUT", "/auth/me", {"full_name": None}).get_json()["full_name"] is None
    assert ada.call("PUT", "/auth/me", {"tier": "premium"}).status_code == 422


def test_another_address_needs_the_password(ada: Person) -> None:
    assert ada.call("PUT", "/auth/me", {"email": "new@example.com"}).status_code == 422
    wrong = {"email": "new@example.com", "current_password": "not my password"}
    assert ada.call("PUT", "/auth/me", wrong).status_code == 401
    for number, name in enumerate(("current_password", "password")):
        right = {"email": f"new{number}@example.com", name: PASSWORD}
        assert ada.call("PUT", "/auth/me", right).get_json()["email"] == right["email"]
    ada.email = " new1@Example.com "
    ada.login()


@on_both_databases
def test_an_account_is_deleted_with_everything_that_hangs_on_it(
    app: Flask, ada: Person, laptop: Device
) -> None:
    lease = laptop.lease(trim=2, hook_run=1)
    laptop.spend(lease)
    laptop.settled(lease)
    assert ada.call("DELETE", "/auth/me", {"password": "not my password"}).status_code == 401
    assert ada.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    assert ada.call("GET", "/auth/me").get_json()["code"] == "session-ended"
    with app.app_context():
        left = {
            table.name: db.session.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.sorted_tables
            if table.name not in {AuditEntry.__tablename__, SignInAttempts.__tablename__}
        }
        tries = db.session.scalars(select(SignInAttempts.account_key)).all()
    assert left == dict.fromkeys(left, 0)
    assert tries == [""], "that somebody at this address failed is about no account"


@on_both_databases
def test_an_export_has_everything_but_secrets(ada: Person, laptop: Device) -> None:
    lease = laptop.lease(trim=2)
    laptop.spend(lease, job={"title": "My holiday"})
    laptop.settled(lease)
    answer = ada.call("GET", "/auth/export")
    tables = answer.get_json()["tables"]
    assert answer.get_json()["user"]["email"] == ada.email
    assert tables["jobs"][0]["details"] == {"title": "My holiday"}
    assert {"accounts", "sessions", "devices", "leases", "spends", "usage_stats", "audit_log"} <= set(tables)
    assert all(len(tables[name]) for name in ("accounts", "sessions", "devices", "leases", "spends"))
    assert "argon2id" not in answer.text
    assert lease.token not in answer.text


def test_too_many_tries_from_one_address_are_slowed_down(
    config: Config, start: Callable[[Config], Flask], clock: TestClock
) -> None:
    limits = config.rate_limits.model_copy(update={"sign_in": "3 per minute"})
    person = Person(start(config.model_copy(update={"rate_limits": limits})), clock, "ada@example.com")
    person.register()
    body = {"email": person.email, "password": "wrong password"}
    answers = [person.call("POST", "/auth/login", body, token="") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[3].get_json()["code"] == "too-many-requests"
    assert int(answers[3].headers["Retry-After"]) > 0
    assert person.call("GET", "/auth/me").status_code == 200, "only this kind of call is slowed down"


def test_the_mail_that_confirms_the_address_is_sent_again_until_it_is_confirmed(
    app: Flask, ada: Person
) -> None:
    subject = "Confirm your email address"
    (first,) = letters(app, subject)
    assert ada.call("POST", "/auth/resend-verification").status_code == 204
    (again,) = [letter for letter in letters(app, subject) if token(letter) != token(first)]
    assert ada.call("POST", "/auth/verify-email", {"token": token(again)}, token="").status_code == 204
    assert ada.call("POST", "/auth/resend-verification").status_code == 204
    assert len(letters(app, subject)) == 2
    assert ada.call("POST", "/auth/resend-verification", token="").status_code == 401


def test_a_session_that_was_left_alone_for_too_long_is_not_listed(ada: Person, clock: TestClock) -> None:
    clock.advance(days=89)
    ada.login()
    assert len(ada.call("GET", "/auth/sessions").get_json()["items"]) == 2
    clock.advance(days=1)
    ada.login()
    assert len(ada.call("GET", "/auth/sessions").get_json()["items"]) == 2
