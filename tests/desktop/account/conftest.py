"""A real license server on loopback whose clock and network can be moved and cut, and accounts on it."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError
from werkzeug.serving import WSGIRequestHandler, make_server

from desktop.account import Account, Delivery, Meter, SecretStore
from desktop.files import publish
from license_server import create_app
from license_server.accounts import service as accounts
from license_server.config import Argon2Cost, Config, RateLimits
from license_server.database import db, migrate_database, unit_of_work
from license_server.tiers.catalogue import BY_ID
from license_server.tiers.service import give

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


class MemoryKeyring(KeyringBackend):
    """A keyring that ends with the test. By its priority keyring never chooses it, or its kin, by itself."""

    priority = 0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.secrets: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.secrets.pop((service, username), None) is None:
            raise PasswordDeleteError("no such secret")


class LicenseServer:
    """The real server in this process, spoken to over loopback.

    `cut` drops connections before a request is read, `lose_answers_to` after requests to such a path were
    served (`*` for all); with `doubled` each request arrives twice. `time` is the server's clock. While
    `recording`, what was sent can arrive once more, late (`repeat`).
    """

    def __init__(
        self, data: Path, environment: Mapping[str, str] = MappingProxyType({}), **settings: Any
    ) -> None:
        self.data = data
        self.time = datetime.now(UTC)
        self.cut = False
        self.lose_answers_to = ""
        self.doubled = False
        self.recording = False
        self._sent: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        config = Config.embedded(data, environment).model_copy(
            update={
                "argon2": Argon2Cost(time_cost=1, memory_kib=1024, parallelism=1),
                "rate_limits": RateLimits(
                    everything="9999 per second", sign_up="9999 per second", sign_in="9999 per second"
                ),
                **settings,
            }
        )
        self.app = create_app(config, clock=lambda: self.time)
        migrate_database(self.app)
        licenses = self

        class Handler(WSGIRequestHandler):
            def log(self, type: str, message: str, *args: Any) -> None:
                """Requests are not logged."""

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(licenses.time, usegmt=True)

        self._http = make_server("127.0.0.1", 0, self._serve, threaded=False, request_handler=Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        with self.app.app_context():
            db.engine.dispose()
        _join_timers()

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)

    def give(self, email: str, tier: str, days: float = 365) -> None:
        """Give an account a tier for nothing."""
        with self.app.app_context(), unit_of_work(writes=True):
            account = accounts.by_email(email)
            assert account is not None
            give(account.id, BY_ID[tier], self.time + timedelta(days=days))

    def confirm(self, email: str) -> None:
        """The account's owner has followed the link in the mail."""
        with self.app.app_context(), unit_of_work(writes=True):
            account = accounts.by_email(email)
            assert account is not None
            account.email_verified = True

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if self.cut:
            return self._drop(environ)

        sent = self._copy(environ)
        if self.recording and "/auth/" not in environ["PATH_INFO"]:
            self._sent.append(sent)
        if fnmatch(environ["PATH_INFO"], self.lose_answers_to):
            self._arrive(sent)
            return self._drop(environ)
        if self.doubled:
            self._arrive(sent)
        return self.app.wsgi_app(environ, start_response)

    def repeat(self, number: int) -> None:
        """One of the newest hundred requests arrives once more; nobody waits for the answer."""
        newest = self._sent[-100:]
        if newest:
            self._arrive(newest[number % len(newest)])

    def _arrive(self, sent: dict[str, Any]) -> None:
        for _ in self.app.wsgi_app(
            {**sent, "wsgi.input": BytesIO(sent["body"])}, lambda *_: lambda _data: None
        ):
            pass

    @staticmethod
    def _copy(environ: dict[str, Any]) -> dict[str, Any]:
        """The request as it can be read several times."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        return {**environ, "body": body}

    @staticmethod
    def _drop(environ: dict[str, Any]) -> Iterable[bytes]:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError("the network was cut")


def _join_timers() -> None:
    """The server's rate limiter forgets old counts on timers that last a hundredth of a second."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LicenseServer]:
    server = LicenseServer(tmp_path_factory.mktemp("license-server"))
    yield server
    server.close()


@pytest.fixture
def server(shared_server: LicenseServer) -> Iterator[LicenseServer]:
    """The session's server, with its clock right and its network up."""
    shared_server.time = datetime.now(UTC)
    shared_server.requests.clear()
    yield shared_server
    shared_server.cut, shared_server.lose_answers_to = False, ""
    shared_server.doubled = shared_server.recording = False
    _join_timers()


class Device:
    """One installation: a home, a keyring, and a wall clock that may be wrong."""

    def __init__(self, home: Path, server: LicenseServer, stack: ExitStack) -> None:
        self.home = home
        self.server = server
        self.keyring = MemoryKeyring()
        self.clock_error = 0.0
        self._stack = stack
        self._clips = itertools.count(1)
        self.account = self.open()

    def open(self, offline: bool = False) -> Account:
        """The account as a newly started process sees it."""
        account = Account.open(
            self.home, self.server.url, SecretStore(self.keyring), offline=offline, wall=self.wall
        )
        self._stack.callback(account.close)
        self.account = account
        return account

    def wall(self) -> float:
        return self.server.time.timestamp() + self.clock_error

    def trim(self) -> Path:
        """One clip, from permit to real name."""
        clips = self.home / "clips"
        clips.mkdir(parents=True, exist_ok=True)
        number = next(self._clips)
        delivery = Delivery(temporary=clips / f".{number}.part", final=clips / f"{number}.mp4")
        with self.account.permit(Meter.TRIM, source_seconds=60) as permit:
            delivery.temporary.write_bytes(b"a clip")
            permit.commit([delivery])
            publish(delivery.temporary, delivery.final)
            permit.delivered()
        return delivery.final

    def find_hooks(self) -> None:
        """One hook run, which leaves no file."""
        with self.account.permit(Meter.HOOK_RUN) as permit:
            permit.commit()
            permit.delivered()

    def held(self) -> dict[Meter, int | None]:
        """What is on this device for the time without a network."""
        return {meter: numbers.on_device for meter, numbers in self.account.status().meters.items()}

    def clips(self) -> int:
        return len(list((self.home / "clips").glob("*.mp4")))

    def meter(self, meter: Meter = Meter.TRIM) -> tuple[int | None, int, int, int | None]:
        """Limit, settled, held and available, as the server says."""
        status = self.account.status()
        assert status.online
        numbers = status.meters[meter]
        return numbers.limit, numbers.settled, numbers.held, numbers.available


@pytest.fixture
def new_device(server: LicenseServer, tmp_path: Path) -> Iterator[Callable[[], Device]]:
    with ExitStack() as stack:
        yield lambda: Device(tmp_path / f"home-{next(_numbers)}", server, stack)


@pytest.fixture
def device(new_device: Callable[[], Device]) -> Device:
    """A device that nobody has signed in on."""
    return new_device()


@pytest.fixture
def email() -> str:
    return f"creator-{next(_numbers)}@example.com"


@pytest.fixture
def signed_in(device: Device, email: str) -> Device:
    """A device with a new free account."""
    device.account.sign_up(email, PASSWORD, "Ada Creator")
    return device
