"""The command `reely-server`, as its own process."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from flask import Flask

from license_server import config as configuration
from license_server.extensions import close
from tests.license_server.actors import PASSWORD, Person
from tests.license_server.post import Mailbox, smtp_server, text

COMMAND = [sys.executable, "-c", "from license_server.cli import main; main()"]


def _environment(**variables: str) -> dict[str, str]:
    ours = set(configuration._VARIABLES.values())
    return {name: value for name, value in os.environ.items() if name not in ours} | variables


def _command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=_environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def _running(data: Path, *options: str, **variables: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with subprocess.Popen(
        [*COMMAND, "run", "--port", "0", "--data", str(data), *options],
        env=_environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(r"listening on (http://(?:127\.0\.0\.1|0\.0\.0\.0):\d+)\n", line)
            assert found, (
                line,
                process.stderr.read() if process.poll() is not None and process.stderr else "",
            )
            yield found[1], process
        finally:
            process.kill()


def _call(url: str, path: str, body: object = None, token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url + path, data=data, headers=headers), timeout=30) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_what_it_says_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with _running(tmp_path / "data") as (url, process):
        assert _call(url, "/health")["status"] == "ok"
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
        assert process.stdout is not None
        assert process.stdout.read() == "", "nothing else on standard output"


def test_it_keeps_its_secrets_and_its_people_over_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with _running(data) as (url, process):
        body = {"email": "ada@example.com", "password": PASSWORD}
        token = _call(url, "/api/v1/auth/register", body)["access_token"]
        keys = _call(url, "/.well-known/jwks.json")
        process.terminate()
        process.wait(timeout=10)
    for name in ("jwt-secret", "lease-keys.json"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    with _running(data) as (url, process):
        assert _call(url, "/api/v1/auth/me", token=token)["email"] == "ada@example.com"
        assert _call(url, "/.well-known/jwks.json") == keys


def test_it_sends_mail_beside_serving(tmp_path: Path) -> None:
    with smtp_server(Mailbox()) as mailbox:
        variables = {
            "MAIL_URL": f"smtp://127.0.0.1:{mailbox.port}",
            "PUBLIC_URL": "https://license.example.com",
        }
        with _running(tmp_path / "data", **variables) as (url, process):
            _call(url, "/api/v1/auth/register", {"email": "ada@example.com", "password": PASSWORD})
            assert mailbox.arrived.wait(30)
            process.terminate()
            assert process.wait(timeout=10) == 0
        assert mailbox.messages[0]["From"] == "Reely <no-reply@license.example.com>"
        assert "https://license.example.com/verify-email?token=" in text(mailbox.messages[0])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_links_lead_to_where_it_listens_unless_told_otherwise(tmp_path: Path, host: str) -> None:
    with smtp_server(Mailbox()) as mailbox:
        variables = {"MAIL_URL": f"smtp://127.0.0.1:{mailbox.port}"}
        with _running(tmp_path / "data", "--host", host, **variables) as (url, _):
            here = url.replace("0.0.0.0", "127.0.0.1")
            _call(here, "/api/v1/auth/register", {"email": "ada@example.com", "password": PASSWORD})
            assert mailbox.arrived.wait(30)
        assert f"{here}/verify-email?token=" in text(mailbox.messages[0])


def test_a_worker_sends_what_a_server_wrote_that_was_killed(app: Flask, ada: Person, data: Path) -> None:
    close(app)
    with smtp_server(Mailbox()) as mailbox:
        command = [*COMMAND, "worker", "--data", str(data)]
        variables = _environment(MAIL_URL=f"smtp://127.0.0.1:{mailbox.port}")
        # The test's clock is behind, so what it wrote has not been due for longer than a token lives: this
        # letter is written now.
        with sqlite3.connect(data / "reely.sqlite3") as database:
            database.execute("UPDATE mails SET created_at = datetime('now')")
        database.close()
        with subprocess.Popen(command, env=variables) as process:
            try:
                assert mailbox.arrived.wait(30)
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=20) == 0
            finally:
                process.kill()
        assert mailbox.recipients == [ada.email]


def test_what_an_administrator_does_works_while_the_server_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with _running(data) as (url, _):
        body = {"email": "ada@example.com", "password": PASSWORD}
        token = _call(url, "/api/v1/auth/register", body)["access_token"]
        gift = _command(
            "admin", "gift", "Ada@example.com", "pro", "--until", "2099-01-01", "--data", str(data)
        )
        assert gift.returncode == 0, gift.stderr
        assert _command("admin", "role", "ada@example.com", "admin", "--data", str(data)).returncode == 0
        user = _call(url, "/api/v1/auth/me", token=token)
        assert (user["tier"], user["role"]) == ("pro", "admin")
        assert _call(url, "/api/v1/auth/usage", token=token)["meters"]["trim"]["limit"] == 100
        audit = _call(url, "/api/v1/auth/export", token=token)["tables"]["audit_log"]
        assert [entry["event"] for entry in audit if entry["event"].startswith("admin.")] == [
            "admin.tier-given",
            "admin.role-changed",
        ]
        before = _call(url, "/.well-known/jwks.json")["keys"]
        rotated = _command("keys", "rotate", "--data", str(data))
        assert rotated.returncode == 0
        after = _call(url, "/.well-known/jwks.json")["keys"]
        assert after[1:] == before
        assert after[0]["kid"] in rotated.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("admin", "gift", "nobody@example.com", "pro", "--until", "2099-01-01"), "no account"),
        (("admin", "role", "nobody@example.com", "admin"), "no account"),
        (("admin", "gift", "nobody@example.com", "gold", "--until", "2099-01-01"), "gold"),
        (("admin", "gift", "nobody@example.com", "pro"), "--until"),
    ],
)
def test_an_administrators_mistake_is_told(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = _command(*arguments, "--data", str(tmp_path / "data"))
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"JWT_SECRET_KEY": "short"}, "JWT_SECRET_KEY"),
        ({"LEASE_SIGNING_KEY": "nonsense"}, "LEASE_SIGNING_KEY"),
        ({"PUBLIC_URL": "ftp://x"}, "PUBLIC_URL"),
    ],
)
def test_a_configuration_that_is_not_right_is_told_without_its_value(
    tmp_path: Path, variables: dict[str, str], words: str
) -> None:
    done = _command("migrate", "--data", str(tmp_path / "data"), **variables)
    assert done.returncode == 1
    assert words in done.stderr
    assert next(iter(variables.values())) not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with _running(tmp_path / "data") as (url, _):
        port = url.rpartition(":")[2]
        done = _command("run", "--port", port, "--data", str(tmp_path / "other"))
        assert done.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
