"""How held units come free again: given back, lost with their device, or ended with their period."""

from __future__ import annotations

from sqlalchemy import select

from license_server.accounts.models import Account
from license_server.database import db
from license_server.devices.models import Device
from license_server.leases.models import Lease, LeaseState
from license_server.tiers.catalogue import Meter
from license_server.usage.ledger import Book
from license_server.usage.periods import Period
from license_server.writes import write

HOLDING = (LeaseState.OPEN, LeaseState.SUPERSEDED)


Books = dict[Meter, Book]
"""The ledgers that a lease's units are in."""


def books(lease: Lease) -> Books:
    """The ledgers of a lease, with no change noted yet."""
    return {meter: Book(lease.account_id, lease.period_id, meter, lease.id) for meter in Meter}


def give_back(lease: Lease, into: Books) -> None:
    """The device returns the rest of a lease; again: no change. The ledgers are posted by the caller."""
    _take_back(lease, LeaseState.RETURNED, into)


def take_back_from(device: Device) -> None:
    """Takes back whatever a lost device holds."""
    for lease in db.session.scalars(
        select(Lease).where(Lease.device_id == device.id, Lease.state.in_(HOLDING))
    ):
        into = books(lease)
        _take_back(lease, LeaseState.LOST, into)
        _post(into)


def expire_before(account: Account, period: Period) -> None:
    """Ends the leases of the account's earlier periods, and what is held on them."""
    for lease in db.session.scalars(
        select(Lease).where(
            Lease.account_id == account.id, Lease.state.in_(HOLDING), Lease.period_id < period.id
        )
    ):
        into = books(lease)
        for grant in lease.grants:
            if grant.held:
                into[Meter(grant.meter)].expire(grant.held)
                grant.released += grant.held
        lease.state = LeaseState.EXPIRED
        _post(into)


def _take_back(lease: Lease, state: LeaseState, into: Books) -> None:
    if lease.state not in HOLDING:
        return
    for grant in lease.grants:
        if grant.held:
            into[Meter(grant.meter)].take_back(grant.held)
            grant.released += grant.held
    lease.state = state


def _post(into: Books) -> None:
    for book in into.values():
        write(book.post()[1])
