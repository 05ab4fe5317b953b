"""The endpoints under `/my-jobs`."""

from __future__ import annotations

from sqlalchemy import select

from license_server.accounts import identity
from license_server.errors import NotFound
from license_server.http import Room
from license_server.jobs import service
from license_server.jobs.models import Job
from license_server.jobs.schemas import JobAnswer
from license_server.pagination import page
from license_server.schemas import Page, PageQuery

room = Room("jobs", __name__)


@room.serve("GET", "/my-jobs")
def list_jobs(query: PageQuery) -> Page[JobAnswer]:
    """The jobs that the account's devices reported, newest first."""
    account = identity.caller().account
    found, cursor = page(select(Job).where(Job.account_id == account.id), Job.reported_at, Job.id, query)
    return Page(
        items=[service.told(job) for job in found],
        next=cursor,
    )


@room.serve("DELETE", "/my-jobs/<job_id>", problems=(NotFound,))
def forget(job_id: str) -> None:
    """Forget what a job was about; the unit that it cost stays counted."""
    service.forget(identity.caller().account, job_id)
