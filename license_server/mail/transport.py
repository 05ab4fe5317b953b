"""Handing a message over: to an SMTP server, or to a folder."""

from __future__ import annotations

import os
import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path

from license_server.mail.server import Encryption, MailServer

TIMEOUT_SECONDS = 10.0
"""For each step of the conversation."""


class RefusedError(Exception):
    """The message will never be taken: trying again is of no use."""


class UnreachableError(Exception):
    """It could not be handed over now."""


def send(message: EmailMessage, server: MailServer) -> None:
    """Hands the message to the SMTP server. Raises `RefusedError` or `UnreachableError`."""
    try:
        with _connected(server) as smtp:
            smtp.send_message(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as error:
        if isinstance(error, smtplib.SMTPNotSupportedError) or _is_final(error):
            raise RefusedError(type(error).__name__) from None
        raise UnreachableError(type(error).__name__) from None
    except (smtplib.SMTPException, OSError) as error:
        raise UnreachableError(type(error).__name__) from None


def put(message: EmailMessage, folder: Path, name: str) -> None:
    """Writes the message as a file; whole, or not at all. Raises `UnreachableError`."""
    partial = folder / f".{name}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder / name)
    except OSError as error:
        raise UnreachableError(type(error).__name__) from None


def _connected(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.encryption is Encryption.FROM_THE_START:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    try:
        smtp.ehlo()
        encrypted = server.encryption is Encryption.FROM_THE_START
        if server.encryption is Encryption.STARTTLS or (not encrypted and smtp.has_extn("starttls")):
            smtp.starttls(context=context)  # raises where the server has no STARTTLS
            smtp.ehlo()
            encrypted = True
        if server.username is not None:
            _sign_in(smtp, server.username, server.password or "", encrypted=encrypted)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _sign_in(smtp: smtplib.SMTP, username: str, password: str, *, encrypted: bool) -> None:
    if not encrypted:
        raise smtplib.SMTPException("a password is not sent in clear")
    smtp.login(username, password)


def _is_final(error: smtplib.SMTPException) -> bool:
    """Whether the server's answer is a permanent one (RFC 5321, 4.2.1)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and 500 <= error.smtp_code < 600
