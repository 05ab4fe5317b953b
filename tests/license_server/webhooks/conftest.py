"""Somebody on Premium, at a server whose webhooks reach loopback, and a program that receives them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from license_server.config import Config
from tests.license_server.actors import Person, TestClock, give_tier
from tests.license_server.webhooks.receiver import Receiver, receiving


@pytest.fixture
def config(config: Config) -> Config:
    return config.model_copy(update={"webhook_networks": (ipaddress.ip_network("127.0.0.0/8"),)})


@pytest.fixture
def clock() -> TestClock:
    """Starts now, for receivers refuse signatures that are old by their own clock."""
    return TestClock(datetime.now(UTC))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def premium(ada: Person) -> Person:
    """Ada, who has Premium."""
    give_tier(ada, "premium")
    return ada
