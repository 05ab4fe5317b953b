"""The journal: no lease is spent beyond its grant, and no delivery is forgotten before its receipt."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from desktop.account.entries import BeyondGrant, LeaseState, Spend, chain_hash
from desktop.account.journal import Journal
from desktop.account.models import Meter
from desktop.account.signed import Lease, Receipt
from desktop.account.wire import Outcome, SpendResult
from desktop.errors import Exit, ReelyError

START = 1_795_000_000.0


def lease_of(name: str, trim: int | None = 3, hook_run: int | None = 1) -> Lease:
    return Lease.model_validate(
        {
            "iss": "https://reely.app",
            "aud": "reely-desktop",
            "sub": "account",
            "jti": name,
            "device": {"id": "device", "key": "k" * 43},
            "seq": 1,
            "tier": "free",
            "grants": {"trim": trim, "hook_run": hook_run},
            "max_source_seconds": 300,
            "period": {"id": "2026-11-01", "ends_at": "2026-12-01T00:00:00Z"},
            "iat": int(START),
            "nbf": int(START),
            "exp": int(START) + 1_000_000,
        }
    )


def receipt_of(lease: str, up_to: int, trim: int = 0, hook_run: int = 0) -> Receipt:
    return Receipt.model_validate(
        {
            "iss": "https://reely.app",
            "aud": "reely-desktop",
            "sub": "account",
            "iat": int(START),
            "lease": lease,
            "up_to_counter": up_to,
            "settled": {"trim": trim, "hook_run": hook_run},
        }
    )


def results(spends: Sequence[Spend], outcome: Outcome = Outcome.APPLIED) -> list[SpendResult]:
    return [SpendResult(spend_id=spend.spend_id, outcome=outcome, reason=None) for spend in spends]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "account" / "journal.db", lambda: START)


@pytest.fixture
def lease(journal: Journal) -> Lease:
    lease = lease_of("lease-1")
    journal.open_lease("token", lease)
    return lease


def spend(journal: Journal, lease: Lease, units: int = 1, meter: Meter = Meter.TRIM) -> list[Spend]:
    ids = journal.reserve(lease, meter, units, "owner", {"title": "A clip"})
    journal.commit(ids, [None] * units)
    return journal.deliver(ids)


def test_a_lease_is_spent_to_its_grant_and_no_further(journal: Journal, lease: Lease) -> None:
    spend(journal, lease, 2)
    with pytest.raises(BeyondGrant) as refused:
        spend(journal, lease, 2)
    assert refused.value.free == 1
    spend(journal, lease)
    with pytest.raises(BeyondGrant):
        spend(journal, lease)
    spend(journal, lease, meter=Meter.HOOK_RUN)
    assert [journal.unreported(meter) for meter in Meter] == [3, 1]


def test_a_lease_without_a_limit_is_spent_on_and_on(journal: Journal) -> None:
    unlimited = lease_of("lease-1", trim=None)
    journal.open_lease("token", unlimited)
    assert len(spend(journal, unlimited, 40)) == 40
    assert journal.balance("lease-1", Meter.TRIM).free is None


def test_a_released_unit_can_be_spent_again(journal: Journal, lease: Lease) -> None:
    ids = journal.reserve(lease, Meter.TRIM, 3, "owner", None)
    assert journal.balance("lease-1", Meter.TRIM).free == 0
    journal.release(ids[:2])
    journal.release(ids[:2])
    assert journal.balance("lease-1", Meter.TRIM).free == 2
    assert len(spend(journal, lease, 2)) == 2


def test_what_was_delivered_cannot_be_released(journal: Journal, lease: Lease) -> None:
    delivered = spend(journal, lease)
    journal.release([delivered[0].spend_id])
    assert journal.to_report("lease-1", 10) == delivered


def test_what_was_released_cannot_be_committed(journal: Journal, lease: Lease) -> None:
    ids = journal.reserve(lease, Meter.TRIM, 2, "owner", None)
    journal.release(ids[1:])
    with pytest.raises(ReelyError) as refused:
        journal.commit(ids, [None, None])
    assert refused.value.code == "permit-ended"
    assert [stranded.committed for stranded in journal.stranded(lambda _owner: False)] == [False]


def test_the_chain_is_the_contracts_and_has_no_holes(journal: Journal, lease: Lease) -> None:
    first, second = (journal.reserve(lease, Meter.TRIM, 1, "owner", None) for _ in range(2))
    journal.release(first)
    journal.commit(second, [None])
    one, two = *journal.deliver(second), *spend(journal, lease)
    assert [one.counter, two.counter] == [1, 2]
    assert (one.prev_hash, two.prev_hash) == ("0" * 64, one.hash)
    assert one.at == "2026-11-18T11:06:40Z"
    entry = {"at": one.at, "counter": 1, "lease_id": "lease-1", "meter": "trim", "spend_id": one.spend_id}
    canonical = json.dumps(entry, separators=(",", ":"))
    assert one.hash == hashlib.sha256(("0" * 64 + canonical).encode()).hexdigest()


def test_delivering_again_changes_nothing(journal: Journal, lease: Lease) -> None:
    delivered = spend(journal, lease)
    assert journal.deliver([delivered[0].spend_id]) == delivered
    assert journal.unreported(Meter.TRIM) == 1


def test_an_entry_is_forgotten_only_under_a_receipt_that_covers_it(journal: Journal, lease: Lease) -> None:
    delivered = spend(journal, lease, 3)
    journal.apply_receipt(receipt_of("lease-1", 2, trim=2), results(delivered))
    assert journal.to_report("lease-1", 10) == delivered[2:]
    journal.apply_receipt(receipt_of("lease-1", 3, trim=3), results(delivered, Outcome.DUPLICATE))
    assert journal.to_report("lease-1", 10) == []
    assert journal.balance("lease-1", Meter.TRIM).free == 0


@pytest.mark.parametrize("back", [receipt_of("lease-1", 1, trim=2), receipt_of("lease-1", 2, trim=1)])
def test_a_receipt_that_goes_back_is_refused_and_changes_nothing(
    journal: Journal, lease: Lease, back: Receipt
) -> None:
    delivered = spend(journal, lease, 3)
    journal.apply_receipt(receipt_of("lease-1", 2, trim=2), results(delivered[:2]))
    with pytest.raises(ReelyError) as refused:
        journal.apply_receipt(back, results(delivered[2:], Outcome.REJECTED))
    assert refused.value.code == "receipt-went-back"
    assert journal.to_report("lease-1", 10) == delivered[2:]
    assert journal.rejected() == 0


def test_a_receipt_for_a_lease_that_is_not_held_is_refused(journal: Journal, lease: Lease) -> None:
    with pytest.raises(ReelyError):
        journal.apply_receipt(receipt_of("lease-9", 1), [])


def test_a_refused_report_is_not_sent_again_and_stays_counted(journal: Journal, lease: Lease) -> None:
    delivered = spend(journal, lease, 2)
    refused = [SpendResult(spend_id=delivered[0].spend_id, outcome=Outcome.REJECTED, reason="fork")]
    journal.apply_receipt(receipt_of("lease-1", 0), refused)
    assert journal.to_report("lease-1", 10) == delivered[1:]
    assert journal.rejected() == 1
    assert journal.balance("lease-1", Meter.TRIM).free == 1


def test_a_new_lease_retires_the_one_that_jobs_still_run_on(journal: Journal, lease: Lease) -> None:
    ids = journal.reserve(lease, Meter.TRIM, 1, "owner", None)
    assert not journal.begin_closing("lease-1")
    journal.open_lease("token-2", lease_of("lease-2"))
    assert [(held.id, held.state) for held in journal.leases()] == [
        ("lease-1", LeaseState.RETIRED),
        ("lease-2", LeaseState.OPEN),
    ]
    with pytest.raises(BeyondGrant):
        journal.reserve(lease, Meter.TRIM, 1, "owner", None)
    journal.commit(ids, [None])
    assert journal.deliver(ids)[0].lease_id == "lease-1"
    assert journal.begin_closing("lease-1")


def test_nothing_is_spent_on_a_lease_that_is_on_its_way_back(journal: Journal, lease: Lease) -> None:
    assert journal.begin_closing("lease-1")
    with pytest.raises(BeyondGrant):
        journal.reserve(lease, Meter.TRIM, 1, "owner", None)


def test_an_unanswered_request_is_asked_again_with_the_same_name(journal: Journal) -> None:
    first = journal.pending_request({Meter.TRIM: 2})
    assert journal.pending_request({Meter.TRIM: 5}) == first
    journal.open_lease("token", lease_of("lease-1"), first[0])
    assert journal.pending_request({Meter.TRIM: 5}) != first


def test_the_file_itself_refuses_to_hold_more_than_the_grant(journal: Journal, lease: Lease) -> None:
    spend(journal, lease, 3)
    with sqlite3.connect(journal.path) as db, pytest.raises(sqlite3.IntegrityError, match="beyond the grant"):
        db.execute(
            "INSERT INTO entry (spend_id, lease_id, meter, state, owner, reserved_at)"
            " VALUES ('x', 'lease-1', 'trim', 'reserved', 'o', 0)"
        )
    db.close()


@pytest.mark.parametrize("damage", [b"this is no database", b""])
def test_a_damaged_journal_is_told_plainly(journal: Journal, lease: Lease, damage: bytes) -> None:
    content = journal.path.read_bytes()
    journal.path.write_bytes(damage or content[:100] + b"\xff" * (len(content) - 100))
    with pytest.raises(ReelyError) as damaged:
        journal.leases()
    assert (damaged.value.code, damaged.value.exit) == ("journal-damaged", Exit.DISK)


def test_a_journal_that_cannot_be_opened_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    with pytest.raises(ReelyError) as unusable:
        Journal(tmp_path / "journal.db").leases()
    assert (unusable.value.code, unusable.value.exit) == ("journal-unwritable", Exit.DISK)


def test_time_stands_still_while_the_wall_clock_is_set_back(tmp_path: Path) -> None:
    wall = START
    journal = Journal(tmp_path / "journal.db", lambda: wall)
    journal.observe_server_time(START)
    journal.open_lease("token", lease_of("lease-1"))
    wall = START - 90 * 86_400
    assert journal.now() == START
    assert journal.clock_fell_back()
    assert spend(journal, lease_of("lease-1"))[0].at == "2026-11-18T11:06:40Z"
    journal.observe_server_time(START + 60)
    assert journal.now() == START + 60
    assert not journal.clock_fell_back()


class JournalMachine(RuleBasedStateMachine):
    """Two processes at one journal reserve, commit, deliver, release, die and report in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="reely-journal-"))
        self.processes = [Journal(self.folder / "journal.db", lambda: START) for _ in range(2)]
        self.grants: dict[str, dict[Meter, int]] = {}
        self.lease = lease_of("none")
        self.reserved: dict[str, tuple[str, ...]] = {}
        self.committed: dict[str, tuple[str, ...]] = {}
        self.delivered: dict[str, Spend] = {}
        self.covered: dict[str, int] = {}
        self.owners = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    process = st.integers(min_value=0, max_value=1)

    @initialize(trim=st.integers(1, 5), hook_run=st.integers(0, 2))
    def first_lease(self, trim: int, hook_run: int) -> None:
        self.lease_arrives(trim, hook_run, 0)

    @rule(trim=st.integers(0, 5), hook_run=st.integers(0, 2), process=process)
    def lease_arrives(self, trim: int, hook_run: int, process: int) -> None:
        name = f"lease-{len(self.grants) + 1}"
        self.lease = lease_of(name, trim, hook_run)
        self.grants[name] = {Meter.TRIM: trim, Meter.HOOK_RUN: hook_run}
        self.processes[process].open_lease("token", self.lease)

    @rule(units=st.integers(1, 3), meter=st.sampled_from(Meter), process=process)
    def reserve(self, units: int, meter: Meter, process: int) -> None:
        free = self.processes[process].balance(self.lease.id, meter).free
        assert free is not None
        self.owners += 1
        owner = f"owner-{self.owners}"
        if units <= free:
            self.reserved[owner] = self.processes[process].reserve(self.lease, meter, units, owner, None)
        else:
            with pytest.raises(BeyondGrant):
                self.processes[process].reserve(self.lease, meter, units, owner, None)

    @precondition(lambda self: self.reserved)
    @rule(data=st.data(), process=process)
    def release(self, data: st.DataObject, process: int) -> None:
        owner = data.draw(st.sampled_from(sorted(self.reserved)))
        self.processes[process].release(self.reserved.pop(owner))

    @precondition(lambda self: self.reserved)
    @rule(data=st.data(), process=process)
    def commit(self, data: st.DataObject, process: int) -> None:
        owner = data.draw(st.sampled_from(sorted(self.reserved)))
        self.committed[owner] = self.reserved.pop(owner)
        self.processes[process].commit(self.committed[owner], [None] * len(self.committed[owner]))

    @precondition(lambda self: self.committed)
    @rule(data=st.data(), process=process)
    def deliver(self, data: st.DataObject, process: int) -> None:
        owner = data.draw(st.sampled_from(sorted(self.committed)))
        self.note(self.processes[process].deliver(self.committed.pop(owner)))

    @precondition(lambda self: self.reserved or self.committed)
    @rule(data=st.data(), process=process)
    def die_and_recover(self, data: st.DataObject, process: int) -> None:
        owner = data.draw(st.sampled_from(sorted({**self.reserved, **self.committed})))
        stranded = self.processes[process].stranded(lambda other: other != owner)
        assert {spend.spend_id for spend in stranded} == set(
            self.reserved.pop(owner, ()) + self.committed.pop(owner, ())
        )
        for spend in stranded:
            if spend.committed:
                self.note(self.processes[process].deliver([spend.spend_id]))
            else:
                self.processes[process].release([spend.spend_id])

    @rule(data=st.data(), process=process)
    def report(self, data: st.DataObject, process: int) -> None:
        """A report whose receipt may come late, twice, or cover only a part."""
        lease = data.draw(st.sampled_from(sorted(self.grants)))
        mine = [spend for spend in self.delivered.values() if spend.lease_id == lease]
        before = self.covered.get(lease, 0)
        up_to = data.draw(st.integers(before, max(before, len(mine))))
        trims = sum(spend.counter <= up_to and spend.meter is Meter.TRIM for spend in mine)
        runs = sum(spend.counter <= up_to and spend.meter is Meter.HOOK_RUN for spend in mine)
        self.processes[process].apply_receipt(receipt_of(lease, up_to, trims, runs), results(mine))
        self.covered[lease] = up_to

    def note(self, spends: list[Spend]) -> None:
        for spend in spends:
            assert self.delivered.get(spend.spend_id, spend) == spend
            self.delivered[spend.spend_id] = spend

    @invariant()
    def no_lease_is_spent_beyond_its_grant(self) -> None:
        for lease, grants in self.grants.items():
            for meter, grant in grants.items():
                used = sum(s.lease_id == lease and s.meter is meter for s in self.delivered.values())
                balance = self.processes[0].balance(lease, meter)
                assert balance.free == grant - used - balance.in_work >= 0

    @invariant()
    def what_was_delivered_waits_for_its_receipt(self) -> None:
        for lease in self.grants:
            waiting = [
                spend
                for spend in self.delivered.values()
                if spend.lease_id == lease and spend.counter > self.covered.get(lease, 0)
            ]
            assert self.processes[1].to_report(lease, 100) == sorted(waiting, key=lambda s: s.counter)

    @invariant()
    def every_chain_is_whole(self) -> None:
        for lease in self.grants:
            previous = "0" * 64
            mine = sorted(
                (s for s in self.delivered.values() if s.lease_id == lease), key=lambda s: s.counter
            )
            for counter, spend in enumerate(mine, start=1):
                assert (spend.counter, spend.prev_hash) == (counter, previous)
                previous = chain_hash(
                    previous,
                    spend_id=spend.spend_id,
                    lease_id=lease,
                    counter=counter,
                    meter=spend.meter,
                    at=spend.at,
                )
                assert spend.hash == previous


JournalMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestJournalMachine = JournalMachine.TestCase
