"""The protocol's invariants with real journals against the real server, whatever happens to them.

Four devices of one account trim, settle, hold and give back, while the network loses, doubles and delays what
they say, processes are killed at any durable step, clocks are set at will, and journals are restored.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from desktop.account import Delivery, Meter, database
from desktop.account.identity import Identity
from desktop.errors import ReelyError
from desktop.files import publish
from license_server.database import db
from license_server.leases.models import Lease
from license_server.usage.models import UsageStats
from tests.desktop.account.conftest import PASSWORD, Device, LicenseServer

LIMITS = {Meter.TRIM: 5, Meter.HOOK_RUN: 3}  # of the free tier
DEVICES = 4
DAY = 86_400.0
REFUSALS = {"quota-exhausted", "offline-exhausted", "server-unreachable", "clock-wrong"}
SIGNED_OUT = {"sign-in-ended", "not-signed-in"}
"""Killed between the server's new refresh token and the disk: that costs a sign-in, but no unit."""
_account_numbers = iter(range(1_000_000))


class Killed(BaseException):
    """The process is no more: nothing that it would still do happens."""


class Power:
    """Ends the process after so many durable steps; from then on each further step fails too."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._dead = False

    def cut_after(self, steps: int | None) -> None:
        self._left, self._dead = steps, False

    def step(self) -> None:
        if self._left is not None:
            self._left -= 1
            self._dead = self._dead or self._left < 0
        if self._dead:
            raise Killed


@pytest.fixture
def power(monkeypatch: pytest.MonkeyPatch) -> Power:
    """Every transaction of a journal, every fsync, and every word to the keyring is a durable step."""
    power = Power()
    writing, fsync, note = database.writing, os.fsync, Identity.note_newest

    @contextmanager
    def counted_writing(path: Path) -> Iterator[Any]:
        power.step()
        with writing(path) as connection:
            yield connection
            power.step()
        power.step()

    def counted_fsync(descriptor: int) -> None:
        power.step()
        fsync(descriptor)

    def counted_note(self: Identity, lease_id: str, counter: int, digest: str) -> None:
        power.step()
        note(self, lease_id, counter, digest)

    monkeypatch.setattr(database, "writing", counted_writing)
    monkeypatch.setattr(os, "fsync", counted_fsync)
    monkeypatch.setattr(Identity, "note_newest", counted_note)
    return power


class Installation(Device):
    """A device that can be killed, and whose journal can be restored from a backup."""

    def __init__(self, home: Path, server: LicenseServer, stack: ExitStack) -> None:
        super().__init__(home, server, stack)
        self.lease_of: dict[Path, str] = {}
        self.restored = False

    def restart(self) -> None:
        """A new process; of the one before, no lock is left."""
        self.account._owner.close()
        self.account._server.close()
        self.open()
        self.account.recover()

    def trim(self) -> Path:
        clips = self.home / "clips"
        clips.mkdir(parents=True, exist_ok=True)
        number = len(self.lease_of)
        delivery = Delivery(temporary=clips / f".{number}.part", final=clips / f"{number}.mp4")
        with self.account.permit(Meter.TRIM, source_seconds=60) as permit:
            (spend,) = permit._reserved
            self.lease_of[delivery.final] = self._lease(spend)
            delivery.temporary.write_bytes(b"a clip")
            permit.commit([delivery])
            publish(delivery.temporary, delivery.final)
            permit.delivered()
        return delivery.final

    def back_up(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in (self.home / "account").glob("*/journal.db*")}

    def restore(self, backup: dict[Path, bytes]) -> None:
        for path in (self.home / "account").glob("*/journal.db*"):
            path.unlink()
        for path, content in backup.items():
            path.write_bytes(content)
        self.restored = True
        self.restart()

    def _lease(self, spend: str) -> str:
        allowance = self.account._signed_in()
        with database.reading(allowance.journal.path) as connection:
            (lease,) = connection.execute(
                "SELECT lease_id FROM entry WHERE spend_id = ?", (spend,)
            ).fetchone()
        return str(lease)


devices = st.integers(0, DEVICES - 1)
networks = st.sampled_from(["up", "up", "up", "cut", "lost answers", "doubled"])
kills = st.one_of(st.none(), st.none(), st.integers(0, 40))


class Protocol(RuleBasedStateMachine):
    """One free account on four devices."""

    server: ClassVar[LicenseServer]
    power: ClassVar[Power]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="reely-protocol-"))
        self.stack = ExitStack()
        self.backups: dict[int, dict[Path, bytes]] = {}
        self.email = email = f"protocol-{next(_account_numbers)}@example.com"
        self.devices = [
            Installation(self.folder / str(number), self.server, self.stack) for number in range(DEVICES)
        ]
        self.devices[0].account.sign_up(email, PASSWORD)
        self.server.give(email, "premium", days=0.1)  # which has room for four devices
        for device in self.devices[1:]:
            device.account.sign_in(email, PASSWORD)
        self.account_id = self.devices[0].account._signed_in().known.profile.user.id
        self.server.advance(hours=3)

    def teardown(self) -> None:
        """Peace: everything works again, and everything is reported. Then the numbers must be right."""
        try:
            self.power.cut_after(None)
            self._network("up")
            for device in self.devices:
                device.clock_error = 0.0
                device.restart()
                self._come_back(device)
                device.account.settle()
                device.account.return_offline()
            settled = self._settled()
            self.devices[0].account.settle()
            assert self._settled() == settled, "settling again changes nothing"
            clips = sum(device.clips() for device in self.devices)
            if any(device.restored for device in self.devices):
                assert settled <= clips, "nothing is counted that was not delivered"
            else:
                assert settled == clips, "what is counted is what was delivered"
        finally:
            self.stack.close()
            shutil.rmtree(self.folder)

    # What devices do

    @rule(device=devices, network=networks, kill=kills)
    def trim(self, device: int, network: str, kill: int | None) -> None:
        refusal = self._run(device, network, kill, self.devices[device].trim)
        if network == "up" and refusal == "quota-exhausted":
            assert self._available() == 0, "a device online may use all that others do not hold"

    @rule(device=devices, network=networks, kill=kills)
    def settle(self, device: int, network: str, kill: int | None) -> None:
        self._run(device, network, kill, self.devices[device].account.settle)

    @rule(device=devices, network=networks, kill=kills, units=st.integers(1, 6))
    def hold(self, device: int, network: str, kill: int | None, units: int) -> None:
        self._run(device, network, kill, lambda: self.devices[device].account.hold_offline(units))

    @rule(device=devices, network=networks, kill=kills)
    def give_back(self, device: int, network: str, kill: int | None) -> None:
        self._run(device, network, kill, self.devices[device].account.return_offline)

    # What happens to them

    @rule(hours=st.one_of(st.floats(0.01, 1.0), st.floats(1.0, 36 * 24.0)))
    def time_passes(self, hours: float) -> None:
        self.server.advance(hours=hours)

    @rule(device=devices, days=st.one_of(st.just(0.0), st.floats(-60.0, 60.0)))
    def a_clock_is_set(self, device: int, days: float) -> None:
        self.devices[device].clock_error = days * DAY

    @rule(number=st.integers(0, 1_000))
    def a_message_arrives_late(self, number: int) -> None:
        self.server.repeat(number)

    @rule(device=devices)
    def a_backup_is_made(self, device: int) -> None:
        self.backups[device] = self.devices[device].back_up()

    @rule(device=devices)
    def a_backup_is_restored(self, device: int) -> None:
        if device in self.backups:
            self.devices[device].restore(self.backups[device])

    @initialize(seed=st.integers(0, 2**16))
    def one_device_is_at_work_already(self, seed: int) -> None:
        self.devices[random.Random(seed).randrange(DEVICES)].trim()

    # What must hold

    @invariant()
    def the_ledger_never_exceeds_the_limit(self) -> None:
        for stats in self._ledger():
            limit = LIMITS[Meter(stats.meter)]
            assert stats.settled + stats.held <= limit, (stats.period_id, stats.meter)

    @invariant()
    def no_more_is_delivered_in_a_period_than_its_limit(self) -> None:
        leases = Counter(
            lease for device in self.devices for clip, lease in device.lease_of.items() if clip.exists()
        )
        with self.server.app.app_context():
            rows = db.session.execute(select(Lease.id, Lease.period_id).where(Lease.id.in_(leases)))
            periods = {row.id: row.period_id for row in rows}
        delivered: Counter[str] = Counter()
        for lease, count in leases.items():
            delivered[periods[lease]] += count
        assert all(count <= LIMITS[Meter.TRIM] for count in delivered.values()), delivered

    def _run(self, number: int, network: str, kill: int | None, work: Callable[[], object]) -> str | None:
        """Does `work` on a device; the code of its refusal, if there was one."""
        device, refusal = self.devices[number], None
        self._network(network)
        self.power.cut_after(kill)
        try:
            work()
        except Killed:
            self.power.cut_after(None)
            device.restart()
        except ReelyError as error:
            refusal = error.code
        finally:
            self.power.cut_after(None)
            self._network("up")
        if refusal in SIGNED_OUT:
            device.account.sign_in(self.email, PASSWORD)
        else:
            assert refusal is None or refusal in REFUSALS, refusal
        return refusal

    def _come_back(self, device: Installation) -> None:
        """Whoever stayed away for too long signs in again."""
        try:
            signed_in = device.account.status().signed_in
        except ReelyError as error:
            signed_in = error.code not in SIGNED_OUT
        if not signed_in:
            device.account.sign_in(self.email, PASSWORD)

    def _network(self, state: str) -> None:
        self.server.cut = state == "cut"
        self.server.lose_answers_to = "/api/v1/leases*" if state == "lost answers" else ""
        self.server.doubled = state == "doubled"

    def _ledger(self) -> list[UsageStats]:
        with self.server.app.app_context():
            return list(
                db.session.scalars(select(UsageStats).where(UsageStats.account_id == self.account_id))
            )

    def _settled(self) -> int:
        return sum(stats.settled + stats.excess for stats in self._ledger() if stats.meter == Meter.TRIM)

    def _available(self) -> int:
        newest = max(
            (stats for stats in self._ledger() if stats.meter == Meter.TRIM),
            key=lambda stats: stats.period_id,
        )
        return LIMITS[Meter.TRIM] - newest.debt - newest.settled - newest.held


@pytest.mark.timeout(1200)
def test_the_protocol_holds_whatever_happens(server: LicenseServer, power: Power) -> None:
    machine = type("TheProtocol", (Protocol,), {"server": server, "power": power})
    server.recording = True
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("REELY_PROTOCOLS", "4")),
            stateful_step_count=20,
            deadline=None,
            phases=(Phase.generate,),  # shrinking would take an hour, and a seed is printed anyway
            suppress_health_check=list(HealthCheck),
        ),
    )
