"""The server as it is deployed: gunicorn with two workers, PostgreSQL and Redis, all from the environment."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from license_server import config as configuration
from license_server.leases.keys import new_seed
from tests.license_server.actors import PASSWORD, base64url, make_spend
from tests.license_server.postgresql import Cluster, programs
from tests.license_server.redis_server import redis_server

WORKERS = 2
API = "/api/v1"
EMAIL = "very.private@example.com"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found


@dataclass
class Served:
    """A running gunicorn, what it was started with, and where it writes."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    variables: dict[str, str]

    def call(self, method: str, path: str, body: object = None, *, token: str = "", **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            if raw is not None:
                sent["Content-Type"] = "application/json"
            if token:
                sent["Authorization"] = f"Bearer {token}"
            connection.request(method, path, raw, sent)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


@contextmanager
def gunicorn(folder: Path, variables: dict[str, str]) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    ours = set(configuration._VARIABLES.values())
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    log = folder / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "gunicorn", "license_server:create_app()"]
        process = subprocess.Popen(
            [*command, "-c", "packaging/server/gunicorn.conf.py", "--pythonpath", str(Path.cwd())],
            env=environment | variables | {"BIND": f"127.0.0.1:{port}", "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    served = Served(process, port, log, variables)
    try:
        _wait(served, 200)
        yield served
    finally:
        process.terminate()
        assert process.wait(timeout=40) == 0


def _wait(served: Served, status: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert served.process.poll() is None, served.log.read_text("utf-8")
        try:
            booted = served.log.read_text("utf-8").count("Booting worker")
            if booted >= WORKERS and served.call("GET", "/health").status == status:
                return
        except OSError:
            pass  # not yet
        time.sleep(0.05)  # there is nothing to wait on but its answers
    pytest.fail(served.log.read_text("utf-8"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of its own, for it is killed in between."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    cluster = Cluster.start(found, "max_connections = 60")
    try:
        cluster.execute("CREATE DATABASE reely")
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def served(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("gunicorn")
    with redis_server(folder) as redis:
        variables = {
            "DATABASE_URL": cluster.url("reely"),
            "REDIS_URL": redis.url,
            "JWT_SECRET_KEY": secrets.token_urlsafe(48),
            "LEASE_SIGNING_KEY": new_seed(),
            "PUBLIC_URL": "https://license.example.com",
        }
        migrated = subprocess.run(
            [sys.executable, "-c", "from license_server.cli import main; main()", "migrate"],
            env=os.environ | variables | {"REELY_ENV": "production"},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert migrated.returncode == 0, migrated.stderr
        with gunicorn(folder, variables) as served:
            yield served


def test_it_serves_from_several_processes_that_are_well(served: Served) -> None:
    health = served.call("GET", "/health")
    assert health.json == {"status": "ok", "database": "ok", "migrations": "ok", "redis": "ok"}
    assert "max-age" in health.headers["Strict-Transport-Security"]
    booted = [line for line in served.lines() if line["event"].startswith("Booting worker")]
    assert len(booted) == WORKERS


def test_metrics_of_all_processes_add_up(served: Served) -> None:
    def tiers() -> float:
        text = served.call("GET", "/metrics").text
        found = re.search(r'reely_requests_total\{.*route="/api/v1/tiers".*\} (\S+)', text)
        return float(found[1]) if found else 0

    before = tiers()
    for _ in range(30):
        assert served.call("GET", f"{API}/tiers").status == 200
    assert tiers() - before == 30
    assert served.call("GET", "/metrics", X_Forwarded_For="8.8.8.8").status == 404


def test_a_body_that_is_too_large_is_refused_in_our_words_also_in_chunks(served: Served) -> None:
    large = b"[" + b"1," * (1 << 20) + b"1]"
    assert served.call("POST", f"{API}/auth/login", large).json["code"] == "body-too-large"
    connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"{API}/auth/login", iter([large]), headers, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (413, "body-too-large")
    finally:
        connection.close()


def test_it_outlives_its_database(served: Served, cluster: Cluster) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    registered = served.call("POST", f"{API}/auth/register", body)
    assert registered.status == 201, registered.text
    token = registered.json["access_token"]
    cluster.halt()
    try:
        away = served.call("GET", f"{API}/auth/usage", token=token)
        assert (away.status, away.json["code"]) == (503, "unavailable")
        assert away.headers["Retry-After"] == "5"
        assert served.call("GET", "/health").json["database"] == "failing"
        assert served.call("GET", "/health/live").status == 200
    finally:
        cluster.resume()
    for _ in range(8):  # every connection of every pool was cut
        assert served.call("GET", f"{API}/auth/usage", token=token).status == 200
    assert served.process.poll() is None


def test_a_request_that_has_begun_is_finished_before_it_ends(served: Served, tmp_path: Path) -> None:
    with (
        gunicorn(tmp_path, served.variables) as other,
        socket.create_connection(("127.0.0.1", other.port)) as connection,
    ):
        body = json.dumps({"email": "grace@example.com", "password": PASSWORD}).encode()
        head = f"POST {API}/auth/register HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        connection.sendall(
            f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body[:-1]
        )
        _until(lambda: _is_reading(other))
        other.process.send_signal(signal.SIGTERM)
        _until(lambda: any("Handling signal: term" in line["event"] for line in other.lines()))
        connection.sendall(body[-1:])
        connection.settimeout(30)
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        assert answer.startswith(b"HTTP/1.1 201"), answer
        assert other.process.wait(timeout=40) == 0
    assert not list(tmp_path.glob("reely-metrics-*"))


def _is_reading(served: Served) -> bool:
    """Whether a worker has taken the connection in, as the others of the port see it."""
    listing = subprocess.run(
        ["ss", "-Htn", "state", "established", f"( sport = :{served.port} )"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return bool(listing) and listing[0] == "0"


def _until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # what another process does cannot be waited for


def test_a_whole_session_leaves_nobodys_secrets_in_the_log(served: Served) -> None:
    secrets_of_people = [
        EMAIL,
        "very.private",
        PASSWORD,
        "a wrong password",
        "Private laptop",
        "Private title",
    ]
    body = {"email": EMAIL, "password": PASSWORD, "full_name": "Very Private"}
    signed_in = served.call("POST", f"{API}/auth/register", body, User_Agent="Private Browser").json
    wrong = served.call("POST", f"{API}/auth/login", {"email": EMAIL, "password": "a wrong password"})
    assert wrong.status == 401
    renewed = served.call("POST", f"{API}/auth/refresh", token=signed_in["refresh_token"]).json
    token = renewed["access_token"]
    for kept in (signed_in, renewed):
        secrets_of_people += [kept["access_token"], kept["refresh_token"]]
    key = Ed25519PrivateKey.generate()
    device = {
        "name": "Private laptop",
        "platform": "linux",
        "public_key": base64url(key.public_key().public_bytes_raw()),
    }
    device_id = served.call("POST", f"{API}/devices", device, token=token).json["id"]

    def signed(path: str, body: object) -> Answer:
        raw = json.dumps(body).encode()
        seconds = int(time.time())
        message = f"{seconds}\nPOST\n{path}\n{hashlib.sha256(raw).hexdigest()}".encode()
        signature = f"t={seconds},v1={base64url(key.sign(message))}"
        secrets_of_people.append(signature)
        return served.call("POST", path, raw, token=token, Reely_Device_Signature=signature)

    wanted = {"device_id": device_id, "request_id": uuid.uuid4().hex, "wants": {"trim": 1}}
    lease = signed(f"{API}/leases", wanted).json["lease"]
    lease_id = jwt.decode(lease, options={"verify_signature": False})["jti"]
    spend = make_spend(lease_id, 1, "0" * 64, "trim", datetime.now(UTC), {"title": "Private title"})
    settled = signed(f"{API}/leases/{lease_id}/settle", {"spends": [spend], "return_rest": True})
    assert settled.status == 200
    secrets_of_people += [lease, settled.json["receipt"]]
    served.call("GET", f"{API}/auth/sessions?cursor={EMAIL}", token=token)
    served.call("GET", f"/verify-email?token={PASSWORD.replace(' ', '+')}")
    served.call("GET", f"/{EMAIL}", X_Forwarded_For="198.51.100.77")
    connection = socket.create_connection(("127.0.0.1", served.port))
    connection.sendall(f"NONSENSE {EMAIL}\r\n\r\n".encode())
    connection.recv(1 << 16)
    connection.close()
    secrets_of_people += ["198.51.100.77", "127.0.0.1", "Private Browser", "Very Private"]
    secrets_of_people += list(served.variables.values())
    text = served.log.read_text("utf-8")
    assert [secret for secret in secrets_of_people if secret in text] == []
    requests = [line for line in served.lines() if line["event"] == "request"]
    routes = {line["route"] for line in requests}
    assert {f"{API}/auth/register", f"{API}/leases/<lease_id>/settle", None} <= routes
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{8,64}", line["request_id"]) for line in requests)
