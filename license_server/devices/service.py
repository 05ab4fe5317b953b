"""Which devices an account has."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy import func, select

from license_server.accounts import service as accounts
from license_server.accounts.models import Account
from license_server.clock import now
from license_server.config import Config
from license_server.database import db
from license_server.devices.models import Device
from license_server.errors import DeviceLimit, LostDeviceLimit, NotFound, WhatWouldHelp
from license_server.system.service import record
from license_server.tiers.service import offers, standing


def add(account: Account, name: str, platform: str, public_key: str) -> Device:
    """The account's device with that key, made or brought back if need be. Raises `DeviceLimit`."""
    accounts.lock(account.id)
    at = now()
    device = db.session.scalar(
        select(Device).where(Device.account_id == account.id, Device.public_key == public_key)
    )
    if device is not None and device.removed_at is None:
        device.name, device.platform, device.last_seen_at = name, platform, at
        return device
    tier = standing(account.id).tier
    if _count(account) >= tier.devices:
        raise DeviceLimit(
            f"The tier {tier.id} has room for {tier.devices} devices; remove one that you no longer use.",
            limit=tier.devices,
            tier=tier.id,
            what_would_help=WhatWouldHelp(tiers=offers(tier, lambda other: other.devices)),
        )
    if device is None:
        device = Device(account_id=account.id, public_key=public_key, created_at=at)
        db.session.add(device)
    device.name, device.platform, device.last_seen_at = name, platform, at
    device.removed_at = None
    db.session.flush()
    record("device.added", account.id, device=device.id)
    return device


def find(account: Account, device_id: str) -> Device:
    """The account's device, also a removed or lost one. Raises `NotFound`."""
    device = db.session.get(Device, device_id)
    if device is None or device.account_id != account.id:
        raise NotFound("The account has no such device.")
    return device


def rename(account: Account, device_id: str, name: str) -> Device:
    """Gives a device on the list another name. Raises `NotFound`."""
    device = _listed(account, device_id)
    device.name = name
    return device


def remove(account: Account, device_id: str) -> None:
    """Takes a device off the list. What it holds stays held until the period ends. Raises `NotFound`."""
    accounts.lock(account.id)
    device = _listed(account, device_id)
    device.removed_at = now()
    record("device.removed", account.id, device=device.id)


def mark_lost(account: Account, device_id: str) -> Device:
    """Takes a lost device off the list. Raises `NotFound`, or `LostDeviceLimit` after one not long ago."""
    config: Config = current_app.extensions["reely_config"]
    accounts.lock(account.id)
    device = find(account, device_id)
    if device.removed_at is not None and device.lost_at is not None:
        return device
    at = now()
    span = timedelta(days=config.lost_device_days)
    last = db.session.scalar(select(func.max(Device.lost_at)).where(Device.account_id == account.id))
    if last is not None and last + span > at:
        problem = LostDeviceLimit(
            f"One device in {config.lost_device_days} days can be reported as lost.", possible_at=last + span
        )
        problem.headers["Retry-After"] = str(int((last + span - at).total_seconds()) + 1)
        raise problem
    device.removed_at = device.lost_at = at
    record("device.lost", account.id, device=device.id)
    return device


def others_active(device: Device, days: int = 7) -> bool:
    """Whether the account has used another device in the last days."""
    return (
        db.session.scalar(
            select(Device.id)
            .where(
                Device.account_id == device.account_id,
                Device.id != device.id,
                Device.removed_at.is_(None),
                Device.last_seen_at > now() - timedelta(days=days),
            )
            .limit(1)
        )
        is not None
    )


def _listed(account: Account, device_id: str) -> Device:
    device = find(account, device_id)
    if device.removed_at is not None:
        raise NotFound("The account has no such device.")
    return device


def _count(account: Account) -> int:
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Device)
            .where(Device.account_id == account.id, Device.removed_at.is_(None))
        )
        or 0
    )
