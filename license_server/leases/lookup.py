"""What a call about leases has to know, asked at once: device, what its account may do, leases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, and_, bindparam, select
from sqlalchemy.orm import aliased, lazyload, load_only
from sqlalchemy.orm.attributes import set_committed_value

from license_server.accounts.models import Account
from license_server.database import db
from license_server.devices.models import Device
from license_server.errors import NotFound
from license_server.leases import reclaim
from license_server.leases.models import Lease, LeaseGrant
from license_server.tiers.catalogue import Meter
from license_server.tiers.service import STANDING, Columns, Standing, standing_of, with_standing
from license_server.usage import ledger
from license_server.usage.models import UsageStats
from license_server.usage.periods import Period


@dataclass(frozen=True)
class Asking:
    """The device that a call comes from, and what its account may do in its present period.

    The device and the leases found with it are apart from the session: who changes them writes them.
    """

    account: Account
    device: Device
    stand: Standing
    period: Period


_PRESENT = aliased(UsageStats)
"""The ledger of the present period, which says that it was opened."""


def _from_device(statement: Select[*Columns]) -> Select[*Columns]:
    return (
        with_standing(statement.join(Account, Account.id == Device.account_id))
        .outerjoin(
            _PRESENT,
            and_(
                _PRESENT.account_id == Account.id,
                _PRESENT.period_id == bindparam("period_id"),
                _PRESENT.meter == Meter.TRIM.value,
            ),
        )
        .where(Account.id == bindparam("account_id"))
        .options(
            load_only(
                Device.account_id, Device.public_key, Device.lease_seq, Device.forked_at, Device.removed_at
            )
        )
        .execution_options(populate_existing=True)
    )


_LATEST, _KNOWN = aliased(Lease), aliased(Lease)
_TOLD = [load_only(each.seq, each.state, each.token) for each in (_LATEST, _KNOWN)]


def _of_device(known: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    # One join for each: a condition with "or" would read all leases that a device ever had.
    return (
        _from_device(select(*STANDING, _PRESENT.meter, Device, _LATEST, _KNOWN).select_from(Device))
        .outerjoin(_LATEST, and_(_LATEST.device_id == Device.id, _LATEST.seq == Device.lease_seq))
        .outerjoin(_KNOWN, and_(_KNOWN.device_id == Device.id, known))
        .where(Device.id == bindparam("device_id"))
        .options(lazyload(_LATEST.grants), lazyload(_KNOWN.grants), *_TOLD)
    )


_OF_REQUEST = _of_device(_KNOWN.request_id == bindparam("known_by"))
_AFTER = _of_device(_KNOWN.prev_id == bindparam("known_by"))
_OF_LEASE = (
    _from_device(
        select(*STANDING, _PRESENT.meter, Device, Lease, LeaseGrant)
        .select_from(Lease)
        .join(LeaseGrant, LeaseGrant.lease_id == Lease.id)
        .join(Device, Device.id == Lease.device_id)
    )
    .where(Lease.id == bindparam("lease_id"))
    .order_by(LeaseGrant.meter)
    .options(lazyload(Lease.grants))
)


@dataclass(frozen=True)
class Leases:
    """Of a device: its latest lease, and the one that was asked about."""

    latest: Lease | None
    known: Lease | None


def of_request(account: Account, device_id: str, request_id: str) -> tuple[Asking, Leases]:
    """The account's device, and the lease that this request of it got before.

    The account is locked by the caller. Raises `NotFound`.
    """
    return _with_leases(_OF_REQUEST, account, device_id, request_id)


def after(account: Account, lease: Lease) -> tuple[Asking, Leases]:
    """The account's device that a lease is for, and the lease after it.

    The account is locked by the caller. Raises `NotFound`.
    """
    return _with_leases(_AFTER, account, lease.device_id, lease.id)


def _with_leases(
    statement: Executable, account: Account, device_id: str, known_by: str
) -> tuple[Asking, Leases]:
    asking, rows = _ask(statement, account, {"device_id": device_id, "known_by": known_by})
    if asking is None:
        raise NotFound("The account has no such device.")
    *_, latest, known = rows[0]
    for lease in {each for each in (latest, known) if each is not None}:
        db.session.expunge(lease)
    return asking, Leases(latest, known)


def of_lease(account: Account, lease_id: str) -> tuple[Asking, Lease]:
    """The account's lease with what it grants, and its device.

    The account is locked by the caller. Raises `NotFound`.
    """
    asking, rows = _ask(_OF_LEASE, account, {"lease_id": lease_id})
    if asking is None:
        raise NotFound("The account has no such lease.")
    lease: Lease = rows[0].Lease
    set_committed_value(lease, "grants", [row.LeaseGrant for row in rows])
    db.session.expunge(lease)
    return asking, lease


def _ask(
    statement: Executable, account: Account, values: dict[str, str]
) -> tuple[Asking | None, Sequence[Any]]:
    """What the statement finds, after the present period was opened if need be."""
    period = ledger.current_period(account)
    values = {**values, "account_id": account.id, "period_id": period.id}
    rows = db.session.execute(statement, values).all()
    if rows and rows[0].meter is None:
        stand = standing_of(*rows[0][: len(STANDING)])
        ledger.open_period(account, period, {meter: stand.tier.limit(meter) for meter in Meter})
        reclaim.expire_before(account, period)
        db.session.flush()
        rows = db.session.execute(statement, values).all()
    if not rows:
        return None, rows
    device: Device = rows[0].Device
    db.session.expunge(device)
    return Asking(account, device, standing_of(*rows[0][: len(STANDING)]), period), rows
