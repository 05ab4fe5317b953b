"""What an account is to the rest of the app: its state, its meters, and the clips that it pays for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Meter(StrEnum):
    """What is counted."""

    TRIM = "trim"
    """One unit for each delivered clip."""
    HOOK_RUN = "hook_run"
    """One unit for each run of the hook finder."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MeterStatus(_Frozen):
    """One meter in the running period, in units. `limit` and `available` are None where there is no limit."""

    limit: int | None
    settled: int
    """Spent and reported to the server, by all devices."""
    held: int
    """Granted to devices (this one and others) and not reported yet."""
    available: int | None
    """What this device may still use: the server's rest and its own lease, less its unreported spends."""
    on_device: int | None
    """What is left of the lease on this device: usable without a network. None: no limit while it lasts."""
    unreported: int
    """Spent on this device, the server does not know yet."""


class SignIn(_Frozen):
    """One place where the account is signed in; `client` is what its app calls itself."""

    id: str
    client: str
    created_at: datetime
    last_used_at: datetime | None
    current: bool
    """It is the one that asks."""


class DeviceEntry(_Frozen):
    """One device on the account's list."""

    id: str
    name: str
    platform: str
    last_seen_at: datetime | None
    current: bool
    """It is the one that asks."""


class AccountStatus(_Frozen):
    """What is known about the account; `online` tells whether the server said so just now."""

    signed_in: bool
    online: bool
    email: str | None = None
    full_name: str | None = None
    email_verified: bool = True
    """False until the address was confirmed by the mail that was sent to it."""
    tier: str | None = None
    max_source_seconds: int | None = None
    """The longest source that may be trimmed, in seconds."""
    meters: dict[Meter, MeterStatus] = {}
    renews_at: datetime | None = None
    """When the period ends and the meters start again (UTC)."""
    as_of: datetime | None = None
    """When the server last said so (UTC)."""
    payment: str | None = None
    """What there is to know about the subscription, in a plain sentence."""
    session_only: bool = False
    """There is no keyring: the sign-in ends with this process."""
    notices: tuple[str, ...] = ()
    """What the user should know, in plain sentences."""


class Delivery(_Frozen):
    """One clip on its way to its real name. Both paths absolute and on the same volume."""

    temporary: Path
    final: Path
