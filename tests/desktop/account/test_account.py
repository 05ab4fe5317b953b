"""The account against the real server: signing in and out, the month's trims, the absence of a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.account import Delivery, Meter
from desktop.errors import Exit, ReelyError
from tests.desktop.account.conftest import PASSWORD, Device, LicenseServer


def _trimmed_or_refused(device: Device, code: str) -> bool:
    """Whether a trim was delivered; a refusal must be the one with that code."""
    before = device.clips()
    refusal = None
    try:
        device.trim()
    except ReelyError as error:
        refusal = error.code
    assert refusal in {None, code}
    assert device.clips() == before + (refusal is None)
    return refusal is None


def test_a_new_account_is_signed_in_and_ready_for_work(device: Device, email: str) -> None:
    status = device.account.sign_up(email, PASSWORD, "Ada Creator")
    assert (status.signed_in, status.online, status.email, status.tier) == (True, True, email, "free")
    assert status.full_name == "Ada Creator"
    assert status.max_source_seconds == 300
    assert status.meters[Meter.TRIM].limit == status.meters[Meter.TRIM].available == 5
    assert status.meters[Meter.HOOK_RUN].limit == status.meters[Meter.HOOK_RUN].available == 3
    assert not status.session_only
    assert status.notices == ()


def test_five_trims_settle_to_five_and_the_sixth_names_pro_and_its_price(signed_in: Device) -> None:
    for _ in range(5):
        signed_in.trim()
        signed_in.account.settle()
    assert signed_in.meter() == (5, 5, 0, 0)
    assert signed_in.clips() == 5
    with pytest.raises(ReelyError) as refused:
        signed_in.trim()
    assert (refused.value.code, refused.value.exit) == ("quota-exhausted", Exit.ACCOUNT)
    assert "All 5 trims of this month are used" in refused.value.message
    assert "Pro (100 trims a month, $9.99 a month)" in refused.value.hint
    assert "Premium (unlimited trims, $29.99 a month)" in refused.value.hint
    assert "renews on" in refused.value.hint
    assert signed_in.clips() == 5


def test_settling_again_and_again_counts_nothing_twice(signed_in: Device) -> None:
    signed_in.trim()
    for _ in range(3):
        signed_in.account.settle()
    assert signed_in.meter() == (5, 1, 1, 4)


def test_a_month_later_the_trims_are_there_again(signed_in: Device, server: LicenseServer) -> None:
    for _ in range(5):
        signed_in.trim()
    signed_in.account.settle()
    server.advance(days=32)
    signed_in.trim()
    signed_in.account.settle()
    assert signed_in.meter()[1] == 1


@pytest.mark.parametrize(
    ("minutes", "tiers", "not_named"),
    [
        (6, ["Pro (sources of up to 30 minutes, $9.99", "Premium"], []),
        (45, ["Premium (sources of up to 2 hours, $29.99"], ["Pro "]),
        (121, [], ["Pro", "Premium"]),
    ],
)
def test_a_source_that_is_too_long_names_the_tiers_that_take_it(
    signed_in: Device, minutes: int, tiers: list[str], not_named: list[str]
) -> None:
    with pytest.raises(ReelyError) as refused:
        signed_in.account.permit(Meter.TRIM, source_seconds=minutes * 60)
    assert (refused.value.code, refused.value.exit) == ("source-too-long", Exit.ACCOUNT)
    assert "5 minutes" in refused.value.message
    assert all(name in refused.value.hint for name in tiers)
    assert not any(name in refused.value.hint for name in not_named)
    assert signed_in.meter()[1] == 0


def test_a_source_of_exactly_five_minutes_is_not_too_long(signed_in: Device) -> None:
    with signed_in.account.permit(Meter.TRIM, source_seconds=300) as permit:
        assert permit.units == 1


def test_a_new_tier_is_used_at_once(signed_in: Device, server: LicenseServer, email: str) -> None:
    server.give(email, "pro")
    with signed_in.account.permit(Meter.TRIM, source_seconds=29 * 60) as permit:
        assert permit.units == 1
    assert signed_in.meter()[0] == 100


def test_an_unlimited_tier_trims_on_and_on(signed_in: Device, server: LicenseServer, email: str) -> None:
    server.give(email, "premium")
    for _ in range(12):
        signed_in.trim()
    signed_in.account.settle()
    assert signed_in.meter() == (None, 12, 0, None)


def test_work_that_fails_costs_nothing(signed_in: Device) -> None:
    for _ in range(8):
        with pytest.raises(RuntimeError), signed_in.account.permit(Meter.TRIM):
            raise RuntimeError("the cut failed")
    signed_in.account.settle()
    assert signed_in.meter() == (5, 0, 2, 5)


def test_several_clips_of_one_job_cost_a_unit_each(signed_in: Device, tmp_path: Path) -> None:
    deliveries = [Delivery(temporary=tmp_path / f"{n}.part", final=tmp_path / f"{n}.mp4") for n in range(3)]
    with signed_in.account.permit(Meter.TRIM, units=4) as permit:
        permit.commit(deliveries)
        permit.delivered()
    signed_in.account.settle()
    assert signed_in.meter()[1] == 3


def test_more_clips_than_are_left_are_refused_as_a_whole(signed_in: Device) -> None:
    with pytest.raises(ReelyError) as refused:
        signed_in.account.permit(Meter.TRIM, units=6)
    assert refused.value.code == "quota-exhausted"
    assert "Only 5 trims are left this month; 6 are needed" in refused.value.message


def test_hook_runs_are_counted_on_their_own_meter(signed_in: Device) -> None:
    for _ in range(3):
        with signed_in.account.permit(Meter.HOOK_RUN) as permit:
            permit.commit()
            permit.delivered()
        signed_in.account.settle()
    assert signed_in.meter(Meter.HOOK_RUN) == (3, 3, 0, 0)
    assert signed_in.meter(Meter.TRIM)[1] == 0
    with pytest.raises(ReelyError, match="All 3 hook runs of this month"):
        signed_in.account.permit(Meter.HOOK_RUN)


def test_two_permits_at_once_hold_a_unit_each(signed_in: Device) -> None:
    permit = signed_in.account.permit
    with permit(Meter.TRIM) as one, permit(Meter.TRIM) as two, permit(Meter.TRIM) as three:
        assert one.units == two.units == three.units == 1
        one.commit()
        one.delivered()
        three.commit()
        three.delivered()
        signed_in.account.settle()
    signed_in.account.settle()
    assert signed_in.meter()[1] == 2
    assert signed_in.meter()[3] == 3


def test_two_devices_share_a_month_and_never_exceed_it(
    signed_in: Device, email: str, new_device: Callable[[], Device]
) -> None:
    other = new_device()
    other.account.sign_in(email, PASSWORD)
    delivered = 0
    for n in range(8):
        delivered += _trimmed_or_refused((signed_in, other)[n % 2], "quota-exhausted")
    signed_in.account.settle()
    other.account.settle()
    assert delivered == signed_in.clips() + other.clips() <= 5
    limit, settled, held, _ = signed_in.meter()
    assert settled == delivered
    assert limit is not None
    assert settled + held <= limit


def test_without_a_network_the_lease_is_used_up_and_then_refused(
    signed_in: Device, server: LicenseServer
) -> None:
    on_device = signed_in.account.status().meters[Meter.TRIM].on_device
    assert on_device == 2
    server.cut = True
    for _ in range(2):
        signed_in.trim()
        with pytest.raises(ReelyError) as unsettled:
            signed_in.account.settle()
        assert unsettled.value.exit is Exit.NETWORK
    with pytest.raises(ReelyError) as refused:
        signed_in.trim()
    assert (refused.value.code, refused.value.exit) == ("offline-exhausted", Exit.ACCOUNT)
    assert "No trims are left on this device" in refused.value.message
    status = signed_in.account.status()
    assert (status.signed_in, status.online, status.tier) == (True, False, "free")
    meter = status.meters[Meter.TRIM]
    assert (meter.on_device, meter.unreported, meter.available) == (0, 2, 3)
    server.cut = False
    signed_in.account.settle()
    assert signed_in.meter()[1] == signed_in.clips() == 2


def test_a_newly_started_process_works_offline_on_what_the_device_holds(
    signed_in: Device, server: LicenseServer
) -> None:
    server.cut = True
    signed_in.open(offline=True)
    signed_in.trim()
    assert signed_in.account.status().meters[Meter.TRIM].unreported == 1
    with pytest.raises(ReelyError) as refused:
        signed_in.account.permit(Meter.TRIM, source_seconds=360)
    assert refused.value.code == "source-too-long"
    assert "Pro" in refused.value.hint
    server.cut = False
    signed_in.open()
    signed_in.account.settle()
    assert signed_in.meter()[1] == 1


def test_lost_answers_lose_no_unit_and_count_none_twice(signed_in: Device, server: LicenseServer) -> None:
    for _ in range(5):
        server.lose_answers_to = "*"
        if not _trimmed_or_refused(signed_in, "offline-exhausted"):
            server.lose_answers_to = ""
            signed_in.trim()
        server.lose_answers_to = "*"
        with pytest.raises(ReelyError, match="cannot be reached"):
            signed_in.account.settle()
        server.lose_answers_to = ""
        signed_in.account.settle()
    assert signed_in.meter() == (5, 5, 0, 0)
    assert signed_in.clips() == 5


def test_a_lease_that_was_lost_on_the_way_is_asked_for_again_and_not_held_twice(
    signed_in: Device, server: LicenseServer
) -> None:
    signed_in.trim()
    signed_in.trim()
    signed_in.account.settle()
    server.lose_answers_to = "/api/v1/leases"
    for _ in range(3):
        with pytest.raises(ReelyError, match="cannot be reached"):
            signed_in.account.permit(Meter.TRIM, units=3)
    server.lose_answers_to = ""
    with signed_in.account.permit(Meter.TRIM, units=3) as permit:
        assert permit.units == 3
    assert signed_in.meter() == (5, 2, 3, 3)


def test_signing_out_removes_the_secrets_and_gives_back_what_was_held(signed_in: Device, email: str) -> None:
    signed_in.trim()
    assert len(signed_in.keyring.secrets) == 3
    status = signed_in.account.sign_out()
    assert not status.signed_in
    assert signed_in.keyring.secrets == {}
    assert not (signed_in.home / "account" / "session").exists()
    with pytest.raises(ReelyError) as refused:
        signed_in.account.permit(Meter.TRIM)
    assert (refused.value.code, refused.value.exit) == ("not-signed-in", Exit.ACCOUNT)
    signed_in.account.sign_in(email, PASSWORD)
    assert signed_in.meter()[1] == 1
    assert signed_in.meter()[3] == 4


def test_signing_out_without_a_network_keeps_unreported_trims_for_the_next_sign_in(
    signed_in: Device, server: LicenseServer, email: str
) -> None:
    server.cut = True
    signed_in.trim()
    status = signed_in.account.sign_out()
    assert not status.signed_in
    assert len(status.notices) == 1
    assert not (signed_in.home / "account" / "session").exists()
    server.cut = False
    signed_in.account.sign_in(email, PASSWORD)
    signed_in.account.settle()
    assert signed_in.meter()[1] == 1


def test_a_sign_in_survives_a_restart_of_the_app(signed_in: Device, email: str) -> None:
    signed_in.open()
    status = signed_in.account.status()
    assert (status.signed_in, status.online, status.email) == (True, True, email)


def test_a_reused_refresh_token_leads_to_one_clear_sign_in(
    signed_in: Device, server: LicenseServer, email: str
) -> None:
    session = signed_in.home / "account" / "session"
    stolen = session.read_bytes()
    signed_in.open().status()
    server.advance(seconds=60)
    session.write_bytes(stolen)
    signed_in.open()
    server.requests.clear()
    with pytest.raises(ReelyError) as ended:
        signed_in.account.status()
    assert (ended.value.code, ended.value.exit) == ("sign-in-ended", Exit.ACCOUNT)
    assert server.requests == [("POST", "/api/v1/auth/refresh")]
    assert not signed_in.account.status().signed_in
    with pytest.raises(ReelyError) as refused:
        signed_in.account.permit(Meter.TRIM)
    assert refused.value.code == "not-signed-in"
    assert len(server.requests) == 1
    signed_in.account.sign_in(email, PASSWORD)
    signed_in.trim()


def test_an_expired_access_token_is_renewed_without_a_word(signed_in: Device, server: LicenseServer) -> None:
    server.advance(hours=5)
    assert signed_in.account.status().online


@pytest.mark.parametrize(
    ("attempt", "code", "exit"),
    [
        (
            lambda account, email: account.sign_in(email, "not the password"),
            "invalid-credentials",
            Exit.ACCOUNT,
        ),
        (lambda account, email: account.sign_up(email, PASSWORD), "email-taken", Exit.ACCOUNT),
        (lambda account, email: account.sign_up("no address", PASSWORD), "invalid-input", Exit.USAGE),
        (lambda account, email: account.sign_up("new-one@example.com", "short"), "invalid-input", Exit.USAGE),
    ],
)
def test_refused_sign_ins_say_why(
    signed_in: Device, email: str, attempt: Callable[..., object], code: str, exit: Exit
) -> None:
    signed_in.account.sign_out()
    with pytest.raises(ReelyError) as refused:
        attempt(signed_in.account, email)
    assert (refused.value.code, refused.value.exit) == (code, exit)
    assert not signed_in.account.status().signed_in


def test_the_third_device_of_a_free_account_is_told_so(
    signed_in: Device, email: str, new_device: Callable[[], Device]
) -> None:
    new_device().account.sign_in(email, PASSWORD)
    third = new_device()
    status = third.account.sign_in(email, PASSWORD)
    assert status.signed_in
    assert any("already used on 2 devices" in notice for notice in status.notices)
    with pytest.raises(ReelyError) as refused:
        third.trim()
    assert refused.value.code == "device-limit"


def test_two_accounts_on_one_computer_keep_their_trims_apart(
    signed_in: Device, server: LicenseServer
) -> None:
    server.cut = True
    signed_in.trim()
    signed_in.account.sign_out()
    server.cut = False
    signed_in.account.sign_up("somebody-else@example.com", PASSWORD)
    signed_in.account.settle()
    assert signed_in.meter()[1] == 0


def test_no_secret_is_on_the_disk(signed_in: Device) -> None:
    signed_in.trim()
    signed_in.account.settle()
    secrets = [secret.encode() for secret in signed_in.keyring.secrets.values() if ":" not in secret]
    assert len(secrets) == 2
    for file in (path for path in signed_in.home.rglob("*") if path.is_file()):
        content = file.read_bytes()
        assert PASSWORD.encode() not in content
        assert b"rt_" not in content
        assert not any(secret in content for secret in secrets), file


def test_without_a_keyring_the_session_lasts_as_long_as_the_process(
    device: Device, server: LicenseServer, email: str, tmp_path: Path
) -> None:
    from desktop.account import Account, SecretStore

    home = tmp_path / "no-keyring"
    with Account.open(home, server.url, SecretStore(), wall=device.wall) as account:
        status = account.sign_up(email, PASSWORD)
        assert (status.signed_in, status.session_only) == (True, True)
        assert any("no keyring" in notice for notice in status.notices)
        with account.permit(Meter.TRIM) as permit:
            assert permit.units == 1
    with Account.open(home, server.url, SecretStore(), wall=device.wall) as account:
        assert not account.status().signed_in
        assert account.sign_in(email, PASSWORD).notices[:-1] == ()
    for _ in range(3):  # a free account has room for two devices: none of these sessions has kept its place
        with Account.open(home, server.url, SecretStore(), wall=device.wall) as account:
            account.sign_in(email, PASSWORD)
            with account.permit(Meter.TRIM) as permit:
                assert permit.units == 1
