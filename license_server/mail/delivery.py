"""Sending what is in the outbox: claimed in one transaction, handed over, noted in the next.

A process that dies in between loses nothing: the mail is due again after a while. If it died after the server
had taken the message, the same bytes go out under the same Message-ID (in a folder: to the same file), by
which mail systems tell a repetition.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage

from flask import Flask
from sqlalchemy import select

from license_server.accounts import email_tokens
from license_server.accounts.models import Account
from license_server.clock import now
from license_server.config import Config
from license_server.database import db, snapshot, unit_of_work
from license_server.logs import log
from license_server.mail import rendering, transport
from license_server.mail.letters import LETTERS, Letter, ResetPassword, VerifyEmail
from license_server.mail.models import Mail
from license_server.system.service import record

FIRST_RETRY = timedelta(minutes=2)
"""Longer than a conversation with a server can take, so that nobody else claims a mail meanwhile."""
LONGEST_RETRY = timedelta(hours=6)
MOST_TRIES = 16
"""With the pauses between them, some two days."""


@dataclass(frozen=True)
class _Claimed:
    id: str
    tries: int
    letter: Letter
    to: str
    written_at: datetime
    link: str | None

    def message(self, config: Config) -> EmailMessage:
        return rendering.message(
            self.letter,
            id=self.id,
            to=self.to,
            written_at=self.written_at,
            link=self.link,
            config=config,
        )

    @property
    def file_name(self) -> str:
        return f"{self.written_at:%Y%m%dT%H%M%S}-{self.letter.kind}-{self.id}.eml"


def deliver_due(app: Flask) -> None:
    """Sends all mail that is due."""
    while deliver_next(app):
        pass


def deliver_next(app: Flask) -> bool:
    """Sends the mail that is due longest; False if none is, or there is no way to send any."""
    config: Config = app.extensions["reely_config"]
    if config.mail_server is None and config.mail_folder is None:
        return False
    with app.app_context():
        with snapshot() as session:  # a look before the write lock is taken
            if session.scalar(select(Mail.id).where(Mail.next_try_at <= now()).limit(1)) is None:
                return False
        claimed = _claim(config)
        if claimed is None:
            return True  # it needed no sending, or somebody else has it
        try:
            if config.mail_server is not None:
                transport.send(claimed.message(config), config.mail_server)
            elif config.mail_folder is not None:
                transport.put(claimed.message(config), config.mail_folder, claimed.file_name)
        except transport.UnreachableError as error:
            log.warning("mail-not-sent", mail=claimed.id, tries=claimed.tries, error=str(error))
        except transport.RefusedError as error:
            log.warning("mail-refused", mail=claimed.id, error=str(error))
            _finish(claimed.id, sent=False)
        else:
            _finish(claimed.id, sent=True)
    return True


def _claim(config: Config) -> _Claimed | None:
    with unit_of_work(writes=True):
        at = now()
        mail = db.session.scalar(
            select(Mail)
            .where(Mail.next_try_at <= at)
            .order_by(Mail.next_try_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if mail is None:
            return None
        if mail.tries >= MOST_TRIES:
            mail.next_try_at, mail.given_up_at = None, at
            log.error("mail-given-up", mail=mail.id)
            return None
        letter = LETTERS.validate_python(mail.letter)
        link = None
        if isinstance(letter, VerifyEmail | ResetPassword):
            link = _link(mail, letter.kind, config)
            if link is None:
                db.session.delete(mail)
                return None
        mail.tries += 1
        mail.next_try_at = at + min(FIRST_RETRY * 2 ** (mail.tries - 1), LONGEST_RETRY)
        return _Claimed(
            id=mail.id,
            tries=mail.tries,
            letter=letter,
            to=mail.to_address,
            written_at=mail.created_at,
            link=link,
        )


def _link(mail: Mail, purpose: email_tokens.Purpose, config: Config) -> str | None:
    """Where the letter leads; None where there is no reason (any more) to send it.

    Only here is looked whether an address has an account, so that asking for a new password takes the same
    time for all.
    """
    account = db.session.scalar(select(Account).where(Account.email == mail.to_address))
    if account is None or (purpose == "verify-email" and account.email_verified):
        return None
    token = email_tokens.make(mail.id, account, purpose, mail.created_at)
    if token is None:
        return None
    if mail.tries == 0 and purpose == "reset-password":
        record("account.password-reset-asked", account.id)
    mail.account_id = account.id
    return f"{config.public_url.rstrip('/')}/{purpose}?token={token}"


def _finish(mail_id: str, *, sent: bool) -> None:
    with unit_of_work(writes=True):
        mail = db.session.get(Mail, mail_id)
        if mail is None:
            return  # the account was deleted meanwhile
        mail.next_try_at = None
        if sent:
            mail.sent_at = now()
        else:
            mail.given_up_at = now()
