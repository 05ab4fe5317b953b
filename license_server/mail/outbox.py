"""Putting letters into the outbox, within the unit of work that gives the reason for them."""

from __future__ import annotations

from sqlalchemy import select

from license_server.clock import now
from license_server.database import db
from license_server.mail.letters import Letter
from license_server.mail.models import Mail


def post(letter: Letter, to: str, account_id: str | None) -> None:
    """The letter will be sent if, and after, the unit of work commits."""
    _post(letter, to, account_id, None)


def post_once(letter: Letter, to: str, account_id: str, once: str) -> bool:
    """The same, but nothing (False) where the account was told `once` before; the caller has locked it."""
    if db.session.scalar(select(Mail.id).where(Mail.account_id == account_id, Mail.once == once)) is not None:
        return False
    _post(letter, to, account_id, once)
    return True


def _post(letter: Letter, to: str, account_id: str | None, once: str | None) -> None:
    at = now()
    db.session.add(
        Mail(
            account_id=account_id,
            once=once,
            to_address=to,
            letter=letter.model_dump(mode="json"),
            created_at=at,
            next_try_at=at,
        )
    )
