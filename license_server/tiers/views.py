"""The public list of tiers."""

from __future__ import annotations

from license_server.http import Room
from license_server.tiers.catalogue import TIERS
from license_server.tiers.schemas import MeterLimits, TierAnswer

room = Room("tiers", __name__)


@room.serve("GET", "/tiers", access="public")
def list_tiers() -> list[TierAnswer]:
    """What each tier costs and gives."""
    return [
        TierAnswer(
            id=tier.id,
            price_cents=tier.price_cents,
            currency=tier.currency,
            meters=MeterLimits(trim=tier.trims, hook_run=tier.hook_runs),
            max_source_seconds=tier.max_source_seconds,
            devices=tier.devices,
            features=list(tier.features),
        )
        for tier in TIERS
    ]
