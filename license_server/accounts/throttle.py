"""Slowing down whoever guesses passwords, without ever shutting out the one who knows it.

What is counted are failed sign-ins of an account from an address, of an account from anywhere, and from an
address to anything. Only the first and the last are made to wait, so nobody elsewhere can keep a person from
signing in; that an account is being attacked from many addresses only leaves each new address fewer free
tries. An address that an account has signed in from before answers for that account alone. Whether the
account exists plays no part.

Accounts and addresses are kept as keyed digests only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Tuple, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, scoped_session

from license_server.accounts.access_tokens import keyed_digest
from license_server.accounts.models import SignInAttempts
from license_server.clock import now
from license_server.database import apart, db
from license_server.errors import TooManyAttempts
from license_server.proxies import network_of

FREE_TRIES = 5
"""Failures of an account from one address that cost no waiting; then 1 s, 2 s, 4 s, …"""
FREE_TRIES_UNDER_ATTACK = 1
UNDER_ATTACK = 50
"""Failures of an account from anywhere, after which new addresses get fewer free tries."""
FREE_TRIES_OF_AN_ADDRESS = 30
LONGEST_WAIT = timedelta(minutes=15)
LONGEST_WAIT_OF_AN_ADDRESS = timedelta(minutes=1)
"""Shorter, for many people may share an address."""
FORGOTTEN_AFTER = timedelta(hours=12)
KNOWN_FOR = timedelta(days=90)

_ANY = ""


@dataclass(frozen=True)
class Attempt:
    """A try to sign in; it counts as failed until it is said to have succeeded."""

    account: str
    address: str

    @classmethod
    def of(cls, email: str, address: str | None) -> Attempt:
        return cls(_account_key(email), keyed_digest("sign-in-address", network_of(address)))

    @property
    def keys(self) -> list[tuple[str, str]]:
        """What it is counted under, in the order in which rows are locked."""
        return [(_ANY, self.address), (self.account, _ANY), (self.account, self.address)]


def begin(email: str, address: str | None) -> Attempt:
    """Counts a try, in a transaction of its own, before the password is looked at.

    So tries at the same moment cannot all be the free one. Raises `TooManyAttempts` while there is a wait;
    such a try is not counted.
    """
    attempt = Attempt.of(email, address)
    with apart() as session:
        _count(session, attempt)
    return attempt


def begin_within(email: str, address: str | None) -> Attempt:
    """The same within the unit of work, for a password that is asked of somebody who is signed in.

    `InvalidCredentials` keeps what was counted.
    """
    attempt = Attempt.of(email, address)
    _count(db.session, attempt)
    return attempt


def succeed(attempt: Attempt) -> bool:
    """The password was right; answers whether this is the first time from this address.

    Only this try is taken back from the wider counts: the failures of others stay counted.
    """
    *wider, both = attempt.keys
    db.session.execute(
        update(SignInAttempts)
        .where(_key().in_(wider), SignInAttempts.failures > 0)
        .values(failures=SignInAttempts.failures - 1)
    )
    db.session.execute(delete(SignInAttempts).where(_key().in_(wider), SignInAttempts.failures == 0))
    row = db.session.get(SignInAttempts, both)
    at = now()
    first = row is None or row.succeeded_at is None or row.succeeded_at + KNOWN_FOR <= at
    db.session.merge(
        SignInAttempts(account_key=both[0], address_key=both[1], failures=0, tried_at=at, succeeded_at=at)
    )
    return first


def forget(email: str) -> None:
    """Forgets all that was counted for an account that no longer has this address of email."""
    db.session.execute(delete(SignInAttempts).where(SignInAttempts.account_key == _account_key(email)))


def _count(session: Session | scoped_session[Any], attempt: Attempt) -> None:
    by_address, by_account, by_both = _locked(session, attempt)
    at = now()
    for row in (by_address, by_account, by_both):
        if row.tried_at + FORGOTTEN_AFTER <= at:
            row.failures = 0
    known = by_both.succeeded_at is not None and by_both.succeeded_at + KNOWN_FOR > at
    attacked = by_account.failures >= UNDER_ATTACK and not known
    ends = by_both.tried_at + _wait(
        by_both.failures, FREE_TRIES_UNDER_ATTACK if attacked else FREE_TRIES, LONGEST_WAIT
    )
    if not known:
        ends = max(
            ends,
            by_address.tried_at
            + _wait(by_address.failures, FREE_TRIES_OF_AN_ADDRESS, LONGEST_WAIT_OF_AN_ADDRESS),
        )
    if ends > at:
        raise TooManyAttempts(math.ceil((ends - at).total_seconds()))
    for row in (by_address, by_account, by_both):
        row.failures += 1
        row.tried_at = at


def _wait(failures: int, free: int, longest: timedelta) -> timedelta:
    if failures < free:
        return timedelta()
    return min(timedelta(seconds=2 ** min(failures - free, 20)), longest)


def _locked(session: Session | scoped_session[Any], attempt: Attempt) -> list[SignInAttempts]:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(
        insert(SignInAttempts)
        .values(
            [
                {"account_key": account, "address_key": address, "failures": 0, "tried_at": now()}
                for account, address in attempt.keys
            ]
        )
        .on_conflict_do_nothing()
    )
    rows = session.scalars(
        select(SignInAttempts)
        .where(_key().in_(attempt.keys))
        .order_by(SignInAttempts.account_key, SignInAttempts.address_key)
        .with_for_update()
    ).all()
    of = {(row.account_key, row.address_key): row for row in rows}
    return [of[key] for key in attempt.keys]


def _key() -> Tuple:
    return tuple_(SignInAttempts.account_key, SignInAttempts.address_key)


def _account_key(email: str) -> str:
    return keyed_digest("sign-in-account", email)
