"""Keeping the audit log."""

from __future__ import annotations

from license_server.clock import now
from license_server.database import db
from license_server.system.models import AuditEntry

NOBODY = "nobody"
"""Stands in the audit log for an account that there is not, such as one of a sign-in with a wrong address."""


def record(event: str, account_id: str, **details: str) -> None:
    """Notes in the audit log what was done, in the transaction that does it."""
    db.session.add(AuditEntry(at=now(), account_id=account_id, event=event, details=details))
