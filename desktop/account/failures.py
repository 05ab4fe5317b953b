"""Jobs that failed, kept in the journal's file until the server was told of them; they cost nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from desktop.account import database
from desktop.account.journal import Journal
from desktop.account.models import Meter


@dataclass(frozen=True)
class Failure:
    """One unit's work that failed. `spend_id` is what its spend would have been; `at` is RFC 3339 in UTC."""

    spend_id: str
    meter: Meter
    at: str
    job: JsonValue


class Failures:
    """The failed jobs of one account. Raises the errors of `database`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def note(self, spends: Sequence[str], code: str) -> None:
        """Work on these spends, which still hold their units, ended with that error. Again: no change."""
        at = datetime.fromtimestamp(self._journal.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with database.writing(self._journal.path) as db:
            for spend in spends:
                row = db.execute(
                    "SELECT lease_id, meter, job FROM entry"
                    " WHERE spend_id = ? AND state IN ('reserved', 'committed')",
                    (spend,),
                ).fetchone()
                if row is None:
                    continue
                job = json.loads(row[2]) if row[2] else {}
                told = {**job, "error": code} if isinstance(job, dict) else {"job": job, "error": code}
                db.execute(
                    "INSERT OR IGNORE INTO failure VALUES (?, ?, ?, ?, ?)",
                    (spend, row[0], row[1], at, json.dumps(told)),
                )

    def waiting(self, lease_id: str, most: int) -> list[Failure]:
        """What the server was not told yet of work on a lease, oldest first, at most `most`."""
        with database.reading(self._journal.path) as db:
            rows = db.execute(
                "SELECT spend_id, meter, at, job FROM failure WHERE lease_id = ? ORDER BY rowid LIMIT ?",
                (lease_id, most),
            )
            return [Failure(row[0], Meter(row[1]), row[2], json.loads(row[3])) for row in rows]

    def told(self, failures: Sequence[Failure]) -> None:
        """The server knows of these now."""
        with database.writing(self._journal.path) as db:
            db.executemany(
                "DELETE FROM failure WHERE spend_id = ?", [(failure.spend_id,) for failure in failures]
            )
