"""What this device was granted and what it spent, in one SQLite file that survives a crash at any step.

A spend goes reserved -> committed -> delivered -> reported. `reserved` holds a unit while a job runs;
`committed` says that the finished clip is about to get its real name; `delivered` that it has it, and takes
the spend's place in the hash chain of its lease; `reported` that a signed receipt covers it. Several
processes may use one journal at once.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from desktop.account import database
from desktop.account.clock import Clock
from desktop.account.entries import (
    FIRST_PREVIOUS,
    Balance,
    BeyondGrant,
    HeldLease,
    LeaseState,
    Spend,
    Stranded,
    chain_hash,
)
from desktop.account.models import Delivery, Meter
from desktop.account.signed import Lease, Receipt
from desktop.account.wire import Outcome, SpendResult
from desktop.errors import Exit, ReelyError


class Journal:
    """One account's journal. Every method is one durable transaction, or a read; safe from any thread.

    `wall` is the wall clock in Unix seconds. Raises the errors of `database`.
    """

    def __init__(self, path: Path, wall: Callable[[], float] = time.time) -> None:
        self.path = path
        self._wall = wall

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        return database.reading(self.path)

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        return database.writing(self.path)

    # Time

    def now(self) -> float:
        """The time by the high-water clock, in Unix seconds."""
        with self._reading() as db:
            return _clock(db).now(self._wall())

    def clock_fell_back(self) -> bool:
        with self._reading() as db:
            return _clock(db).fell_back(self._wall())

    def observe_server_time(self, server: float) -> None:
        """Note what the server says the time is (Unix seconds)."""
        with self._writing() as db:
            _set_clock(db, _clock(db).online(self._wall(), server))

    # Leases

    def pending_request(self, wants: dict[Meter, int]) -> tuple[str, dict[Meter, int]]:
        """The request for a lease to send: the one that was not answered yet, else a new one for `wants`."""
        with self._writing() as db:
            row = db.execute("SELECT id, wants FROM request").fetchone()
            if row is None:
                row = (uuid.uuid4().hex, json.dumps({str(meter): units for meter, units in wants.items()}))
                db.execute("INSERT INTO request VALUES (?, ?)", row)
            return row[0], {Meter(meter): units for meter, units in json.loads(row[1]).items()}

    def has_request(self) -> bool:
        """Whether there is a request that was not answered."""
        with self._reading() as db:
            return db.execute("SELECT 1 FROM request").fetchone() is not None

    def drop_request(self, request_id: str) -> None:
        """The server has refused that request for good."""
        with self._writing() as db:
            db.execute("DELETE FROM request WHERE id = ?", (request_id,))

    def open_lease(self, token: str, lease: Lease, request_id: str | None = None) -> None:
        """Make the verified `lease` the one to spend on; the one before it is retired. Again: no change."""
        with self._writing() as db:
            if request_id is not None:
                db.execute("DELETE FROM request WHERE id = ?", (request_id,))
            if db.execute("SELECT 1 FROM lease WHERE id = ?", (lease.id,)).fetchone():
                return
            db.execute("UPDATE lease SET state = 'retired' WHERE state = 'open'")
            grants = [lease.grants.get(meter, 0) for meter in (Meter.TRIM, Meter.HOOK_RUN)]
            db.execute(
                "INSERT INTO lease (id, token, seq, trim, hook_run, state) VALUES (?, ?, ?, ?, ?, 'open')",
                (lease.id, token, lease.seq, *grants),
            )
            _set_clock(db, _clock(db).advanced(self._wall()))

    def leases(self) -> list[HeldLease]:
        """All leases that are not closed, oldest first."""
        with self._reading() as db:
            rows = db.execute("SELECT id, token, state FROM lease WHERE state <> 'closed' ORDER BY rowid")
            return [HeldLease(row[0], row[1], LeaseState(row[2])) for row in rows]

    def begin_closing(self, lease_id: str) -> bool:
        """Stop spending on a lease whose rest shall go back; False while a job holds some of it."""
        with self._writing() as db:
            busy = db.execute(
                "SELECT 1 FROM entry WHERE lease_id = ? AND state IN ('reserved', 'committed')", (lease_id,)
            ).fetchone()
            if busy:
                return False
            db.execute(
                "UPDATE lease SET state = 'closing' WHERE id = ? AND state IN ('open', 'retired')",
                (lease_id,),
            )
            return True

    def knows(self, lease_id: str) -> bool:
        """Whether this lease was ever held, closed or not."""
        with self._reading() as db:
            return db.execute("SELECT 1 FROM lease WHERE id = ?", (lease_id,)).fetchone() is not None

    def set_lost(self, lease_id: str) -> None:
        """Never spend on this lease again, and do not give its rest back."""
        with self._writing() as db:
            db.execute("UPDATE lease SET state = 'lost' WHERE id = ? AND state <> 'closed'", (lease_id,))

    def abandon(self, lease_id: str) -> None:
        """The server knows no such lease: nothing on it can be reported."""
        with self._writing() as db:
            db.execute("UPDATE lease SET state = 'closed' WHERE id = ?", (lease_id,))
            db.execute(
                "UPDATE entry SET state = 'rejected', reason = 'lease-unknown'"
                " WHERE lease_id = ? AND state = 'delivered'",
                (lease_id,),
            )

    def close(self, lease_id: str) -> None:
        """The server has taken the rest back: forget the lease's reported entries."""
        with self._writing() as db:
            db.execute("UPDATE lease SET state = 'closed' WHERE id = ?", (lease_id,))
            db.execute("DELETE FROM entry WHERE lease_id = ? AND state = 'reported'", (lease_id,))

    def balance(self, lease_id: str, meter: Meter) -> Balance:
        """How one meter of a lease stands."""
        with self._reading() as db:
            return _balance(db, lease_id, meter)

    def unreported(self, meter: Meter) -> int:
        """Units of `meter` spent and not covered by a receipt yet, over all leases."""
        with self._reading() as db:
            query = "SELECT count(*) FROM entry WHERE meter = ? AND state = 'delivered'"
            return int(db.execute(query, (str(meter),)).fetchone()[0])

    def rejected(self) -> int:
        """Spends that the server refused to count."""
        with self._reading() as db:
            return int(db.execute("SELECT count(*) FROM entry WHERE state = 'rejected'").fetchone()[0])

    # Spends

    def reserve(self, lease: Lease, meter: Meter, units: int, owner: str, job: JsonValue) -> tuple[str, ...]:
        """Hold `units` of the open lease for a job of `owner`; the spend ids. All, or BeyondGrant."""
        with self._writing() as db:
            state = db.execute("SELECT state FROM lease WHERE id = ?", (lease.id,)).fetchone()
            if state != ("open",):
                raise BeyondGrant(0)
            free = _balance(db, lease.id, meter).free
            if free is not None and free < units:
                raise BeyondGrant(free)
            clock = _clock(db).advanced(self._wall())
            _set_clock(db, clock)
            spends = tuple(uuid.uuid4().hex for _ in range(units))
            details = None if job is None else json.dumps(job)
            db.executemany(
                "INSERT INTO entry (spend_id, lease_id, meter, state, owner, job, reserved_at)"
                " VALUES (?, ?, ?, 'reserved', ?, ?, ?)",
                [(spend, lease.id, str(meter), owner, details, clock.mark) for spend in spends],
            )
            return spends

    def expect(self, spend: str, delivery: Delivery) -> None:
        """Note which unfinished file a reserved spend is about, so that it is removed after a crash."""
        with self._writing() as db:
            names = (str(delivery.temporary), str(delivery.final))
            query = "UPDATE entry SET temporary = ?, final = ? WHERE spend_id = ? AND state = 'reserved'"
            _must_change(db.execute(query, (*names, spend)))

    def commit(self, spends: Sequence[str], deliveries: Sequence[Delivery | None]) -> None:
        """The finished files are about to get their real names: from here on a crash is repaired forwards."""
        with self._writing() as db:
            for spend, delivery in zip(spends, deliveries, strict=True):
                names = (str(delivery.temporary), str(delivery.final)) if delivery else (None, None)
                _must_change(
                    db.execute(
                        "UPDATE entry SET state = 'committed', temporary = ?, final = ?"
                        " WHERE spend_id = ? AND state = 'reserved'",
                        (*names, spend),
                    )
                )

    def deliver(self, spends: Sequence[str]) -> list[Spend]:
        """The files have their real names: append the spends to their lease's chain. Again: no change."""
        with self._writing() as db:
            clock = _clock(db).advanced(self._wall())
            _set_clock(db, clock)
            at = datetime.fromtimestamp(clock.mark, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            for spend in spends:
                row = db.execute(
                    "SELECT lease_id, meter, state FROM entry WHERE spend_id = ?", (spend,)
                ).fetchone()
                if row is None or row[2] in {"delivered", "reported", "rejected"}:
                    continue
                lease_id, meter = row[0], Meter(row[1])
                last, previous = _chain_end(db, lease_id)
                digest = chain_hash(
                    previous, spend_id=spend, lease_id=lease_id, counter=last + 1, meter=meter, at=at
                )
                _must_change(
                    db.execute(
                        "UPDATE entry SET state = 'delivered', temporary = NULL, final = NULL,"
                        " counter = ?, at = ?, prev_hash = ?, hash = ?"
                        " WHERE spend_id = ? AND state = 'committed'",
                        (last + 1, at, previous, digest, spend),
                    )
                )
            marks = ",".join("?" * len(spends))
            return _spends(db, f"spend_id IN ({marks})", tuple(spends))  # only question marks

    def release(self, spends: Sequence[str]) -> None:
        """Give units back: nothing was delivered, nothing is counted. Delivered ones stay."""
        with self._writing() as db:
            db.executemany(
                "DELETE FROM entry WHERE spend_id = ? AND state IN ('reserved', 'committed')",
                [(spend,) for spend in spends],
            )

    def stranded(self, is_alive: Callable[[str], bool]) -> list[Stranded]:
        """The reserved and committed spends of owners that have ended, in the order they began."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT spend_id, state, owner, temporary, final FROM entry"
                " WHERE state IN ('reserved', 'committed') ORDER BY rowid"
            ).fetchall()
        dead = {owner for owner in {row[2] for row in rows} if not is_alive(owner)}
        return [
            Stranded(
                row[0],
                row[2],
                row[1] == "committed",
                Delivery(temporary=Path(row[3]), final=Path(row[4])) if row[3] else None,
            )
            for row in rows
            if row[2] in dead
        ]

    # Reporting

    def to_report(self, lease_id: str, most: int) -> list[Spend]:
        """The oldest spends of a lease that no receipt covers, at most `most`."""
        with self._reading() as db:
            return _spends(db, "state = 'delivered' AND lease_id = ?", (lease_id,))[:most]

    def hash_at(self, lease_id: str, counter: int) -> str | None:
        """The hash of one entry in a lease's chain."""
        with self._reading() as db:
            query = "SELECT hash FROM entry WHERE lease_id = ? AND counter = ?"
            row = db.execute(query, (lease_id, counter)).fetchone()
            return row[0] if row else None

    def apply_receipt(self, receipt: Receipt, results: Sequence[SpendResult]) -> None:
        """Note what a verified receipt covers. Raises ReelyError `receipt-went-back` and changes nothing."""
        with self._writing() as db:
            seen = db.execute(
                "SELECT receipt_counter, receipt_trim, receipt_hook_run FROM lease WHERE id = ?",
                (receipt.lease,),
            ).fetchone()
            told = (
                receipt.up_to_counter,
                receipt.settled.get(Meter.TRIM, 0),
                receipt.settled.get(Meter.HOOK_RUN, 0),
            )
            if seen is None or any(new < old for new, old in zip(told, seen, strict=True)):
                raise ReelyError(
                    "receipt-went-back",
                    "The license server says that less was reported than it had confirmed before.",
                    "Try again later; what you have used is still noted on this device.",
                    Exit.NETWORK,
                )
            db.execute(
                "UPDATE lease SET receipt_counter = ?, receipt_trim = ?, receipt_hook_run = ? WHERE id = ?",
                (*told, receipt.lease),
            )
            for result in results:
                if result.outcome is Outcome.REJECTED:
                    db.execute(
                        "UPDATE entry SET state = 'rejected', reason = ?"
                        " WHERE spend_id = ? AND lease_id = ? AND state = 'delivered'",
                        (result.reason, result.spend_id, receipt.lease),
                    )
            covered = "UPDATE entry SET state = 'reported' WHERE lease_id = ? AND state = 'delivered'"
            db.execute(f"{covered} AND counter <= ?", (receipt.lease, receipt.up_to_counter))
            for spend_id in receipt.spends:
                db.execute(f"{covered} AND spend_id = ?", (receipt.lease, spend_id))


def _clock(db: sqlite3.Connection) -> Clock:
    mark, offset = db.execute("SELECT mark, offset FROM clock").fetchone()
    return Clock(mark, offset)


def _set_clock(db: sqlite3.Connection, clock: Clock) -> None:
    db.execute("UPDATE clock SET mark = ?, offset = ?", (clock.mark, clock.offset))


def _balance(db: sqlite3.Connection, lease_id: str, meter: Meter) -> Balance:
    column = "trim" if meter is Meter.TRIM else "hook_run"
    row = db.execute(f"SELECT {column} FROM lease WHERE id = ?", (lease_id,)).fetchone()  # noqa: S608 - ours
    states = dict(
        db.execute(
            "SELECT state, count(*) FROM entry WHERE lease_id = ? AND meter = ? GROUP BY state",
            (lease_id, str(meter)),
        ).fetchall()
    )
    grant = row[0] if row else 0
    return Balance(
        free=None if grant is None else max(0, grant - sum(states.values())),
        in_work=states.get("reserved", 0) + states.get("committed", 0),
        unreported=states.get("delivered", 0),
    )


def _chain_end(db: sqlite3.Connection, lease_id: str) -> tuple[int, str]:
    """The newest counter of a lease and its hash."""
    row = db.execute(
        "SELECT counter, hash FROM entry WHERE lease_id = ? AND counter NOT NULL"
        " ORDER BY counter DESC LIMIT 1",
        (lease_id,),
    ).fetchone()
    return (row[0], row[1]) if row else (0, FIRST_PREVIOUS)


def _spends(db: sqlite3.Connection, condition: str, values: tuple[str, ...]) -> list[Spend]:
    rows = db.execute(
        "SELECT spend_id, lease_id, counter, meter, at, prev_hash, hash, job FROM entry"  # noqa: S608 - ours
        f" WHERE {condition} AND counter NOT NULL ORDER BY lease_id, counter",
        values,
    )
    return [
        Spend(r[0], r[1], r[2], Meter(r[3]), r[4], r[5], r[6], json.loads(r[7]) if r[7] else None)
        for r in rows
    ]


def _must_change(cursor: sqlite3.Cursor) -> None:
    if cursor.rowcount != 1:
        raise ReelyError(
            "permit-ended",
            "This piece of work no longer holds its place in the account's journal.",
            "Start it again; nothing was counted.",
            Exit.ACCOUNT,
        )
