"""Units that are taken along for the time without a network, and given back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from desktop.account import Meter
from desktop.errors import ReelyError, TierRefusal
from tests.desktop.account.conftest import PASSWORD, Device, LicenseServer


def test_what_is_taken_along_is_all_there_is_without_a_network(
    signed_in: Device, server: LicenseServer
) -> None:
    status = signed_in.account.hold_offline(4)
    assert {meter: numbers.on_device for meter, numbers in status.meters.items()} == {
        Meter.TRIM: 4,
        Meter.HOOK_RUN: 3,  # all that the tier has
    }
    server.cut = True
    for _ in range(4):
        signed_in.trim()
    with pytest.raises(ReelyError) as refused:
        signed_in.trim()
    assert refused.value.code == "offline-exhausted"
    assert "Connect to the internet" in refused.value.hint
    status = signed_in.account.status()
    assert (status.online, status.meters[Meter.TRIM].unreported) == (False, 4)
    server.cut = False
    signed_in.account.settle()
    assert signed_in.meter()[1] == signed_in.clips() == 4


def test_what_is_given_back_is_there_for_other_devices(
    signed_in: Device, new_device: Callable[[], Device], email: str
) -> None:
    signed_in.account.hold_offline(5)
    other = new_device()
    other.account.sign_in(email, PASSWORD)
    assert other.held()[Meter.TRIM] == 0
    status = signed_in.account.return_offline()
    assert [numbers.held for numbers in status.meters.values()] == [0, 0]
    assert signed_in.held() == {Meter.TRIM: 0, Meter.HOOK_RUN: 0}
    for _ in range(5):
        other.trim()
    other.account.settle()
    assert other.meter() == (5, 5, 0, 0)


def test_topping_up_one_meter_leaves_what_was_taken_of_the_other(
    signed_in: Device, server: LicenseServer, email: str
) -> None:
    server.give(email, "pro")
    signed_in.account.hold_offline(10)
    for _ in range(10):
        signed_in.find_hooks()
    signed_in.account.settle()
    assert signed_in.held() == {Meter.TRIM: 10, Meter.HOOK_RUN: 3}
    for _ in range(4):
        signed_in.find_hooks()
    assert signed_in.held()[Meter.TRIM] == 10


def test_taking_again_reports_first_and_never_holds_twice(signed_in: Device) -> None:
    signed_in.trim()
    for units in (2, 5, 3):
        signed_in.account.hold_offline(units)
    assert signed_in.meter() == (5, 1, 3, 4)
    assert signed_in.held()[Meter.TRIM] == 3


def test_where_nothing_is_left_there_is_nothing_to_take(signed_in: Device) -> None:
    for _ in range(5):
        signed_in.trim()
    for _ in range(3):
        signed_in.find_hooks()
    with pytest.raises(TierRefusal) as refused:
        signed_in.account.hold_offline(2)
    assert refused.value.code == "quota-exhausted"
    assert [(offer.tier, offer.gives, offer.price) for offer in refused.value.offers] == [
        ("pro", "100 trims a month", "$9.99 a month"),
        ("premium", "unlimited trims", "$29.99 a month"),
    ]


def test_a_tier_without_a_limit_is_taken_along_without_one(
    signed_in: Device, server: LicenseServer, email: str
) -> None:
    server.give(email, "premium")
    signed_in.account.hold_offline(50)
    assert signed_in.held() == {Meter.TRIM: None, Meter.HOOK_RUN: None}
