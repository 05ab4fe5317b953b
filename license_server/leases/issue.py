"""Giving leases out: as much as is wanted and left, to the device that proves its key."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from flask import current_app

from license_server.accounts.identity import Caller
from license_server.clock import now
from license_server.config import Config
from license_server.database import new_id
from license_server.devices import service as devices
from license_server.devices.models import Device
from license_server.errors import NotFound, QuotaExhausted, SignInAgain
from license_server.leases import lookup, tokens
from license_server.leases.journal import FIRST_HASH
from license_server.leases.lookup import Asking, Leases
from license_server.leases.models import Lease, LeaseGrant, LeaseState
from license_server.leases.schemas import Wants
from license_server.tiers.catalogue import Meter
from license_server.usage import ledger
from license_server.usage.service import quota_exhausted
from license_server.writes import Write, write

_SEEN = Write(Device, Device.last_seen_at)
_GIVEN_A_LEASE = Write(Device, Device.lease_seq, Device.last_seen_at)
_SUPERSEDED = Write(Lease, Lease.state)
_GIVEN = Write(Lease)
_GRANTED = Write(LeaseGrant)


def issue(caller: Caller, asking: Asking, leases: Leases, request_id: str, wants: Wants) -> Lease:
    """The lease of that request: a new one, or the one that it got before.

    The device's lease before it stays as it is: what is left on it is held until the device gives it back.
    The account is locked by the caller. Raises `QuotaExhausted` where something is wanted and nothing is
    left, `SignInAgain` after a fork, and `NotFound` for a device that was removed or lost.
    """
    if leases.known is not None:
        write([_SEEN(id=asking.device.id, last_seen_at=now())])
        return leases.known
    _check_may_have_leases(caller, asking.device)
    return _issue(asking, request_id, wants, leases.latest)


def successor(caller: Caller, lease: Lease, wants: Wants) -> Lease | None:
    """The lease after `lease`: the one it has already, or a new one; None where nothing may be given.

    The account is locked by the caller.
    """
    asking, leases = lookup.after(caller.account, lease)
    if leases.known is not None:
        return leases.known
    try:
        _check_may_have_leases(caller, asking.device)
        return _issue(asking, None, wants, leases.latest)
    except (NotFound, SignInAgain, QuotaExhausted):
        return None


def _check_may_have_leases(caller: Caller, device: Device) -> None:
    if device.removed_at is not None:
        raise NotFound("The account no longer has this device. Add it again.")
    if device.forked_at is not None and caller.since <= device.forked_at:
        raise SignInAgain("This device's journal was copied or restored. Sign in again to go on.")


def _issue(asking: Asking, request_id: str | None, wants: Wants, previous: Lease | None) -> Lease:
    account, device, tier, period = asking.account, asking.device, asking.stand.tier, asking.period
    lease_id = new_id()
    books = {meter: ledger.Book(account.id, period.id, meter, lease_id) for meter in Meter}
    granted = {
        meter: _grant(book, device, tier.limit(meter), wants.of(meter)) for meter, book in books.items()
    }
    empty = [meter for meter, units in granted.items() if units == 0 and wants.of(meter)]
    if empty and all(units == 0 for units in granted.values()):
        raise quota_exhausted(account, period, tier, empty[0])
    at = now().replace(microsecond=0)
    lease = Lease(
        id=lease_id,
        account_id=account.id,
        device_id=device.id,
        request_id=request_id,
        seq=device.lease_seq + 1,
        prev_id=previous.id if previous else None,
        period_id=period.id,
        tier=tier.id,
        state=LeaseState.OPEN,
        issued_at=at,
        expires_at=_expiry(at, asking, granted.values()),
        up_to_counter=0,
        head_hash=FIRST_HASH,
    )
    lease.token = tokens.sign_lease(lease, granted, asking)
    rows = [_GIVEN_A_LEASE(id=device.id, lease_seq=lease.seq, last_seen_at=now())]
    if previous is not None and previous.state == LeaseState.OPEN:
        rows.append(_SUPERSEDED(id=previous.id, state=LeaseState.SUPERSEDED))
    rows.append(_GIVEN.of(lease))
    rows += [
        _GRANTED(lease_id=lease.id, meter=meter, granted=units, settled=0, released=0, excess=0)
        for meter, units in granted.items()
    ]
    for book in books.values():
        rows += book.post()[1]
    write(rows)
    return lease


def _grant(book: ledger.Book, device: Device, limit: int | None, wanted: int) -> int | None:
    """So many units of what is wanted; None where there is no count to keep."""
    if limit is None:
        return None
    units = book.grant(wanted, limit)
    if units < wanted:
        left = book.left(limit)
        # Who asks for more than there is does not get everything while another device is at work.
        units = book.grant((left + 1) // 2 if devices.others_active(device) else left, limit)
    return units


def _expiry(at: datetime, asking: Asking, granted: Iterable[int | None]) -> datetime:
    """When a lease ends: with its period, with the tier, or, where no count bounds it, after some days."""
    config: Config = current_app.extensions["reely_config"]
    ends = [asking.period.ends_at]
    if asking.stand.until is not None:
        ends.append(asking.stand.until)
    if any(units is None for units in granted):
        ends.append(at + timedelta(days=config.unlimited_lease_days))
    return min(ends)
