"""A server of the test's own: a migrated database in a temporary folder, and a clock that the test moves."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from license_server import create_app
from license_server.config import Argon2Cost, Config
from license_server.database import migrate_database
from license_server.extensions import close
from tests.license_server.actors import Device, Person, TestClock
from tests.license_server.postgresql import TEMPLATE, Cluster, programs

CHEAP = Argon2Cost(time_cost=1, memory_kib=8, parallelism=1)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated database and keys, to copy."""
    folder = tmp_path_factory.mktemp("server")
    app = create_app(Config.embedded(folder, {}))
    migrate_database(app)
    close(app)
    return folder


@pytest.fixture
def data(migrated: Path, tmp_path: Path) -> Path:
    """The server's folder, with a migrated database."""
    return Path(shutil.copytree(migrated, tmp_path / "server"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """PostgreSQL with a migrated template database; skips where PostgreSQL is not installed."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    cluster = Cluster.start(found)
    try:
        cluster.execute(f"CREATE DATABASE {TEMPLATE}")
        with tempfile.TemporaryDirectory() as folder:
            app = create_app(Config.embedded(Path(folder), {"DATABASE_URL": cluster.url(TEMPLATE)}))
            migrate_database(app)
            close(app)
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """Which database the server has: `on_both_databases` runs a test on each."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def config(data: Path, database: str, request: pytest.FixtureRequest) -> Iterator[Config]:
    if database == "sqlite":
        yield Config.embedded(data, {}).model_copy(update={"argon2": CHEAP})
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = f"reely_{uuid.uuid4().hex}"
    cluster.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield Config.embedded(data, {"DATABASE_URL": cluster.url(name)}).model_copy(update={"argon2": CHEAP})
    cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def start(clock: TestClock) -> Iterator[Callable[[Config], Flask]]:
    """Starts apps, and closes their databases after the test."""
    apps: list[Flask] = []

    def started(config: Config) -> Flask:
        app = create_app(config, clock)
        apps.append(app)
        return app

    yield started
    for app in apps:
        close(app)


@pytest.fixture
def app(config: Config, start: Callable[[Config], Flask]) -> Flask:
    return start(config)


@pytest.fixture
def ada(app: Flask, clock: TestClock) -> Person:
    """Somebody who has just signed up, and is free."""
    person = Person(app, clock, "ada@example.com")
    person.register()
    return person


@pytest.fixture
def laptop(ada: Person) -> Device:
    """A device of Ada's."""
    device = Device(ada)
    assert device.add().status_code == 201
    return device
