"""Confirming an address and getting back in by mail, through the API and through the pages."""

from __future__ import annotations

import hashlib
import re
import threading
from base64 import b64encode
from html.parser import HTMLParser

import pytest
from flask import Flask
from sqlalchemy import event, select

from license_server.database import Base, db
from tests.license_server.actors import PASSWORD, Person, TestClock, on_both_databases
from tests.license_server.post import letters, text, token

NEW = "eight orange kettles"


def _forgot(person: Person, email: str | None = None) -> None:
    answer = person.call("POST", "/auth/forgot-password", {"email": email or person.email}, token="")
    assert answer.status_code == 202


def _reset(person: Person, text: str, password: str = NEW) -> tuple[int, str]:
    body = {"token": text, "new_password": password}
    answer = person.call("POST", "/auth/reset-password", body, token="")
    return answer.status_code, "" if answer.status_code == 204 else answer.get_json()["code"]


def _verify(person: Person, text: str) -> tuple[int, str]:
    answer = person.call("POST", "/auth/verify-email", {"token": text}, token="")
    return answer.status_code, "" if answer.status_code == 204 else answer.get_json()["code"]


INVALID = (400, "email-token-invalid")


@on_both_databases
def test_signing_up_sends_a_token_that_verifies_once(app: Flask, ada: Person) -> None:
    (letter,) = letters(app)
    assert ada.call("GET", "/auth/me").get_json()["email_verified"] is False
    assert _verify(ada, token(letter)) == (204, "")
    assert ada.call("GET", "/auth/me").get_json()["email_verified"] is True
    assert _verify(ada, token(letter)) == INVALID


def test_a_verification_expires(app: Flask, ada: Person, clock: TestClock) -> None:
    (letter,) = letters(app)
    clock.advance(days=3)
    assert _verify(ada, token(letter)) == INVALID


def test_another_address_has_to_be_verified_anew_and_the_old_token_is_void(app: Flask, ada: Person) -> None:
    (first,) = letters(app)
    body = {"email": "new@example.com", "current_password": PASSWORD}
    assert ada.call("PUT", "/auth/me", body).status_code == 200
    assert _verify(ada, token(first)) == INVALID
    (second,) = [letter for letter in letters(app) if letter["To"] == "new@example.com"]
    assert _verify(ada, token(second)) == (204, "")


@on_both_databases
def test_a_reset_sets_the_password_and_ends_every_session(app: Flask, ada: Person) -> None:
    _forgot(ada)
    (letter,) = letters(app, "new password")
    assert _reset(ada, token(letter)) == (204, "")
    assert ada.call("GET", "/auth/me").get_json()["code"] == "session-ended"
    assert ada.call("POST", "/auth/refresh", token=ada.refresh).status_code == 401
    ada.login(NEW)
    assert ada.call("GET", "/auth/me").get_json()["email_verified"] is True
    assert _reset(ada, token(letter)) == INVALID
    old = {"email": ada.email, "password": PASSWORD}
    assert ada.call("POST", "/auth/login", old, token="").status_code == 401


def test_a_reset_expires_after_an_hour(app: Flask, ada: Person, clock: TestClock) -> None:
    _forgot(ada)
    (letter,) = letters(app, "new password")
    clock.advance(minutes=59)
    assert _reset(ada, token(letter), "short") == (422, "validation-failed")
    clock.advance(minutes=1)
    assert _reset(ada, token(letter)) == INVALID


def test_a_refused_password_does_not_use_up_the_token(app: Flask, ada: Person) -> None:
    _forgot(ada)
    (letter,) = letters(app, "new password")
    assert _reset(ada, token(letter), "password1") == (422, "password-too-common")
    assert _reset(ada, token(letter)) == (204, "")


def test_a_reset_voids_the_other_resets_and_so_does_a_change_of_password(app: Flask, ada: Person) -> None:
    for _ in range(3):
        _forgot(ada)
    first, second, third = letters(app, "new password")
    assert _reset(ada, token(first)) == (204, "")
    assert _reset(ada, token(second)) == INVALID
    ada.login(NEW)
    _forgot(ada)
    fourth = next(
        letter
        for letter in letters(app, "new password")
        if token(letter) not in map(token, (first, second, third))
    )
    body = {"current_password": NEW, "new_password": "nine silver spoons"}
    assert ada.call("POST", "/auth/change-password", body).status_code == 204
    assert _reset(ada, token(fourth)) == INVALID


@pytest.mark.parametrize("wrong", ["x", "et_" + "0" * 64, "\x00", "é" * 100])
def test_a_token_that_is_not_ours_is_refused(ada: Person, wrong: str) -> None:
    assert _reset(ada, wrong) == INVALID
    assert _verify(ada, wrong) == INVALID


def test_a_token_is_good_for_its_purpose_alone(app: Flask, ada: Person) -> None:
    (verification,) = letters(app)
    _forgot(ada)
    (reset,) = letters(app, "new password")
    assert _reset(ada, token(verification)) == INVALID
    assert _verify(ada, token(reset)) == INVALID


