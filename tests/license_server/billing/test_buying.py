"""Buying a tier: checkouts, upgrades and downgrades, cancelling and resuming."""

from __future__ import annotations

import pytest

from tests.license_server.actors import on_both_databases
from tests.license_server.billing.shop import Buyer, Shop


@on_both_databases
@pytest.mark.parametrize("tier", ["pro", "premium"])
def test_paying_a_checkout_gives_the_tier(shop: Shop, buyer: Buyer, tier: str) -> None:
    begun = buyer.checkout(tier)
    assert set(begun) == {"checkout_url", "session_id"}
    assert buyer.tier == "free", "nothing is given before it is paid"
    shop.stripe.pay(begun["session_id"])
    shop.deliver()
    assert buyer.tier == tier
    assert buyer.status() == {
        "tier": tier,
        "status": "active",
        "current_period_end": "2026-02-28T12:00:00Z",
        "cancel_at_period_end": False,
        "grace_until": None,
    }
