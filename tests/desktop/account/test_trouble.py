"""Wrong clocks, restored and damaged journals, lost keys, removed devices, new signing keys, copied homes."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.account import Meter
from desktop.errors import Exit, ReelyError
from license_server.leases.keys import FileKeys
from tests.desktop.account.conftest import PASSWORD, Device, LicenseServer


def journal_of(device: Device) -> Path:
    (path,) = (device.home / "account").glob("*/journal.db")
    return path


def trim_until_refused(device: Device) -> str:
    """Make clips as long as they are allowed; the code of the refusal."""
    for _ in range(10):
        try:
            device.trim()
        except ReelyError as refused:
            return refused.code
    raise AssertionError("more clips than any free account has")


def snapshot(device: Device) -> Callable[[], None]:
    """Keep a copy of the journal; the answer puts it back, as a backup would."""
    path = journal_of(device)
    copy = path.with_suffix(".backup")
    shutil.copy(path, copy)

    def restore() -> None:
        for part in path.parent.glob("journal.db*"):
            part.unlink()
        shutil.copy(copy, path)

    return restore


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_a_wrong_clock_hinders_nobody_who_is_online(
    new_device: Callable[[], Device], email: str, days: int
) -> None:
    device = new_device()
    device.clock_error = days * 86_400
    status = device.account.sign_up(email, PASSWORD)
    assert status.notices == ()
    for _ in range(5):
        device.trim()
    device.account.settle()
    assert device.meter() == (5, 5, 0, 0)


@pytest.mark.parametrize("days", [-400, 20])
def test_a_clock_that_is_set_while_offline_brings_no_unit(
    signed_in: Device, server: LicenseServer, days: int
) -> None:
    server.cut = True
    signed_in.trim()
    signed_in.clock_error = days * 86_400
    signed_in.open()
    signed_in.trim()
    with pytest.raises(ReelyError) as refused:
        signed_in.trim()
    assert refused.value.code == "offline-exhausted"
    server.cut = False
    signed_in.account.settle()
    assert signed_in.meter()[1] == 2


def test_a_clock_set_beyond_the_period_ends_the_lease_until_the_device_is_online(
    signed_in: Device, server: LicenseServer
) -> None:
    server.cut = True
    signed_in.clock_error = 60 * 86_400
    with pytest.raises(ReelyError) as refused:
        signed_in.trim()
    assert refused.value.code == "offline-exhausted"
    server.cut = False
    signed_in.trim()
    signed_in.account.settle()
    assert signed_in.meter() == (5, 1, 1, 4)


def test_a_clock_set_back_is_remarked_upon_and_forgotten_once_online(
    signed_in: Device, server: LicenseServer
) -> None:
    server.cut = True
    signed_in.clock_error = -3 * 86_400
    status = signed_in.account.status()
    assert any("clock was set back" in notice for notice in status.notices)
    server.cut = False
    assert signed_in.account.status().notices == ()


def test_the_period_of_a_spend_is_the_leases_whatever_the_clock_says(
    signed_in: Device, server: LicenseServer
) -> None:
    server.cut = True
    signed_in.trim()
    server.cut = False
    server.advance(days=32)
    signed_in.account.settle()
    assert signed_in.meter() == (5, 0, 2, 5)


def test_a_restored_journal_is_not_spent_again(signed_in: Device, server: LicenseServer) -> None:
    restore = snapshot(signed_in)
    server.cut = True
    signed_in.trim()
    signed_in.trim()
    restore()
    signed_in.open()
    with pytest.raises(ReelyError) as refused:
        signed_in.trim()
    assert refused.value.code == "offline-exhausted"
    server.cut = False
    delivered = 2
    for _ in range(3):
        signed_in.trim()
        delivered += 1
    with pytest.raises(ReelyError):
        signed_in.trim()
    signed_in.account.settle()
    limit, settled, held, _ = signed_in.meter()
    assert delivered == signed_in.clips() == 5
    # The two that the restored journal has forgotten stay held, so the month is not exceeded.
    assert (limit, settled, held) == (5, 3, 2)


def test_a_restored_journal_after_settling_is_not_spent_again_either(signed_in: Device) -> None:
    restore = snapshot(signed_in)
    for _ in range(3):
        signed_in.trim()
        signed_in.account.settle()
    restore()
    signed_in.open()
    assert trim_until_refused(signed_in) == "quota-exhausted"
    signed_in.account.settle()
    limit, settled, held, _ = signed_in.meter()
    assert (limit, settled + held) == (5, 5)
    assert settled == signed_in.clips()


def test_a_damaged_journal_is_put_aside_by_the_next_sign_in(signed_in: Device, email: str) -> None:
    signed_in.trim()
    signed_in.account.settle()
    path = journal_of(signed_in)
    path.write_bytes(b"\xff" * 5000)
    with pytest.raises(ReelyError) as damaged:
        signed_in.trim()
    assert (damaged.value.code, damaged.value.exit) == ("journal-damaged", Exit.DISK)
    assert "Sign in again" in damaged.value.hint
    signed_in.account.sign_in(email, PASSWORD)
    signed_in.trim()
    signed_in.account.settle()
    assert signed_in.meter()[1] == 2
    assert [part.read_bytes() for part in path.parent.glob("damaged-*-journal.db")] == [b"\xff" * 5000]


def test_a_device_that_was_removed_from_the_list_comes_back_by_working(
    signed_in: Device, server: LicenseServer
) -> None:
    with sqlite3.connect(server.data / "reely.sqlite3") as db:
        db.execute("UPDATE devices SET removed_at = '2026-01-01 00:00:00.000000'")
    db.close()
    for _ in range(3):
        signed_in.trim()
    signed_in.account.settle()
    assert signed_in.meter()[1] == 3


def test_a_lost_device_key_makes_a_new_device_and_no_new_units(signed_in: Device) -> None:
    signed_in.trim()
    for name in [name for name in signed_in.keyring.secrets if name[1].endswith("device-key")]:
        del signed_in.keyring.secrets[name]
    signed_in.open()
    assert trim_until_refused(signed_in) == "quota-exhausted"
    signed_in.account.settle()
    limit, settled, held, _ = signed_in.meter()
    assert limit == 5
    # Both units of the old key's lease stay held: one was spent, and nobody can prove that the other was not.
    assert (settled, held) == (3, 2)
    assert signed_in.clips() == 4


def test_a_new_signing_key_of_the_server_is_fetched_when_it_is_met(
    signed_in: Device, server: LicenseServer
) -> None:
    FileKeys.open(server.data / "lease-keys.json").rotate(server.time)
    for _ in range(5):
        signed_in.trim()
        signed_in.account.settle()
    assert signed_in.meter()[1] == 5


def test_a_copied_home_is_found_and_told_to_sign_in_again(
    signed_in: Device, server: LicenseServer, new_device: Callable[[], Device], email: str
) -> None:
    copy = new_device()
    copy.account.close()
    shutil.copytree(signed_in.home, copy.home, dirs_exist_ok=True)
    copy.keyring.secrets |= signed_in.keyring.secrets
    server.cut = True
    for device in (signed_in, copy):
        device.open()
        device.trim()
        device.trim()
    server.cut = False
    signed_in.account.settle()
    # The copy's refresh token was used up by the original: that alone ends the sign-in of both.
    server.advance(seconds=60)
    with pytest.raises(ReelyError) as ended:
        copy.account.settle()
    assert ended.value.code == "sign-in-ended"
    status = copy.account.sign_in(email, PASSWORD)
    assert any("Another copy of this device" in notice for notice in status.notices)
    assert any("did not accept 2 of this device's reports" in notice for notice in status.notices)
    with pytest.raises(ReelyError) as refused:
        copy.trim()
    assert (refused.value.code, refused.value.exit) == ("sign-in-again", Exit.ACCOUNT)
    server.advance(seconds=60)
    copy.account.sign_in(email, PASSWORD)
    copy.trim()


def test_a_tier_that_is_lowered_while_away_counts_from_the_next_lease_on(
    signed_in: Device, server: LicenseServer, email: str
) -> None:
    server.give(email, "pro", days=1)
    with signed_in.account.permit(Meter.TRIM, source_seconds=1000):
        pass
    server.advance(days=2)
    with pytest.raises(ReelyError) as refused:
        signed_in.account.permit(Meter.TRIM, source_seconds=1000)
    assert refused.value.code == "source-too-long"
    assert signed_in.meter()[0] == 5


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, which the test fills to its last byte."""
    path = tmp_path / "small-disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield path
    subprocess.run(["umount", path], check=True)


def test_a_full_disk_under_the_journal_is_told_and_nothing_is_counted(
    full_disk: Path, signed_in: Device, server: LicenseServer
) -> None:
    account = signed_in.home / "account"
    signed_in.account.close()
    shutil.copytree(account, full_disk / "account")
    shutil.rmtree(account)
    account.symlink_to(full_disk / "account", target_is_directory=True)
    signed_in.open()
    filler = full_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 1024, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
    with pytest.raises(ReelyError) as refused:
        signed_in.trim()
    assert refused.value.exit is Exit.DISK
    assert refused.value.code in {"journal-disk-full", "disk-full"}
    assert "Free some space" in refused.value.hint
    assert signed_in.clips() == 0
    filler.unlink()
    signed_in.trim()
    signed_in.account.settle()
    assert signed_in.meter()[1] == signed_in.clips() == 1
