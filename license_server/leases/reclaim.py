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

HOLDING = (LeaseState.OPEN, LeaseState.SUPERSEDED)


def book(lease: Lease, meter: Meter) -> Book:
    """The ledger that a lease's units of a meter are in."""
    return Book(lease.account_id, lease.period_id, meter, lease.id)


def give_back(lease: Lease) -> None:
    """The device returns the rest of a lease; again: no change."""
    _take_back(lease, LeaseState.RETURNED)


def take_back_from(device: Device) -> None:
    """Takes back whatever a lost device holds."""
    for lease in db.session.scalars(
        select(Lease).where(Lease.device_id == device.id, Lease.state.in_(HOLDING))
    ):
        _take_back(lease, LeaseState.LOST)


def expire_before(account: Account, period: Period) -> None:
    """Ends the leases of the account's earlier periods, and what is held on them."""
    for lease in db.session.scalars(
        select(Lease).where(
            Lease.account_id == account.id, Lease.state.in_(HOLDING), Lease.period_id < period.id
        )
    ):
        for grant in lease.grants:
            if grant.held:
                book(lease, Meter(grant.meter)).expire(grant.held)
                grant.released += grant.held
        lease.state = LeaseState.EXPIRED


def _take_back(lease: Lease, state: LeaseState) -> None:
    if lease.state not in HOLDING:
        return
    for grant in lease.grants:
        if grant.held:
            book(lease, Meter(grant.meter)).take_back(grant.held)
            grant.released += grant.held
    lease.state = state
