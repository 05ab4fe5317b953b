"""Keeping and forgetting reported jobs."""

from __future__ import annotations

from pydantic import JsonValue

from license_server.accounts.models import Account
from license_server.clock import now
from license_server.database import db
from license_server.errors import NotFound
from license_server.jobs.models import Job


def report(
    account_id: str, device_id: str, *, spend_id: str, meter: str, at: str, details: JsonValue
) -> None:
    """Keeps what a device says about a spend; nothing where it says nothing."""
    if details is None:
        return
    db.session.add(
        Job(
            account_id=account_id,
            device_id=device_id,
            spend_id=spend_id,
            meter=meter,
            at=at,
            details=details,
            reported_at=now(),
        )
    )


def forget(account: Account, job_id: str) -> None:
    """Deletes a reported job. Raises `NotFound`."""
    job = db.session.get(Job, job_id)
    if job is None or job.account_id != account.id:
        raise NotFound("The account has no such job.")
    db.session.delete(job)
