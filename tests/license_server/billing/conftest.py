"""A license server that sells through the stand-in for Stripe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from license_server.config import Config
from tests.license_server.actors import TestClock
from tests.license_server.billing.shop import Buyer, Shop
from tests.stripe import Stripe


@pytest.fixture
def stripe(clock: TestClock) -> Iterator[Stripe]:
    """The stand-in, living by the clock that the test moves."""
    with Stripe(clock) as running:
        yield running
    assert not running.faults, f"the stand-in itself failed: {running.faults!r}"


@pytest.fixture
def selling(config: Config, stripe: Stripe, data: Path) -> Config:
    """The configuration of a server that sells."""
    sells = Config.embedded(data, {**stripe.env, "DATABASE_URL": config.database_url})
    return sells.model_copy(update={"argon2": config.argon2})


@pytest.fixture
def shop(selling: Config, start: Callable[[Config], Flask], stripe: Stripe, clock: TestClock) -> Shop:
    return Shop(start(selling), stripe, clock)


@pytest.fixture
def buyer(shop: Shop) -> Buyer:
    """Somebody who has just signed up, and is free."""
    return shop.person()
