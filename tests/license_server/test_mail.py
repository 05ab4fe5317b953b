"""Mail is sent if, and after, its reason is committed; it is neither lost nor seen twice."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from flask import Flask
from sqlalchemy import select

from license_server.background.cleanup import clean
from license_server.config import Config
from license_server.database import db, unit_of_work
from license_server.mail import outbox, transport
from license_server.mail.delivery import MOST_TRIES, deliver_next
from license_server.mail.letters import NewSignIn, VerifyEmail
from license_server.mail.models import Mail
from license_server.mail.server import MailServer
from tests.license_server.actors import Device, Person, TestClock, on_both_databases
from tests.license_server.post import (
    LOGIN,
    Mailbox,
    authenticator,
    deliver,
    letters,
    server_context,
    smtp_server,
    text,
)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def mailing(config: Config, start: Callable[[Config], Flask]) -> Callable[[str], Flask]:
    """Starts a server with that MAIL_URL."""
    return lambda url: start(config.model_copy(update={"mail_server": MailServer.parse(url)}))


def _rows(app: Flask) -> list[Mail]:
    with app.app_context():
        return list(db.session.scalars(select(Mail).order_by(Mail.created_at)))


def test_a_letter_has_a_text_and_an_html_part_and_its_headers(app: Flask, ada: Person) -> None:
    (letter,) = letters(app)
    assert letter["To"] == ada.email
    assert letter["From"] == "Reely <no-reply@localhost>"
    assert letter["Subject"] == "Confirm your email address"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime == ada.clock()
    link = f"http://127.0.0.1:8000/verify-email?token={_token(text(letter))}"
    assert link in text(letter)
    assert text(letter, "html").count(f'href="{link}"') == 1
    assert link.encode() in letter.as_bytes(), "in one piece, also for who reads it raw"


def _token(words: str) -> str:
    return words.partition("?token=")[2].split()[0]


def test_mail_files_are_for_their_owner_alone(app: Flask, ada: Person, config: Config) -> None:
    letters(app)
    assert config.mail_folder is not None
    (file,) = config.mail_folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert config.mail_folder.stat().st_mode & 0o777 == 0o700


def test_what_is_rolled_back_is_not_sent(app: Flask) -> None:
    def post_and_fail() -> None:
        with unit_of_work(writes=True):
            outbox.post(VerifyEmail(), "ada@example.com", None)
            raise RuntimeError("no")

    with app.app_context(), pytest.raises(RuntimeError):
        post_and_fail()
    assert letters(app) == []


def test_what_people_wrote_is_no_markup(app: Flask, ada: Person) -> None:
    with app.app_context(), unit_of_work(writes=True):
        outbox.post(NewSignIn(at=ada.clock(), client="<script>alert(1)</script>"), ada.email, None)
    (letter,) = letters(app, "new sign-in")
    assert "<script>" not in text(letter, "html")
    assert "&lt;script&gt;" in text(letter, "html")


@on_both_databases
def test_a_server_takes_the_mail_once(
    mailing: Callable[[str], Flask], mailbox: Mailbox, clock: TestClock
) -> None:
    with smtp_server(mailbox):
        app = mailing(f"smtp://127.0.0.1:{mailbox.port}?from=hello@example.com")
        Person(app, clock, "ada@example.com").register()
        deliver(app)
        clock.advance(days=3)
        deliver(app)
    assert mailbox.recipients == ["ada@example.com"]
    assert mailbox.messages[0]["From"] == "Reely <hello@example.com>"


@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls", "smtps"])
def test_mail_goes_encrypted_and_signed_in(
    mailing: Callable[[str], Flask],
    mailbox: Mailbox,
    clock: TestClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = server_context(authority.issue_cert("localhost"))
    options: dict[str, Any] = {"ssl_context" if scheme == "smtps" else "tls_context": context}
    # aiosmtpd does not count the encryption that a connection begins with.
    options["auth_required"] = options["auth_require_tls"] = scheme != "smtps"
    with smtp_server(mailbox, authenticator=authenticator, **options):
        user, password = (part.replace("@", "%40").replace(" ", "%20") for part in LOGIN)
        app = mailing(f"{scheme}://{user}:{password.replace(':', '%3A')}@localhost:{mailbox.port}")
        Person(app, clock, "ada@example.com").register()
        deliver(app)
    assert mailbox.recipients == ["ada@example.com"]
    assert mailbox.signed_in == [True]
    assert scheme == "smtps" or mailbox.encrypted == [True]


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_a_server_that_nobody_vouches_for_gets_nothing(
    mailing: Callable[[str], Flask], mailbox: Mailbox, clock: TestClock, scheme: str
) -> None:
    context = server_context(trustme.CA().issue_cert("localhost"))
    with smtp_server(mailbox, **{"ssl_context" if scheme == "smtps" else "tls_context": context}):
        app = mailing(f"{scheme}://localhost:{mailbox.port}")
        Person(app, clock, "ada@example.com").register()
        deliver(app)
    assert mailbox.messages == []
    assert _rows(app)[0].next_try_at is not None


@pytest.mark.parametrize("url", ["smtp+starttls://127.0.0.1:{}", "smtp://user:password@127.0.0.1:{}"])
def test_nothing_that_is_to_be_secret_goes_in_clear(
    mailing: Callable[[str], Flask], mailbox: Mailbox, clock: TestClock, url: str
) -> None:
    with smtp_server(mailbox, authenticator=authenticator, auth_require_tls=False):
        app = mailing(url.format(mailbox.port))
        Person(app, clock, "ada@example.com").register()
        deliver(app)
    assert mailbox.messages == []
    assert _rows(app)[0].sent_at is None


def test_what_cannot_be_sent_now_is_tried_again_after_growing_pauses(
    mailing: Callable[[str], Flask], mailbox: Mailbox, clock: TestClock
) -> None:
    mailbox.answer_to_data = "451 later"
    with smtp_server(mailbox):
        app = mailing(f"smtp://127.0.0.1:{mailbox.port}")
        Person(app, clock, "ada@example.com").register()
        for minutes in (2, 4, 8, 16):
            deliver(app)
            due = _rows(app)[0].next_try_at
            assert due is not None
            assert (due - clock()).total_seconds() == minutes * 60
            clock.advance(minutes=minutes)
        mailbox.answer_to_data = "250 OK"
        deliver(app)
    assert len(mailbox.messages) == 1
    assert _rows(app)[0].sent_at == clock()


def test_nobody_listening_is_no_reason_to_lose_mail(
    mailing: Callable[[str], Flask], clock: TestClock
) -> None:
    app = mailing("smtp://127.0.0.1:1")
    Person(app, clock, "ada@example.com").register()
    deliver(app)
    (mail,) = _rows(app)
    assert (mail.tries, mail.sent_at, mail.given_up_at) == (1, None, None)


def test_in_the_end_it_is_given_up(app: Flask, ada: Person, clock: TestClock) -> None:
    with app.app_context(), unit_of_work(writes=True):
        mail = db.session.scalars(select(Mail)).one()
        mail.tries = MOST_TRIES
    deliver(app)
    (given_up,) = _rows(app)
    assert (given_up.sent_at, given_up.given_up_at, given_up.next_try_at) == (None, clock(), None)


@pytest.mark.parametrize("step", ["answer_to_recipient", "answer_to_data"])
def test_what_is_refused_for_good_is_not_tried_again(
    mailing: Callable[[str], Flask], mailbox: Mailbox, clock: TestClock, step: str
) -> None:
    setattr(mailbox, step, "550 no such mailbox")
    with smtp_server(mailbox):
        app = mailing(f"smtp://127.0.0.1:{mailbox.port}")
        Person(app, clock, "ada@example.com").register()
        deliver(app)
    assert _rows(app)[0].given_up_at == clock()


class Killed(BaseException):
    """The process ends here, and nothing of it runs any more."""


@on_both_databases
@pytest.mark.parametrize("moment", ["before it is handed over", "after it is handed over"])
def test_a_death_at_any_moment_loses_nothing_and_repeats_nothing_visible(
    mailing: Callable[[str], Flask],
    mailbox: Mailbox,
    clock: TestClock,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    send = transport.send

    def dying(*arguments: object) -> None:
        if moment == "after it is handed over":
            send(*arguments)  # type: ignore[arg-type]
        raise Killed

    with smtp_server(mailbox):
        app = mailing(f"smtp://127.0.0.1:{mailbox.port}")
        Person(app, clock, "ada@example.com").register()
        with monkeypatch.context() as patched:
            patched.setattr(transport, "send", dying)
            with pytest.raises(Killed):
                deliver_next(app)
        assert not deliver_next(app), "for a while it is taken to be on its way"
        clock.advance(minutes=2)
        deliver(app)
    assert len({message["Message-ID"] for message in mailbox.messages}) == 1
    assert len({message.as_bytes() for message in mailbox.messages}) == 1, "to the byte the same"
    assert _rows(app)[0].sent_at is not None


def test_in_a_folder_a_death_leaves_one_file(
    app: Flask, ada: Person, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = transport.put

    def dying(*arguments: object) -> None:
        put(*arguments)  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(transport, "put", dying)
        with pytest.raises(Killed):
            deliver_next(app)
    clock.advance(minutes=2)
    assert len(letters(app)) == 1
    assert _rows(app)[0].sent_at is not None


def test_a_sign_in_from_a_new_place_is_told(app: Flask, ada: Person) -> None:
    ada.login()
    assert letters(app, "new sign-in") == [], "she signed up from there"
    for _ in range(2):
        answer = app.test_client().post(
            "/api/v1/auth/login",
            json={"email": ada.email, "password": "seven purple lanterns"},
            headers={"User-Agent": "Reely/1.0"},
            environ_base={"REMOTE_ADDR": "203.0.113.9"},
        )
        assert answer.status_code == 200
    (letter,) = letters(app, "new sign-in")
    assert "With: Reely/1.0" in text(letter)
    assert "31 January 2026, 12:00 UTC" in text(letter)


@on_both_databases
def test_a_reached_limit_is_told_once_a_month(
    app: Flask, ada: Person, laptop: Device, clock: TestClock
) -> None:
    lease = laptop.lease(trim=5)
    for _ in range(4):
        laptop.spend(lease)
    laptop.settled(lease)
    assert letters(app, "limit") == []
    laptop.spend(lease)
    laptop.settled(lease)
    laptop.settled(lease)
    (letter,) = letters(app, "limit")
    assert "all 5 trims" in text(letter)
    assert "28 February 2026" in text(letter)
    clock.advance(days=28)
    ada.login()
    following = laptop.lease(trim=5)
    for _ in range(5):
        laptop.spend(following)
    laptop.settled(following)
    assert len(letters(app, "limit")) == 2


def test_old_mail_and_tokens_are_forgotten(app: Flask, ada: Person, clock: TestClock) -> None:
    letters(app)
    clock.advance(days=29)
    clean(app)
    assert len(_rows(app)) == 1
    clock.advance(days=62)
    clean(app)
    with app.app_context():
        left = {
            name: db.session.execute(select(db.metadata.tables[name])).all()
            for name in ("mails", "email_tokens", "sign_in_attempts", "refresh_tokens")
        }
    assert left["mails"] == left["email_tokens"] == left["sign_in_attempts"] == []


def test_the_certificate_of_a_server_is_checked_by_name(
    mailing: Callable[[str], Flask],
    mailbox: Mailbox,
    clock: TestClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context: ssl.SSLContext = server_context(authority.issue_cert("another.example.com"))
    with smtp_server(mailbox, ssl_context=context):
        app = mailing(f"smtps://localhost:{mailbox.port}")
        Person(app, clock, "ada@example.com").register()
        deliver(app)
    assert mailbox.messages == []
