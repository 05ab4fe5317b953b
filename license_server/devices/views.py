"""The endpoints under `/devices`."""

from __future__ import annotations

from sqlalchemy import select

from license_server.accounts import identity
from license_server.devices import service
from license_server.devices.models import Device
from license_server.devices.schemas import DeviceAnswer, DeviceName, NewDevice
from license_server.errors import DeviceLimit, LostDeviceLimit, NotFound
from license_server.http import Room
from license_server.leases import reclaim
from license_server.pagination import page
from license_server.schemas import Page, PageQuery

room = Room("devices", __name__)


@room.serve("POST", "/devices", status=201, problems=(DeviceLimit,))
def add(body: NewDevice) -> DeviceAnswer:
    """Add this device; with a key that is known already, it is the same device."""
    return _answer(service.add(identity.caller().account, body.name, body.platform, body.public_key))


@room.serve("GET", "/devices")
def list_devices(query: PageQuery) -> Page[DeviceAnswer]:
    """The account's devices, newest first."""
    account = identity.caller().account
    rows = select(Device).where(Device.account_id == account.id, Device.removed_at.is_(None))
    found, cursor = page(rows, Device.created_at, Device.id, query)
    return Page(items=[_answer(device) for device in found], next=cursor)


@room.serve("PUT", "/devices/<device_id>", problems=(NotFound,))
def rename(device_id: str, body: DeviceName) -> DeviceAnswer:
    """Give a device another name."""
    return _answer(service.rename(identity.caller().account, device_id, body.name))


@room.serve("DELETE", "/devices/<device_id>", problems=(NotFound,))
def remove(device_id: str) -> None:
    """Remove a device from the account; what it holds stays held until the period ends."""
    service.remove(identity.caller().account, device_id)


@room.serve("POST", "/devices/<device_id>/lost", problems=(NotFound, LostDeviceLimit))
def lost(device_id: str) -> DeviceAnswer:
    """Report a device as lost: what it holds comes back to the account."""
    device = service.mark_lost(identity.caller().account, device_id)
    reclaim.take_back_from(device)
    return _answer(device)


def _answer(device: Device) -> DeviceAnswer:
    return DeviceAnswer(
        id=device.id,
        name=device.name,
        platform=device.platform,
        public_key=device.public_key,
        created_at=device.created_at,
        last_seen_at=device.last_seen_at,
        lost_at=device.lost_at,
    )
