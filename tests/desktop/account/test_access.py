"""Devices, sign-ins and passwords, as their owner minds them from one of the devices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from desktop.account import Meter
from desktop.account.access import Access
from desktop.errors import Exit, ReelyError, TierRefusal
from tests.desktop.account.conftest import PASSWORD, Device, LicenseServer


@pytest.fixture
def other(signed_in: Device, new_device: Callable[[], Device], email: str) -> Device:
    """A second device of the account."""
    device = new_device()
    device.account.sign_in(email, PASSWORD)
    return device


def _others_id(device: Device) -> str:
    (others,) = [entry.id for entry in device.account.access.devices() if not entry.current]
    return others


def test_the_devices_are_listed_and_renamed(signed_in: Device, other: Device) -> None:
    signed_in.account.access.rename_device(_others_id(signed_in), "The studio's")
    names = {entry.current: entry.name for entry in signed_in.account.access.devices()}
    assert names[False] == "The studio's"
    assert {entry.current: entry.name for entry in other.account.access.devices()}[True] == "The studio's"
    with pytest.raises(ReelyError, match="name"):
        signed_in.account.access.rename_device(_others_id(signed_in), "")


def test_a_lost_device_gives_back_what_it_holds_and_a_removed_one_does_not(
    signed_in: Device, other: Device
) -> None:
    signed_in.account.return_offline()
    other.account.hold_offline(3)
    assert signed_in.meter() == (5, 0, 3, 2)
    signed_in.account.access.report_lost(_others_id(signed_in))
    assert signed_in.meter() == (5, 0, 0, 5)
    assert [entry.current for entry in signed_in.account.access.devices()] == [True]


def test_a_removed_device_leaves_the_list(signed_in: Device, other: Device) -> None:
    signed_in.account.access.remove_device(_others_id(signed_in))
    assert [entry.current for entry in signed_in.account.access.devices()] == [True]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda access: access.remove_device("no/such id"), "no-such-device"),
        (lambda access: access.rename_device("nothing", "name"), "no-such-device"),
        (lambda access: access.report_lost("nothing"), "no-such-device"),
        (lambda access: access.end_sign_in("nothing"), "no-such-sign-in"),
    ],
)
def test_what_is_not_there_is_said_to_be_not_there(
    signed_in: Device, call: Callable[[Access], None], code: str
) -> None:
    with pytest.raises(ReelyError) as refused:
        call(signed_in.account.access)
    assert (refused.value.code, refused.value.exit) == (code, Exit.USAGE)


def test_one_device_too_many_names_the_tiers_with_room_for_it(
    signed_in: Device, other: Device, new_device: Callable[[], Device], email: str
) -> None:
    third = new_device()
    third.account.sign_in(email, PASSWORD)
    with pytest.raises(TierRefusal) as refused:
        third.trim()
    assert refused.value.code == "device-limit"
    assert "2 devices" in refused.value.message
    assert [(offer.tier, offer.gives) for offer in refused.value.offers] == [
        ("pro", "3 devices"),
        ("premium", "5 devices"),
    ]


def test_ending_the_other_sign_in_signs_it_out_once_and_clearly(signed_in: Device, other: Device) -> None:
    sign_ins = signed_in.account.access.sign_ins()
    assert sorted(entry.current for entry in sign_ins) == [False, True]
    signed_in.account.access.end_sign_in(next(entry.id for entry in sign_ins if not entry.current))
    with pytest.raises(ReelyError) as ended:
        other.account.access.devices()
    assert ended.value.code == "sign-in-ended"
    with pytest.raises(ReelyError) as out:
        other.account.access.devices()
    assert out.value.code == "not-signed-in"
    assert signed_in.account.status().online


def test_a_new_password_ends_the_other_sign_in(signed_in: Device, other: Device, email: str) -> None:
    access = signed_in.account.access
    for current, new, code in (
        ("wrong", "another long secret", "invalid-credentials"),
        (PASSWORD, "password1", "password-too-common"),
    ):
        with pytest.raises(ReelyError) as refused:
            access.change_password(current, new)
        assert refused.value.code == code
    access.change_password(PASSWORD, "another long secret")
    assert signed_in.account.status().online
    with pytest.raises(ReelyError, match="sign-in on this device has ended"):
        other.account.status()
    assert other.account.sign_in(email, "another long secret").signed_in


def test_a_deleted_account_is_gone_and_its_clips_are_not(signed_in: Device, email: str) -> None:
    signed_in.trim()
    with pytest.raises(ReelyError) as refused:
        signed_in.account.delete("wrong")
    assert refused.value.code == "invalid-credentials"
    assert signed_in.account.status().signed_in
    assert not signed_in.account.delete(PASSWORD).signed_in
    assert not signed_in.account.status().signed_in
    assert signed_in.keyring.secrets == {}
    assert signed_in.clips() == 1
    with pytest.raises(ReelyError, match="wrong"):
        signed_in.account.sign_in(email, PASSWORD)
    assert signed_in.account.sign_up(email, PASSWORD).meters[Meter.TRIM].settled == 0


def test_mails_can_be_asked_for_and_a_confirmed_address_is_noticed(
    signed_in: Device, server: LicenseServer, email: str
) -> None:
    assert not signed_in.account.status().email_verified
    signed_in.account.access.resend_verification()
    signed_in.account.access.forgot_password(email)
    signed_in.account.access.forgot_password("nobody@example.com")
    server.confirm(email)
    assert signed_in.account.status().email_verified
