"""The whole of Reely around a test: a license server, a keyring and a home, all real and all its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import keyring
import pytest
from keyring.backends import SecretService

from stage import BIN, SAMPLE, license_server, secret_service
from tests.stripe import Stripe

__all__ = ["SAMPLE"]

PASSWORD = "a long enough secret of a test"


@dataclass(frozen=True)
class Run:
    """What a command said."""

    code: int
    lines: list[dict[str, Any]]
    stdout: str
    stderr: str

    @property
    def last(self) -> dict[str, Any]:
        """The last line: the result or the error."""
        return self.lines[-1]


@dataclass(frozen=True)
class Command:
    """The installed command `reely`, run as its user would."""

    folder: Path
    environment: dict[str, str] = field(repr=False)

    def __call__(self, *arguments: str | Path, **environment: str) -> Run:
        """Run with `--json`, in `folder`; every line on standard output must be JSON."""
        done = self.in_words(*arguments, "--json", **environment)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return Run(done.returncode, lines, done.stdout, done.stderr)

    def in_words(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run as a person does."""
        return subprocess.run(
            [BIN / "reely", *arguments],
            env={**self.environment, **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture(scope="session")
def server_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the license server's data."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def server(server_data: Path) -> Iterator[str]:
    """The license server's address."""
    with license_server(server_data) as url:
        yield url


@pytest.fixture(scope="session")
def keyring_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which a real Secret Service is found."""
    with secret_service(tmp_path_factory.mktemp("keyring")) as found:
        yield found


class Server:
    """A license server of the test's own, which can go away and come back at the same address."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._running = ExitStack()
        self.url = self._running.enter_context(license_server(data))

    def go_away(self) -> None:
        self._running.close()

    def come_back(self) -> None:
        port = urlsplit(self.url).port
        assert port is not None
        assert self._running.enter_context(license_server(self._data, port)) == self.url


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stripe]:
    """A Stripe for the license servers that are started from here on."""
    with Stripe() as running:
        for name, value in running.env.items():
            monkeypatch.setenv(name, value)
        yield running
    assert not running.faults


@pytest.fixture
def own_server(stripe: Stripe, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "own-server")
    stripe.deliver_to(f"{server.url}/api/v1/payments/webhook")
    yield server
    server.go_away()


@pytest.fixture
def real_keyring(keyring_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process's keyring is a real Secret Service."""
    for name, value in keyring_environment.items():
        monkeypatch.setenv(name, value)
    before = keyring.get_keyring()
    keyring.set_keyring(SecretService.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def reely(tmp_path: Path, home: Path, server: str, keyring_environment: dict[str, str]) -> Command:
    """The command, signed out, with a home of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHON_KEYRING_BACKEND"},
        **keyring_environment,
        "REELY_HOME": str(home),
        "REELY_SERVER_URL": server,
        "REELY_PASSWORD": PASSWORD,
    }
    return Command(folder, environment)


@pytest.fixture
def signed_in(reely: Command, request: pytest.FixtureRequest) -> Command:
    """The command, with a new free account."""
    signed_up = reely("account", "sign-up", "--email", f"{abs(hash(request.node.nodeid)):x}@example.com")
    assert signed_up.code == 0, signed_up.stderr
    return reely


@pytest.fixture
def premium(signed_in: Command, server_data: Path) -> Command:
    """The command, with a new account that was given the tier without limits."""
    email = signed_in("account", "show").last["email"]
    until = datetime.now(UTC).date() + timedelta(days=30)
    gift = ("admin", "gift", email, "premium", "--until", f"{until}", "--data", server_data)
    subprocess.run([BIN / "reely-server", *gift], check=True, capture_output=True, timeout=60)
    return signed_in
