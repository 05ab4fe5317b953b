"""Keeping and forgetting reported jobs."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue
from sqlalchemy import select

from license_server.accounts.models import Account
from license_server.clock import now
from license_server.database import db, new_id
from license_server.devices.models import Device
from license_server.errors import NotFound
from license_server.jobs.models import Job
from license_server.jobs.schemas import JobAnswer
from license_server.webhooks import service as webhooks
from license_server.webhooks.events import EventType


def completed(device: Device, *, spend_id: str, meter: str, at: str, details: JsonValue) -> None:
    """Tells of a job that was billed now, and keeps what the device says about it, if it says anything."""
    job = _job(device, "completed", spend_id=spend_id, meter=meter, at=at, details=details)
    _tell("job.completed", job)
    if details is not None:
        db.session.add(job)


def failed(device: Device, *, spend_id: str, meter: str, at: str, details: JsonValue) -> None:
    """Keeps and tells of a job that failed; nothing where it is known already. The account is locked."""
    known = select(Job.id).where(Job.device_id == device.id, Job.spend_id == spend_id).limit(1)
    if db.session.scalar(known) is not None:
        return
    job = _job(device, "failed", spend_id=spend_id, meter=meter, at=at, details=details)
    _tell("job.failed", job)
    db.session.add(job)


def _job(
    device: Device,
    state: Literal["completed", "failed"],
    *,
    spend_id: str,
    meter: str,
    at: str,
    details: JsonValue,
) -> Job:
    return Job(
        id=new_id(),
        account_id=device.account_id,
        device_id=device.id,
        spend_id=spend_id,
        state=state,
        meter=meter,
        at=at,
        details=details,
        reported_at=now(),
    )


def _tell(event: EventType, job: Job) -> None:
    webhooks.enqueue(db.session, job.account_id, event, told(job).model_dump(mode="json"))


def told(job: Job) -> JobAnswer:
    """A job as its account is told of it."""
    return JobAnswer.model_validate(
        {
            "id": job.id,
            "device_id": job.device_id,
            "spend_id": job.spend_id,
            "state": job.state,
            "meter": job.meter,
            "at": job.at,
            "reported_at": job.reported_at,
            "job": job.details,
        }
    )


def forget(account: Account, job_id: str) -> None:
    """Deletes a reported job. Raises `NotFound`."""
    job = db.session.get(Job, job_id)
    if job is None or job.account_id != account.id:
        raise NotFound("The account has no such job.")
    db.session.delete(job)
