"""How much of what an account has left one device asks for."""

from __future__ import annotations

from collections.abc import Mapping

from desktop.account.models import Meter
from desktop.account.wire import MeterUsage, Usage

_MOST_AT_ONCE = 3  # units of a meter in a lease that is topped up by itself


def portion(ledger: MeterUsage | None) -> int:
    """How many units to take of what the account has left: some, but not all while there is more than one."""
    if ledger is None or ledger.available == 0:
        return 0
    if ledger.available is None:
        return _MOST_AT_ONCE
    return min(_MOST_AT_ONCE, max(1, ledger.available // 2))


def wants_of(usage: Usage, kept: Mapping[Meter, int | None]) -> dict[Meter, int]:
    """How many units to ask for: a portion, or as many as were held before (somebody may have taken them)."""
    return {meter: max(portion(ledger), _at_most(kept.get(meter), ledger)) for meter, ledger in _each(usage)}


def _each(usage: Usage) -> list[tuple[Meter, MeterUsage | None]]:
    return [(meter, usage.meters.get(meter)) for meter in Meter]


def _at_most(units: int | None, ledger: MeterUsage | None) -> int:
    if units is None or ledger is None:
        return 0
    return units if ledger.available is None else min(units, ledger.available)
