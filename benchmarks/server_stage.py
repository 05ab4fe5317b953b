"""What benchmarks of the server run on: PostgreSQL, Redis, gunicorn, and accounts filled in by COPY."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from license_server import create_app
from license_server.config import Config
from license_server.database import migrate_database
from license_server.extensions import close
from license_server.leases.keys import new_seed
from license_server.usage.periods import period_at
from tests.license_server.actors import base64url
from tests.license_server.postgresql import Cluster, programs
from tests.license_server.redis_server import redis_server

WORKERS, THREADS = 2, 8
SECRETS = {"JWT_SECRET_KEY": secrets.token_urlsafe(48), "LEASE_SIGNING_KEY": new_seed()}
MADE_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
PERIOD = period_at(MADE_AT, datetime.now(UTC))
DEVICE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
"""All devices of a benchmark have one key, so that making keys is no part of filling."""


@dataclass(frozen=True)
class Stage:
    """A running database and Redis; both end with the stage."""

    cluster: Cluster
    redis_url: str

    def environment(self, database: str) -> dict[str, str]:
        """What a server of this database gets from its environment."""
        return {
            **SECRETS,
            "REELY_ENV": "development",  # only because PUBLIC_URL is http here
            "DATABASE_URL": self.cluster.url(database),
            "REDIS_URL": self.redis_url,
        }

    def config(self, database: str) -> Config:
        return Config.from_environment(self.environment(database))

    def make_database(self, name: str, accounts: int, tier: str) -> None:
        """A migrated database with so many accounts of a tier, each with a device that has spent a unit.

        So no table is empty when PostgreSQL makes its plans, which it then keeps.
        """
        self.cluster.execute(f"CREATE DATABASE {name}")
        app = create_app(self.config(name))
        migrate_database(app)
        close(app)
        with psycopg.connect(f"host={self.cluster.folder} user=reely dbname={name}") as connection:
            for table, columns in _columns(tier).items():
                _copy(connection, table, columns, accounts)
            connection.commit()
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE")


@contextmanager
def stage() -> Iterator[Stage]:
    """PostgreSQL as it comes (every commit is on disk), and Redis. Ends all where one is missing."""
    found = programs()
    if found is None or shutil.which("redis-server") is None:
        sys.exit("This benchmark needs PostgreSQL and Redis (Debian: postgresql, redis-server).")
    cluster = Cluster.start(found, "max_connections = 80")
    try:
        with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as redis:
            yield Stage(cluster, redis.url)
    finally:
        cluster.stop()


def account_id(number: int) -> str:
    return str(uuid.UUID(int=number + (1 << 120)))


def session_id(number: int) -> str:
    return str(uuid.UUID(int=number + (2 << 120)))


def device_id(number: int) -> str:
    return str(uuid.UUID(int=number + (3 << 120)))


def lease_id(number: int) -> str:
    return str(uuid.UUID(int=number + (4 << 120)))


def _columns(tier: str) -> dict[str, tuple[str, ...]]:
    """The columns of each table, as templates; in the order in which tables refer to each other."""
    made, key = MADE_AT.isoformat(), base64url(DEVICE_KEY.public_key().public_bytes_raw())
    starts, ends = PERIOD.starts_at.isoformat(), PERIOD.ends_at.isoformat()
    stats = (
        "usage_stats (account_id, period_id, meter, starts_at, ends_at, granted, settled, held, returned,"
        " expired, debt, excess)"
    )
    ledger = ("{account}", PERIOD.id, "{meter}", starts, ends, "1", "1", *("0",) * 5)
    spend = ("{counter}", "{meter}", made, "0" * 64, "1" * 64, made)
    return {
        "accounts (id, email, password_hash, role, email_verified, created_at)": (
            *("{account}", "{number}@example.com", "none", "user", "t", made),
        ),
        "sessions (id, account_id, created_at, last_used_at)": ("{session}", "{account}", made, made),
        "devices (id, account_id, name, platform, public_key, lease_seq, created_at, last_seen_at)": (
            *("{device}", "{account}", "Laptop", "linux", key, "1", made, made),
        ),
        "gifts (account_id, tier, until, created_at)": ("{account}", tier, "2099-01-01", made),
        stats: ledger,
        "leases (id, account_id, device_id, seq, period_id, tier, state, issued_at, expires_at, token,"
        " up_to_counter, head_hash)": (
            *(
                "{lease}",
                "{account}",
                "{device}",
                "1",
                PERIOD.id,
                tier,
                "open",
                made,
                ends,
                "token",
                "2",
                "1" * 64,
            ),
        ),
        "lease_grants (lease_id, meter, granted, settled, released, excess)": (
            *("{lease}", "{meter}", "1", "1", "0", "0"),
        ),
        "spends (id, account_id, lease_id, counter, meter, at, prev_hash, hash, settled_at)": (
            *("{lease} {meter}", "{account}", "{lease}", *spend),
        ),
        "usage_log (at, account_id, period_id, meter, change, units, lease_id)": (
            *(made, "{account}", PERIOD.id, "{meter}", "settled", "1", "{lease}"),
        ),
        "jobs (id, account_id, device_id, spend_id, state, meter, at, details, reported_at)": (
            *(
                "{number} {counter}",
                "{account}",
                "{device}",
                "{lease} {meter}",
                "completed",
                "{meter}",
                made,
                "{{}}",
                made,
            ),
        ),
    }


def _copy(connection: psycopg.Connection, table: str, columns: tuple[str, ...], accounts: int) -> None:
    line = "\t".join(columns) + "\n"
    meters = ("hook_run", "trim") if "{meter}" in columns else ("",)
    with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for first in range(0, accounts, 1000):
            copy.write(
                "".join(
                    line.format(
                        number=number,
                        account=account_id(number),
                        session=session_id(number),
                        device=device_id(number),
                        lease=lease_id(number),
                        meter=meter,
                        counter=counter,
                    )
                    for number in range(first, min(first + 1000, accounts))
                    for counter, meter in enumerate(meters, 1)
                )
            )


@contextmanager
def gunicorn(application: str, environment: Mapping[str, str]) -> Iterator[int]:
    """gunicorn with 2 workers of 8 threads, as deployed; the port that it answers at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    folder = Path(__file__).parent
    command = [sys.executable, "-m", "gunicorn", application, "--pythonpath", f"{folder.parent},{folder}"]
    options = ["--workers", str(WORKERS), "--worker-class", "gthread", "--threads", str(THREADS)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*command, *options, "--bind", f"127.0.0.1:{port}", "--keep-alive", "60"],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            if not _answers(port, process):
                output.seek(0)
                sys.exit(output.read().decode()[-5000:])
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                return True
        except OSError:
            time.sleep(0.05)  # there is nothing to wait on but its port
    return False
