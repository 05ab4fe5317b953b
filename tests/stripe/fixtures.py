"""The stand-in as a pytest fixture: name this module in `pytest_plugins` of `tests/conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stripe.server import Stripe


@pytest.fixture
def stripe() -> Iterator[Stripe]:
    """A running stand-in of the test's own, on the wall clock, with nobody to send events to yet."""
    with Stripe() as running:
        yield running
    assert not running.faults, f"the stand-in itself failed: {running.faults!r}"
