"""Giving leases out: as much as is wanted and left, to the device that proves its key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import lazyload

from license_server.accounts.identity import Caller
from license_server.accounts.models import Account
from license_server.clock import now
from license_server.config import Config
from license_server.database import db, new_id
from license_server.devices import service as devices
from license_server.devices.models import Device
from license_server.errors import NotFound, QuotaExhausted, SignInAgain
from license_server.leases import reclaim, tokens
from license_server.leases.models import Lease, LeaseGrant, LeaseState
from license_server.leases.schemas import Wants
from license_server.tiers.catalogue import Meter
from license_server.tiers.service import Standing, standing
from license_server.usage import ledger
from license_server.usage.periods import Period
from license_server.usage.service import quota_exhausted


def issue(caller: Caller, device: Device, request_id: str, wants: Wants) -> Lease:
    """The lease of that request: a new one, or the one that it got before.

    The device's lease before it stays as it is: what is left on it is held until the device gives it back.
    The account is locked by the caller. Raises `QuotaExhausted` where something is wanted and nothing is
    left, `SignInAgain` after a fork, and `NotFound` for a device that was removed or lost.
    """
    leases = _leases(device, Lease.request_id == request_id)
    known = next((lease for lease in leases if lease.request_id == request_id), None)
    if known is not None:
        device.last_seen_at = now()
        return known
    _check_may_have_leases(caller, device)
    return _issue(caller.account, device, request_id, wants, _latest(device, leases))


def successor(caller: Caller, lease: Lease, device: Device, wants: Wants) -> Lease | None:
    """The lease after `lease`: the one it has already, or a new one; None where nothing may be given.

    The account is locked by the caller.
    """
    leases = _leases(device, Lease.prev_id == lease.id)
    known = next((found for found in leases if found.prev_id == lease.id), None)
    if known is not None:
        return known
    try:
        _check_may_have_leases(caller, device)
        return _issue(caller.account, device, None, wants, _latest(device, leases))
    except (NotFound, SignInAgain, QuotaExhausted):
        return None


def open_current_period(account: Account) -> tuple[Standing, Period]:
    """The account's standing and period, with the ledger open and earlier periods closed; it is locked."""
    stand, period = standing(account.id), ledger.current_period(account)
    if ledger.open_period(account, period, {meter: stand.tier.limit(meter) for meter in Meter}):
        reclaim.expire_before(account, period)
    return stand, period


def _leases(device: Device, condition: ColumnElement[bool]) -> Sequence[Lease]:
    """The device's latest lease, and the one that the condition is about."""
    return db.session.scalars(
        select(Lease)
        .where(Lease.device_id == device.id, or_(condition, Lease.seq == device.lease_seq))
        .options(lazyload(Lease.grants))
    ).all()


def _latest(device: Device, leases: Iterable[Lease]) -> Lease | None:
    return next((lease for lease in leases if lease.seq == device.lease_seq), None)


def _check_may_have_leases(caller: Caller, device: Device) -> None:
    if device.removed_at is not None:
        raise NotFound("The account no longer has this device. Add it again.")
    if device.forked_at is not None and caller.since <= device.forked_at:
        raise SignInAgain("This device's journal was copied or restored. Sign in again to go on.")


def _issue(
    account: Account, device: Device, request_id: str | None, wants: Wants, previous: Lease | None
) -> Lease:
    stand, period = open_current_period(account)
    lease_id = new_id()
    grants = [
        _grant(
            ledger.Book(account.id, period.id, meter, lease_id),
            device,
            stand.tier.limit(meter),
            wants.of(meter),
        )
        for meter in Meter
    ]
    empty = [Meter(grant.meter) for grant in grants if grant.granted == 0 and wants.of(Meter(grant.meter))]
    if empty and all(grant.granted == 0 for grant in grants):
        raise quota_exhausted(account, period, stand.tier, empty[0])
    if previous is not None and previous.state == LeaseState.OPEN:
        previous.state = LeaseState.SUPERSEDED
    device.lease_seq += 1
    device.last_seen_at = now()
    at = now().replace(microsecond=0)
    lease = Lease(
        id=lease_id,
        account_id=account.id,
        device_id=device.id,
        request_id=request_id,
        seq=device.lease_seq,
        prev_id=previous.id if previous else None,
        period_id=period.id,
        tier=stand.tier.id,
        issued_at=at,
        expires_at=_expiry(at, period, stand, grants),
        grants=grants,
    )
    lease.token = tokens.sign_lease(lease, account, device, stand.tier, period)
    db.session.add(lease)
    db.session.flush()
    return lease


def _grant(book: ledger.Book, device: Device, limit: int | None, wanted: int) -> LeaseGrant:
    if limit is None:
        return LeaseGrant(meter=book.meter, granted=None, settled=0, released=0, excess=0)
    units = book.grant(wanted, limit)
    if units < wanted:
        left = book.left(limit)
        # Who asks for more than there is does not get everything while another device is at work.
        units = book.grant((left + 1) // 2 if devices.others_active(device) else left, limit)
    return LeaseGrant(meter=book.meter, granted=units, settled=0, released=0, excess=0)


def _expiry(at: datetime, period: Period, stand: Standing, grants: list[LeaseGrant]) -> datetime:
    """When a lease ends: with its period, with the tier, or, where no count bounds it, after some days."""
    config: Config = current_app.extensions["reely_config"]
    ends = [period.ends_at]
    if stand.until is not None:
        ends.append(stand.until)
    if any(grant.granted is None for grant in grants):
        ends.append(at + timedelta(days=config.unlimited_lease_days))
    return min(ends)
