"""The protocol's invariants, whatever the devices, the network and the clocks do."""

from __future__ import annotations

import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from license_server.config import Config, RateLimits
from license_server.database import db
from license_server.leases.models import Lease
from license_server.tiers.catalogue import BY_ID, Meter
from license_server.usage.models import UsageStats
from tests.license_server.actors import (
    Device,
    HeldLease,
    Person,
    TestClock,
    give_tier,
    make_spend,
    on_both_databases,
    verified,
)

METERS = ("trim", "hook_run")


@dataclass
class Journal:
    """What one device, or one copy of it, believes: its leases, what it may still spend on them."""

    device: Device
    honest: bool = True
    lost: bool = False
    leases: list[HeldLease] = field(default_factory=list)
    closing: set[str] = field(default_factory=set)
    """Leases that it asked to return, and spends nothing more on."""

    def free(self, lease: HeldLease, meter: str) -> bool:
        """Whether an honest device would still spend a unit of this lease."""
        if lease.id in self.closing:
            return False
        granted = lease.claims["grants"][meter]
        spent = sum(spend["meter"] == meter for spend in lease.spends)
        return granted is None or spent < granted


@dataclass(frozen=True)
class Message:
    """A settlement on its way: it may arrive never, late, and any number of times."""

    journal: Journal
    lease: HeldLease
    spends: tuple[dict[str, Any], ...]
    return_rest: bool
    wants: dict[str, int] | None


