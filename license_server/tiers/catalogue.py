"""The table of tiers, as data in one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

TierId = Literal["free", "pro", "premium"]


class Meter(StrEnum):
    """What is counted."""

    TRIM = "trim"
    HOOK_RUN = "hook_run"


@dataclass(frozen=True)
class Tier:
    """One tier: its price and units a month (None is unlimited), and what else it gives."""

    id: TierId
    price_cents: int
    trims: int | None
    hook_runs: int | None
    max_source_seconds: int
    devices: int
    features: tuple[str, ...]
    currency: str = "usd"

    def limit(self, meter: Meter) -> int | None:
        """Units a month; None is unlimited."""
        return self.trims if meter is Meter.TRIM else self.hook_runs


FREE = Tier("free", 0, trims=5, hook_runs=3, max_source_seconds=5 * 60, devices=2, features=())
PRO = Tier("pro", 999, trims=100, hook_runs=50, max_source_seconds=30 * 60, devices=3, features=("api-keys",))
PREMIUM = Tier(
    "premium",
    2999,
    trims=None,
    hook_runs=None,
    max_source_seconds=2 * 60 * 60,
    devices=5,
    features=("api-keys", "webhooks", "priority-processing"),
)

TIERS: tuple[Tier, ...] = (FREE, PRO, PREMIUM)
"""Every tier, each giving more than the one before it."""

BY_ID: dict[str, Tier] = {tier.id: tier for tier in TIERS}
