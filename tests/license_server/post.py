"""The post office of the tests: real SMTP servers, and what people find in their mailboxes."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from flask import Flask

from license_server.config import Config
from license_server.mail.delivery import deliver_next

LOGIN = ("reely@example.com", "the pass:word")


@dataclass
class Mailbox:
    """What an SMTP server took, and what it answers: anything but 250 refuses."""

    messages: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    answer_to_recipient: str = "250 OK"
    answer_to_data: str = "250 OK"
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer_to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer_to_recipient

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer_to_data.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.messages.append(parsed(envelope.content))
            self.encrypted.append(session.ssl is not None)
            self.signed_in.append(bool(session.authenticated))
            self.recipients += envelope.rcpt_tos
            self.arrived.set()
        return self.answer_to_data


class _OnFreePort(Controller):
    def _trigger_server(self) -> None:
        # aiosmtpd calls itself at the port that it was given, which was 0.
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def smtp_server(mailbox: Mailbox, **options: Any) -> Iterator[Mailbox]:
    """A real SMTP server on a free port of loopback, which puts what it takes into `mailbox`."""
    controller = _OnFreePort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        mailbox.port = controller.port
        yield mailbox
    finally:
        controller.stop()


def authenticator(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else ()
    return AuthResult(success=given == LOGIN)


def server_context(certificate: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def parsed(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def deliver(app: Flask) -> None:
    """Sends everything that is due."""
    while deliver_next(app):
        pass


def letters(app: Flask, subject: str = "") -> list[EmailMessage]:
    """What lies in the folder for mail, oldest first, after everything due has been sent."""
    deliver(app)
    config: Config = app.extensions["reely_config"]
    assert config.mail_folder is not None
    found = [parsed(path.read_bytes()) for path in sorted(config.mail_folder.glob("*.eml"))]
    return [letter for letter in found if subject in letter["Subject"]]


def text(letter: EmailMessage, kind: str = "plain") -> str:
    body = letter.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def token(letter: EmailMessage) -> str:
    found = re.search(r"\?token=(\S+)", text(letter))
    assert found
    return found[1]