class Protocol(RuleBasedStateMachine):
    """One account, several devices and copies of them, a network that loses, doubles and reorders."""

    app: Flask
    clock: TestClock

    journals = Bundle("journals")
    messages = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.clock.at = datetime(2026, 1, 31, 12, tzinfo=UTC)
        self.ada = Person(self.app, self.clock, f"{uuid.uuid4().hex}@example.com")
        self.account_id = self.ada.register()["user"]["id"]
        self.tier = "free"
        self.tier_until: datetime | None = None
        self.highest_limit: dict[tuple[str, str], float] = {}
        self.all: list[Journal] = []
        self.receipts: dict[str, tuple[int, ...]] = {}
        self.reported: dict[str, dict[str, str]] = defaultdict(dict)
        """Spends that the server has seen: lease id -> spend id -> hash."""
        self.someone_was_lost = False
        self._note_limit()

    # What happens

    @rule(target=journals)
    def add_device(self) -> Any:
        device = Device(self.ada)
        answer = device.add()
        assert answer.status_code in {201, 409}
        if answer.status_code == 409:
            return multiple()
        self.all.append(Journal(device))
        return self.all[-1]

    @rule(journal=journals, trim=st.integers(1, 7), hook_run=st.integers(0, 4))
    def ask_for_a_lease(self, journal: Journal, trim: int, hook_run: int) -> None:
        before = self.ada.usage()["meters"]
        wants = {"trim": trim, "hook_run": hook_run}
        answer = journal.device.ask(trim=trim, hook_run=hook_run)
        if answer.status_code != 200:
            assert answer.status_code in {403, 404}
            problem = answer.get_json()
            if problem["code"] == "quota-exhausted":
                assert any(wants[meter] and before[meter]["available"] == 0 for meter in METERS)
            else:
                assert journal.lost or not journal.honest
            return
        lease = journal.device.held(answer.get_json()["lease"])
        for meter in METERS:
            granted, available = lease.claims["grants"][meter], before[meter]["available"]
            if available is None:
                assert granted is None
                continue
            assert granted <= min(wants[meter], available)
            if wants[meter] <= available:
                assert granted == wants[meter], "whoever is online may have what the others do not hold"
        self._check_lease(lease)
        journal.leases.append(lease)

    @rule(
        journal=journals,
        meter=st.sampled_from(METERS),
        units=st.integers(1, 4),
        skew=st.timedeltas(timedelta(-900), timedelta(900)),
    )
    def spend(self, journal: Journal, meter: str, units: int, skew: timedelta) -> None:
        for _ in range(units):
            lease = next((lease for lease in reversed(journal.leases) if journal.free(lease, meter)), None)
            if lease is None or lease.claims["exp"] <= self.clock().timestamp():
                return
            last: dict[str, Any] = lease.spends[-1] if lease.spends else {"counter": 0, "hash": "0" * 64}
            at = self.clock() + skew  # the device's own clock is of no account
            lease.spends.append(make_spend(lease.id, last["counter"] + 1, last["hash"], meter, at))

    @rule(
        target=messages,
        journal=journals,
        pick=st.integers(0, 100),
        part=st.integers(0, 100),
        return_rest=st.booleans(),
        trim=st.none() | st.integers(0, 3),
    )
    def write_a_settlement(
        self, journal: Journal, pick: int, part: int, return_rest: bool, trim: int | None
    ) -> Any:
        if not journal.leases:
            return multiple()
        lease = journal.leases[pick % len(journal.leases)]
        start = part % (len(lease.spends) + 1)
        if return_rest:
            journal.closing.add(lease.id)
        return Message(
            journal,
            lease,
            tuple(lease.spends[start:]),
            return_rest,
            None if trim is None else {"trim": trim},
        )

    @rule(message=messages)
    def a_settlement_arrives(self, message: Message) -> None:
        self._deliver(message)

    @rule(journal=journals, target=journals)
    def copy_a_device(self, journal: Journal) -> Any:
        if not journal.leases or sum(not each.honest for each in self.all) >= 2:
            return multiple()
        journal.honest = False
        twin = Journal(
            Device(self.ada, key=journal.device.key, id=journal.device.id),
            honest=False,
            lost=journal.lost,
            leases=[HeldLease(lease.token, lease.claims, list(lease.spends)) for lease in journal.leases],
            closing=set(journal.closing),
        )
        self.all.append(twin)
        return twin

    @rule(journal=journals)
    def lose_a_device(self, journal: Journal) -> None:
        answer = self.ada.call("POST", f"/devices/{journal.device.id}/lost")
        assert answer.status_code in {200, 429}
        if answer.status_code == 200:
            self.someone_was_lost = True
            for each in self.all:
                each.lost = each.lost or each.device.id == journal.device.id

    @rule(hours=st.integers(0, 48) | st.integers(0, 24 * 20))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(hours=hours)
        self.ada.login()
        if self.tier_until is not None and self.tier_until <= self.clock():
            self.tier, self.tier_until = "free", None
        self._note_limit()

    @rule(tier=st.sampled_from(["free", "pro", "premium"]), days=st.integers(1, 60))
    def change_tier(self, tier: str, days: int) -> None:
        give_tier(self.ada, tier, days)
        self.tier = tier
        self.tier_until = None if tier == "free" else self.clock() + timedelta(days=days)
        self._note_limit()

    # What is always true

    @invariant()
    def the_ledger_balances_and_stays_within_the_limit(self) -> None:
        for row in self._ledger():
            assert row.granted == row.settled + row.returned + row.held + row.expired
            assert row.settled + row.held <= self.highest_limit[row.period_id, row.meter]

    @invariant()
    def what_the_ledger_says_is_held_lies_on_leases_of_the_newest_period(self) -> None:
        with self.app.app_context():
            leases = db.session.scalars(select(Lease).where(Lease.account_id == self.account_id)).all()
            on_leases: Counter[tuple[str, str]] = Counter()
            for lease in leases:
                for grant in lease.grants:
                    on_leases[lease.period_id, grant.meter] += grant.held
        rows = self._ledger()
        newest = max((row.period_id for row in rows), default="")
        for row in rows:
            assert row.held == on_leases[row.period_id, row.meter]
            assert row.held == 0 or row.period_id == newest

    @invariant()
    def honest_devices_deliver_no_more_than_the_limit(self) -> None:
        if self.someone_was_lost:
            return
        delivered = Counter(
            (lease.claims["period"]["id"], spend["meter"])
            for journal in self.all
            if journal.honest
            for lease in journal.leases
            for spend in lease.spends
        )
        for key, units in delivered.items():
            assert units <= self.highest_limit[key]

    def teardown(self) -> None:
        """In the end all is reported, in any order and twice, and every delivered unit was counted once."""
        whole = [
            Message(journal, lease, tuple(lease.spends), False, None)
            for journal in self.all
            for lease in journal.leases
        ]
        for message in random.Random(len(whole)).sample(whole * 2, len(whole) * 2):
            self._deliver(message)
        after = self._totals()
        for message in whole:
            self._deliver(message)
        assert self._totals() == after, "reporting it all again changes nothing"
        delivered = Counter(
            spend["meter"]
            for spend in {
                spend["spend_id"]: spend
                for journal in self.all
                for lease in journal.leases
                for spend in lease.spends
            }.values()
        )
        for meter in METERS:
            rows = [row for row in self._ledger() if row.meter == meter]
            assert sum(row.settled for row in rows) <= delivered[meter]
            if all(journal.honest for journal in self.all) and not self.someone_was_lost:
                assert sum(row.settled for row in rows) == delivered[meter]
                assert all(row.excess == row.debt == 0 for row in rows)

    # How it is done

    def _deliver(self, message: Message) -> None:
        lease = message.lease
        more = {} if message.wants is None else {"wants": message.wants}
        known = self.reported[lease.id]
        answer = message.journal.device.settled(
            lease, message.spends, return_rest=message.return_rest, **more
        )
        for spend, result in zip(message.spends, answer["results"], strict=True):
            again = known.get(spend["spend_id"]) == spend["hash"]
            if message.journal.honest:
                assert result["outcome"] == ("duplicate" if again else "applied")
            else:
                assert result["outcome"] in {"duplicate" if again else "applied", "rejected"}
                if result["outcome"] == "rejected":
                    assert result["reason"] in {"fork", "beyond-grant"}
            known[spend["spend_id"]] = spend["hash"]
        receipt = answer["receipt"]
        told = (receipt["up_to_counter"], *(receipt["settled"][meter] for meter in METERS))
        before = self.receipts.get(lease.id, (0, 0, 0))
        assert all(new >= old for new, old in zip(told, before, strict=True)), "receipts never go backwards"
        self.receipts[lease.id] = told
        if "lease" in answer:
            following = verified(self.app, answer["lease"], "reely-lease+jwt")
            if all(held.id != following["jti"] for held in message.journal.leases):
                new = HeldLease(answer["lease"], following)
                self._check_lease(new)
                message.journal.leases.append(new)

    def _check_lease(self, lease: HeldLease) -> None:
        claims = lease.claims
        assert claims["exp"] <= datetime.fromisoformat(claims["period"]["ends_at"]).timestamp()
        if claims["iat"] == int(self.clock().timestamp()) and self.tier_until is not None:
            assert claims["exp"] <= self.tier_until.timestamp(), "no lease after what is paid for"
        if None in claims["grants"].values():
            assert claims["exp"] - claims["iat"] <= 14 * 86400

    def _note_limit(self) -> None:
        period = self.ada.usage()["period"]["id"]
        for meter in Meter:
            limit = BY_ID[self.tier].limit(meter)
            key = (period, meter.value)
            now = float("inf") if limit is None else float(limit)
            self.highest_limit[key] = max(self.highest_limit.get(key, 0), now)

    def _ledger(self) -> list[UsageStats]:
        with self.app.app_context():
            rows = db.session.scalars(
                select(UsageStats).where(UsageStats.account_id == self.account_id)
            ).all()
            db.session.expunge_all()
        return list(rows)

    def _totals(self) -> list[tuple[object, ...]]:
        return sorted(
            (
                row.period_id,
                row.meter,
                row.granted,
                row.settled,
                row.held,
                row.returned,
                row.expired,
                row.excess,
            )
            for row in self._ledger()
        )


@on_both_databases
def test_the_protocol_holds_whatever_happens(
    config: Config, start: Callable[[Config], Flask], clock: TestClock, database: str
) -> None:
    limits = RateLimits(
        everything="1000000 per second", sign_in="1000000 per second", sign_up="1000000 per second"
    )
    started = start(config.model_copy(update={"rate_limits": limits}))

    class Machine(Protocol):
        app = started

    Machine.clock = clock
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25 if database == "sqlite" else 8,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
