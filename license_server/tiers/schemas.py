"""How tiers are told to the world."""

from __future__ import annotations

from license_server.schemas import Answer


class MeterLimits(Answer):
    """Units a month; null is unlimited."""

    trim: int | None
    hook_run: int | None


class TierAnswer(Answer):
    id: str
    price_cents: int
    currency: str
    meters: MeterLimits
    max_source_seconds: int
    devices: int
    features: list[str]
