"""A server of the test's own: a migrated database in a temporary folder, and a clock that the test moves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from license_server import create_app
from license_server.config import Argon2Cost, Config
from license_server.database import migrate_database
from license_server.extensions import close
from tests.license_server.actors import Device, Person, TestClock

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


@pytest.fixture
def config(data: Path) -> Config:
    return Config.embedded(data, {}).model_copy(update={"argon2": CHEAP})


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
