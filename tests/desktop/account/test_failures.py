"""Work that fails costs nothing, and the account's jobs and webhooks tell of it once, by its code."""

from __future__ import annotations

import ipaddress
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from desktop.account import Meter
from desktop.account.journal import Journal
from desktop.account.schema import STEPS
from desktop.errors import Cancelled, Exit, ReelyError
from license_server.webhooks.delivery import deliver_due
from tests.desktop.account.conftest import PASSWORD, Device, LicenseServer
from tests.license_server.webhooks.receiver import Receiver, receiving

FULL = ReelyError("disk-full", "The disk is full.", "Free some space.", Exit.DISK)


@pytest.fixture
def telling(tmp_path: Path) -> Iterator[LicenseServer]:
    """A license server whose webhooks reach this computer."""
    server = LicenseServer(tmp_path / "server", webhook_networks=(ipaddress.ip_network("127.0.0.0/8"),))
    yield server
    server.close()


@pytest.fixture
def studio(telling: LicenseServer, tmp_path: Path, email: str) -> Iterator[Device]:
    """A device of an account with Premium."""
    with ExitStack() as stack:
        device = Device(tmp_path / "studio", telling, stack)
        device.account.sign_up(email, PASSWORD)
        telling.give(email, "premium")
        yield device


def _api(server: LicenseServer, email: str, path: str, body: object = None) -> dict[str, Any]:
    signed = requests.post(
        f"{server.url}/api/v1/auth/login", json={"email": email, "password": PASSWORD}, timeout=10
    )
    headers = {"Authorization": f"Bearer {signed.json()['access_token']}"}
    method = "GET" if body is None else "POST"
    answer = requests.request(method, f"{server.url}/api/v1{path}", json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _fail(device: Device, error: ReelyError) -> None:
    with (
        pytest.raises(ReelyError, match=error.message),
        device.account.permit(Meter.TRIM, source_seconds=60, job={"kind": "trim"}),
    ):
        raise error


def test_a_failed_job_arrives_as_a_webhook_once_and_costs_nothing(
    telling: LicenseServer, studio: Device, email: str
) -> None:
    with receiving(Receiver()) as receiver:
        made = _api(
            telling,
            email,
            "/webhook-endpoints",
            {"url": f"http://127.0.0.1:{receiver.port}/", "events": ["job.failed"]},
        )
        _fail(studio, FULL)
        telling.lose_answers_to = "*/settle"
        with pytest.raises(ReelyError):
            studio.account.settle()
        telling.lose_answers_to = ""
        for _ in range(2):
            studio.account.settle()
        deliver_due(telling.app)
        (got,) = receiver.received
    event = Webhook(made["secret"]).verify(got.body, got.headers)
    assert event["type"] == "job.failed"
    assert event["data"]["job"] == {"kind": "trim", "error": "disk-full"}
    assert _api(telling, email, "/my-jobs")["items"] == [event["data"]]
    assert studio.account.status().meters[Meter.TRIM].settled == 0


def test_what_was_cancelled_or_delivered_has_not_failed(
    telling: LicenseServer, studio: Device, email: str
) -> None:
    _fail(studio, Cancelled())
    with studio.account.permit(Meter.HOOK_RUN, job={"kind": "hooks"}) as permit:
        permit.commit()
        permit.delivered()
    studio.account.settle()
    (job,) = _api(telling, email, "/my-jobs")["items"]
    assert (job["state"], job["meter"]) == ("completed", "hook_run")


def test_a_clip_that_could_not_get_its_name_has_failed(
    telling: LicenseServer, studio: Device, email: str
) -> None:
    with studio.account.permit(Meter.TRIM, source_seconds=60) as permit:
        permit.commit()
        permit.take_back(FULL)
    studio.account.settle()
    (job,) = _api(telling, email, "/my-jobs")["items"]
    assert (job["state"], job["job"]) == ("failed", {"error": "disk-full"})


def test_a_journal_of_before_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with sqlite3.connect(path) as db:
        db.executescript(STEPS[0])
        db.execute("INSERT INTO lease (id, token, seq, state) VALUES ('old', 'token', 1, 'open')")
    db.close()
    assert [lease.id for lease in Journal(path).leases()] == ["old"]
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM failure").fetchone() == (0,)
    db.close()
