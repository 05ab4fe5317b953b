"""Our faults reach Sentry, where it is configured, with where they happened and nothing of anybody's."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

from license_server import sentry
from license_server.config import Config
from tests.license_server.actors import PASSWORD, Person, TestClock


@dataclass
class Ingest:
    """What a Sentry project was sent: the events of its envelopes, and all bytes as text."""

    port: int
    events: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""

    @property
    def dsn(self) -> SecretStr:
        return SecretStr(f"http://publickey@127.0.0.1:{self.port}/42")


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    """A receiver on loopback that takes Sentry's envelopes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                raw = gzip.decompress(raw)
            found.text += f"{self.headers}{raw.decode()}"
            items = raw.split(b"\n")[1:]
            for header, payload in zip(items[::2], items[1::2], strict=False):
                if json.loads(header)["type"] == "event":
                    found.events.append(json.loads(payload))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Ingest(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def reporting(config: Config, start: Callable[[Config], Flask], ingest: Ingest) -> Iterator[Flask]:
    yield start(config.model_copy(update={"sentry_dsn": ingest.dsn}))
    sentry.close()


def _break(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(account: object) -> None:
        very_private = f"local {account}"
        raise RuntimeError(f"private words about {very_private}")

    monkeypatch.setattr("license_server.usage.service.usage", broken)


def test_a_fault_is_told_with_its_place_and_without_its_words(
    reporting: Flask, ingest: Ingest, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(monkeypatch)
    ada = Person(reporting, clock, "very.private@example.com")
    ada.register()
    headers = {"X-Request-ID": "the-request-in-question", "Cookie": "crumbs=private"}
    answer = ada.call("GET", "/auth/usage?secret=private", headers=headers)
    assert answer.status_code == 500
    sentry.close()
    (event,) = ingest.events
    (exception,) = event["exception"]["values"]
    assert exception["type"] == "RuntimeError"
    assert exception["stacktrace"]["frames"][-1]["function"] == "broken"
    assert event["tags"] == {"request_id": "the-request-in-question", "route": "/api/v1/auth/usage"}
    assert event["release"].startswith("reely@")
    for private in (
        "very.private",
        "private words",
        "secret",
        "crumbs",
        PASSWORD,
        ada.access,
        "127.0.0.1:80",
    ):
        assert private not in ingest.text
    assert not {"request", "user", "server_name", "breadcrumbs", "extra", "modules"} & set(event)


def test_what_is_refused_is_no_fault(reporting: Flask, ingest: Ingest) -> None:
    client = reporting.test_client()
    for path in ("/nowhere", "/api/v1/auth/me"):
        assert client.get(path).status_code in {401, 404}
    sentry.close()
    assert ingest.events == []


def test_nothing_is_told_where_nobody_is_configured(
    app: Flask, ingest: Ingest, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(monkeypatch)
    assert ada.call("GET", "/auth/usage").status_code == 500
    sentry.close()
    assert ingest.text == ""
