"""Keeping and forgetting reported jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from pydantic import JsonValue
from sqlalchemy import select

from license_server.accounts.models import Account
from license_server.clock import now
from license_server.database import db, new_id
from license_server.devices.models import Device
from license_server.errors import NotFound
from license_server.jobs.models import Job
from license_server.jobs.schemas import JobAnswer
from license_server.leases.lookup import Asking
from license_server.webhooks import service as webhooks
from license_server.webhooks.events import EventType
from license_server.writes import Row, Write


class Report(Protocol):
    """What a device says of a job."""

    @property
    def spend_id(self) -> str: ...
    @property
    def meter(self) -> str: ...
    @property
    def at(self) -> str: ...
    @property
    def job(self) -> JsonValue: ...


_KEEP = Write(Job)


def report(asking: Asking, completed: Sequence[Report], failed: Sequence[Report]) -> list[Row]:
    """Tells webhooks of jobs that were billed now, and of failed ones that nothing was known of.

    Answers what to `write`: the failed ones, and what was said of the others, if anything. The account is
    locked by the caller.
    """
    new = {failure.spend_id: failure for failure in failed}
    if new:
        known = select(Job.spend_id).where(Job.device_id == asking.device.id, Job.spend_id.in_(new))
        for spend_id in db.session.scalars(known):
            del new[spend_id]
    found: list[tuple[EventType, Job]] = [
        *(("job.completed", _job(asking.device, "completed", each)) for each in completed),
        *(("job.failed", _job(asking.device, "failed", each)) for each in new.values()),
    ]
    if webhooks.FEATURE in asking.stand.tier.features:
        for event, job in found:
            webhooks.enqueue(db.session, job.account_id, event, told(job).model_dump(mode="json"))
    kept = [job for _, job in found if job.state == "failed" or job.details is not None]
    return [_KEEP.of(job) for job in kept]


def _job(device: Device, state: Literal["completed", "failed"], report: Report) -> Job:
    return Job(
        id=new_id(),
        account_id=device.account_id,
        device_id=device.id,
        spend_id=report.spend_id,
        state=state,
        meter=report.meter,
        at=report.at,
        details=report.job,
        reported_at=now(),
    )


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
