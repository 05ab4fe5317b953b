"""Real processes that are killed at any moment, or that share one account at the same time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.account import Account, Delivery, Meter
from desktop.errors import Exit
from tests.desktop.account.conftest import PASSWORD, LicenseServer
from tests.desktop.account.trimming_child import STEPS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 is what is tested")


@pytest.fixture
def shared_home(server: LicenseServer, email: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a signed-in free account, whose keyring other processes can open."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "keyring"))
    home = tmp_path / "shared-home"
    with Account.open(home, server.url) as account:
        account.sign_up(email, PASSWORD)
    return home


@pytest.fixture
def pro_home(shared_home: Path, server: LicenseServer, email: str) -> Path:
    server.give(email, "pro")
    return shared_home


def start(home: Path, server: LicenseServer, clips: int, kill_at: str = "never") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.desktop.account.trimming_child"]
    return subprocess.Popen(
        [*command, str(home), server.url, str(clips), kill_at], stdout=subprocess.PIPE, text=True
    )


def clips(home: Path) -> list[Path]:
    return sorted((home / "clips").glob("*.mp4"))


def unfinished(home: Path) -> list[Path]:
    return sorted((home / "clips").glob(".*.part"))


@pytest.mark.parametrize("step", STEPS)
def test_a_process_killed_at_any_step_loses_nothing_and_is_charged_for_what_it_delivered(
    shared_home: Path, server: LicenseServer, step: str
) -> None:
    child = start(shared_home, server, 2, kill_at=step)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    with Account.open(shared_home, server.url) as account:
        recovered = account.recover()
        assert account.recover() == []
        account.settle()
        delivered = clips(shared_home)
        assert len(delivered) == (0 if STEPS.index(step) < STEPS.index("committed") else 1)
        assert all(clip.read_bytes() == b"whole" for clip in delivered)
        assert unfinished(shared_home) == []
        assert len(recovered) == (1 if step in {"committed", "published"} else 0)
        meter = account.status().meters[Meter.TRIM]
        assert (meter.settled, meter.unreported) == (len(delivered), 0)
        assert meter.available == 5 - len(delivered)


def test_a_process_killed_anywhere_leaves_as_many_counted_as_there_are_clips(
    pro_home: Path, server: LicenseServer
) -> None:
    chance = random.Random(20261124)
    for _ in range(4):
        child = start(pro_home, server, 1000)
        assert child.stdout is not None
        for _ in range(chance.randrange(1, 4)):
            child.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(chance.uniform(0, 0.06))
        child.kill()
        child.communicate()
        with Account.open(pro_home, server.url) as account:
            account.recover()
            account.settle()
            assert unfinished(pro_home) == []
            assert account.status().meters[Meter.TRIM].settled == len(clips(pro_home))


def test_two_processes_share_a_months_trims_to_the_last_one(shared_home: Path, server: LicenseServer) -> None:
    children = [start(shared_home, server, 1000) for _ in range(2)]
    outputs = [child.communicate()[0].split() for child in children]
    assert [output[-1] for output in outputs] == ["quota-exhausted"] * 2
    assert {child.returncode for child in children} == {Exit.ACCOUNT}
    assert len(clips(shared_home)) == 5
    with Account.open(shared_home, server.url) as account:
        account.settle()
        meter = account.status().meters[Meter.TRIM]
    assert (meter.settled, meter.held, meter.unreported) == (5, 0, 0)


def test_two_processes_do_not_trip_over_each_others_refresh_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    """Each call needs a new access token here, and a token used twice ends the sign-in at once."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "keyring"))
    impatient = LicenseServer(tmp_path / "impatient", access_token_seconds=10, refresh_retry_seconds=-1)
    try:
        with Account.open(tmp_path / "home", impatient.url) as account:
            account.sign_up(email, PASSWORD)
            impatient.give(email, "pro")
            children = [start(tmp_path / "home", impatient, 6) for _ in range(2)]
            outputs = [child.communicate()[0].split() for child in children]
            assert outputs == [["clip"] * 6] * 2
            account.settle()
            assert account.status().meters[Meter.TRIM].settled == 12
        assert sum(path == "/api/v1/auth/refresh" for _, path in impatient.requests) > 20
    finally:
        impatient.close()


def test_a_clip_whose_name_was_taken_meanwhile_gets_a_free_one_beside_it(
    shared_home: Path, server: LicenseServer
) -> None:
    start(shared_home, server, 1, kill_at="committed").communicate()
    (part,) = unfinished(shared_home)
    taken = part.with_name(part.name[1:].replace(".part", ".mp4"))
    taken.write_bytes(b"somebody else's")
    with Account.open(shared_home, server.url) as account:
        (recovered,) = account.recover()
    assert taken.read_bytes() == b"somebody else's"
    assert recovered.final == taken.with_name(f"{taken.stem} (2).mp4")
    assert recovered.final.read_bytes() == b"whole"


def test_a_committed_clip_that_is_gone_is_not_counted(shared_home: Path, server: LicenseServer) -> None:
    start(shared_home, server, 1, kill_at="committed").communicate()
    unfinished(shared_home)[0].unlink()
    with Account.open(shared_home, server.url) as account:
        assert account.recover() == []
        account.settle()
        assert account.status().meters[Meter.TRIM].available == 5


def test_a_committed_clip_on_a_disk_that_is_not_there_waits_for_it(
    shared_home: Path, server: LicenseServer
) -> None:
    start(shared_home, server, 1, kill_at="committed").communicate()
    away = (shared_home / "clips").rename(shared_home / "unplugged")
    with Account.open(shared_home, server.url) as account:
        assert account.recover() == []
        away.rename(shared_home / "clips")
        assert len(account.recover()) == 1


def test_work_of_a_living_process_is_left_alone(shared_home: Path, server: LicenseServer) -> None:
    part = shared_home / "clip.part"
    with Account.open(shared_home, server.url) as working, Account.open(shared_home, server.url) as other:
        with working.permit(Meter.TRIM) as permit:
            permit.expect([Delivery(temporary=part, final=shared_home / "clip.mp4")])
            part.write_bytes(b"half")
            assert other.recover() == []
            assert part.exists()
            permit.commit()
            permit.delivered()
        working.settle()
        assert other.status().meters[Meter.TRIM].settled == 1