@on_both_databases
def test_a_token_used_at_the_same_moment_is_used_once(app: Flask, ada: Person) -> None:
    (letter,) = letters(app)
    gate = threading.Barrier(6)
    statuses: list[int] = []

    def use() -> None:
        gate.wait()
        statuses.append(_verify(ada, token(letter))[0])

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [204, 400, 400, 400, 400, 400]


def test_an_unknown_address_gets_the_same_answer_after_the_same_work_and_no_mail(
    app: Flask, ada: Person
) -> None:
    statements: list[str] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement))
    work, answers = [], []
    for email in (ada.email, "nobody@example.com"):
        statements.clear()
        answer = ada.call("POST", "/auth/forgot-password", {"email": email}, token="")
        work.append(list(statements))
        answers.append((answer.status_code, answer.get_json()))
    assert answers[0] == answers[1]
    assert work[0] == work[1]
    assert len(work[0]) >= 1
    assert [letter["To"] for letter in letters(app, "new password")] == [ada.email]
    with app.app_context():
        kept = [row.to_address for row in db.session.execute(select(Base.metadata.tables["mails"]))]
    assert set(kept) == {ada.email}, "nothing is kept of who has no account"


def test_a_mailbox_is_not_flooded(app: Flask, ada: Person, clock: TestClock) -> None:
    for _ in range(9):
        _forgot(ada)
    assert len(letters(app, "new password")) == 5
    clock.advance(hours=1)
    _forgot(ada)
    assert len(letters(app, "new password")) == 6


def test_no_mailed_token_lies_in_the_database(app: Flask, ada: Person) -> None:
    _forgot(ada)
    tokens = [token(letter) for letter in letters(app)]
    with app.app_context():
        cells = [
            str(cell)
            for table in Base.metadata.sorted_tables
            for row in db.session.execute(select(table))
            for cell in row
        ]
    assert len(tokens) == 2
    assert not [cell for cell in cells for secret in tokens if secret in cell]


class _Page(HTMLParser):
    """What a person's browser makes of a page, as far as it matters here."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.fields: dict[str, str] = {}
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "input" and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [given for name, given in self.tags if name == tag]


def _link(letter: object) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/\S+)", text(letter))  # type: ignore[arg-type]
    assert found
    return found[1]


def test_a_person_confirms_by_pressing_a_button_and_not_by_looking(app: Flask, ada: Person) -> None:
    (letter,) = letters(app)
    client = app.test_client()
    for _ in range(2):
        page = client.get(_link(letter))
        assert page.status_code == 200
    assert ada.call("GET", "/auth/me").get_json()["email_verified"] is False
    form = _Page(page.text)
    assert form.all("form") == [{"method": "post", "action": "/verify-email"}]
    assert client.post("/verify-email", data=form.fields).status_code == 200
    assert ada.call("GET", "/auth/me").get_json()["email_verified"] is True
    again = client.post("/verify-email", data=form.fields)
    assert again.status_code == 400
    assert "This link no longer works" in again.text


def test_a_person_chooses_a_password_and_is_told_what_is_wrong_with_it(app: Flask, ada: Person) -> None:
    _forgot(ada)
    (letter,) = letters(app, "new password")
    client = app.test_client()
    form = _Page(client.get(_link(letter)).text)
    for password, words in (("short", "8 to 256 characters"), ("password1", "too easy to guess")):
        answer = client.post("/reset-password", data={**form.fields, "password": password})
        assert answer.status_code == 422
        assert words in answer.text
        assert 'role="alert"' in answer.text
        assert _Page(answer.text).fields["token"] == form.fields["token"], "and can try again"
        assert password not in answer.text
    assert client.post("/reset-password", data={**form.fields, "password": NEW}).status_code == 200
    ada.login(NEW)
    assert client.post("/reset-password", data={**form.fields, "password": NEW}).status_code == 400


PAGES = ["/verify-email?token=et_1", "/reset-password?token=et_1"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_can_be_used_by_everybody(app: Flask, path: str) -> None:
    page = _Page(app.test_client().get(path).text)
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == 1
    labels = {given["for"] for given in page.all("label")}
    for given in page.all("input"):
        assert given["type"] == "hidden" or given["id"] in labels
    assert not page.all("script")


@pytest.mark.parametrize("path", PAGES)
def test_pages_run_and_load_nothing(app: Flask, path: str) -> None:
    answer = app.test_client().get(path)
    policy = answer.headers["Content-Security-Policy"]
    style = re.search(r"<style>(.*)</style>", answer.text, re.DOTALL)
    assert style
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    for directive in (
        "default-src 'none'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ):
        assert directive in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/verify-email", "/reset-password"])
def test_what_is_in_a_link_is_no_markup(app: Flask, path: str) -> None:
    hostile = '"><script>alert(1)</script>'
    answer = app.test_client().get(path, query_string={"token": hostile})
    assert "<script" not in answer.text
    assert _Page(answer.text).fields["token"] == hostile
