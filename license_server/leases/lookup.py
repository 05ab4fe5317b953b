"""What a call about leases has to know, asked at once: device, what its account may do, leases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Select, and_, bindparam, or_, select
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
            lazyload(Lease.grants),
            load_only(
                Device.account_id, Device.public_key, Device.lease_seq, Device.forked_at, Device.removed_at
            ),
        )
        .execution_options(populate_existing=True)
    )


_OF_DEVICE = (
    _from_device(select(*STANDING, _PRESENT.meter, Device, Lease).select_from(Device))
    .outerjoin(
        Lease,
        and_(
            Lease.device_id == Device.id,
            or_(
                Lease.request_id == bindparam("request_id"),
                Lease.prev_id == bindparam("prev_id"),
                Lease.seq == Device.lease_seq,
            ),
        ),
    )
    .where(Device.id == bindparam("device_id"))
    .options(load_only(Lease.request_id, Lease.prev_id, Lease.seq, Lease.state, Lease.token))
)
_OF_LEASE = (
    _from_device(
        select(*STANDING, _PRESENT.meter, Device, Lease, LeaseGrant)
        .select_from(Lease)
        .join(LeaseGrant, LeaseGrant.lease_id == Lease.id)
        .join(Device, Device.id == Lease.device_id)
    )
    .where(Lease.id == bindparam("lease_id"))
    .order_by(LeaseGrant.meter)
)


def of_device(
    account: Account, device_id: str, *, request_id: str | None = None, prev_id: str | None = None
) -> tuple[Asking, list[Lease]]:
    """The account's device, and its latest lease with the one of that request, or the one after that lease.

    The account is locked by the caller. Raises `NotFound`.
    """
    asking, rows = _ask(
        _OF_DEVICE, account, {"device_id": device_id, "request_id": request_id, "prev_id": prev_id}
    )
    if asking is None:
        raise NotFound("The account has no such device.")
    leases = [row.Lease for row in rows if row.Lease is not None]
    for lease in leases:
        db.session.expunge(lease)
    return asking, leases


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
    statement: Executable, account: Account, values: dict[str, str | None]
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
