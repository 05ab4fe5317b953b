"""Who the tests act as: a person with a client, and a device with a real key and a real journal."""

from __future__ import annotations

import hashlib
import json
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from license_server.accounts import service as accounts
from license_server.clock import now
from license_server.database import unit_of_work
from license_server.tiers.catalogue import BY_ID
from license_server.tiers.service import give

PASSWORD = "seven purple lanterns"
API = "/api/v1"

on_both_databases = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
"""Runs a test on SQLite and on PostgreSQL."""


@dataclass
class TestClock:
    """A clock that moves when it is told to."""

    __test__ = False
    at: datetime = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **spans: float) -> None:
        self.at += timedelta(**spans)


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


@dataclass
class Person:
    """Somebody with an account, signed in."""

    app: Flask
    clock: TestClock
    email: str
    access: str = ""
    refresh: str = ""

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        """Calls `/api/v1` + path with the person's access token, or with another one ("" for none)."""
        token = self.access if token is None else token
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        else:
            data = b""
        return self.client.open(API + path, method=method, data=data, headers=headers)

    def register(self, password: str = PASSWORD) -> dict[str, Any]:
        answer = self.call("POST", "/auth/register", {"email": self.email, "password": password}, token="")
        assert answer.status_code == 201, answer.text
        return self._keep(answer)

    def login(self, password: str = PASSWORD) -> dict[str, Any]:
        answer = self.call("POST", "/auth/login", {"email": self.email, "password": password}, token="")
        assert answer.status_code == 200, answer.text
        return self._keep(answer)

    def _keep(self, answer: TestResponse) -> dict[str, Any]:
        body: dict[str, Any] = answer.get_json()
        self.access, self.refresh = body["access_token"], body["refresh_token"]
        return body

    def usage(self) -> dict[str, Any]:
        answer = self.call("GET", "/auth/usage")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def meter(self, meter: str = "trim") -> dict[str, Any]:
        found: dict[str, Any] = self.usage()["meters"][meter]
        return found


@dataclass
class HeldLease:
    """A lease on a device, with the journal of what was spent on it."""

    token: str
    claims: dict[str, Any]
    spends: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.claims["jti"])


@dataclass
class Device:
    """A device: signs its requests, and chains its spends, as the contract says."""

    person: Person
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    id: str = ""

    @property
    def public_key(self) -> str:
        return base64url(self.key.public_key().public_bytes_raw())

    def add(self, name: str = "Laptop") -> TestResponse:
        body = {"name": name, "platform": "linux", "public_key": self.public_key}
        answer = self.person.call("POST", "/devices", body)
        if answer.status_code == 201:
            self.id = answer.get_json()["id"]
        return answer

    def signature(self, method: str, path: str, body: bytes, at: datetime | None = None) -> str:
        seconds = int((at or self.person.clock()).timestamp())
        message = f"{seconds}\n{method}\n{API}{path}\n{hashlib.sha256(body).hexdigest()}".encode()
        return f"t={seconds},v1={base64url(self.key.sign(message))}"

    def signed(self, method: str, path: str, body: object) -> TestResponse:
        raw = json.dumps(body).encode()
        headers = {"Reely-Device-Signature": self.signature(method, path, raw)}
        return self.person.call(method, path, raw, headers=headers)

    def ask(self, request_id: str | None = None, **wants: int) -> TestResponse:
        body = {"device_id": self.id, "request_id": request_id or uuid.uuid4().hex, "wants": wants}
        return self.signed("POST", "/leases", body)

    def lease(self, request_id: str | None = None, **wants: int) -> HeldLease:
        answer = self.ask(request_id, **wants)
        assert answer.status_code == 200, answer.text
        return self.held(answer.get_json()["lease"])

    def held(self, token: str) -> HeldLease:
        return HeldLease(token, verified(self.person.app, token, "reely-lease+jwt"))

    def spend(self, lease: HeldLease, meter: str = "trim", job: object = "trim of a test") -> dict[str, Any]:
        """Spends one unit on a lease and chains it to the spend before."""
        last: dict[str, Any] = lease.spends[-1] if lease.spends else {"counter": 0, "hash": "0" * 64}
        spend = make_spend(lease.id, last["counter"] + 1, last["hash"], meter, self.person.clock(), job)
        lease.spends.append(spend)
        return spend

    def settle(
        self, lease: HeldLease, spends: Sequence[dict[str, Any]] | None = None, **more: Any
    ) -> TestResponse:
        body = {"spends": list(lease.spends if spends is None else spends), "return_rest": False, **more}
        return self.signed("POST", f"/leases/{lease.id}/settle", body)

    def settled(
        self, lease: HeldLease, spends: Sequence[dict[str, Any]] | None = None, **more: Any
    ) -> dict[str, Any]:
        """The answer to a settle that succeeds, with the receipt's claims in place of its token."""
        answer = self.settle(lease, spends, **more)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.get_json()
        body["receipt"] = verified(self.person.app, body["receipt"], "reely-receipt+jwt")
        return body


def make_spend(
    lease_id: str, counter: int, prev_hash: str, meter: str, at: datetime, job: object = None
) -> dict[str, Any]:
    """A journal entry with its hash, made from the words of the contract and not from the server's code."""
    entry: dict[str, Any] = {
        "spend_id": uuid.uuid4().hex,
        "lease_id": lease_id,
        "counter": counter,
        "meter": meter,
        "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256((prev_hash + canonical).encode()).hexdigest()
    del entry["lease_id"]
    return {**entry, "prev_hash": prev_hash, "hash": digest, "job": job}


def verified(app: Flask, token: str, kind: str) -> dict[str, Any]:
    """The claims of a lease or receipt, verified with the keys that the server publishes."""
    keys = {key["kid"]: key for key in app.test_client().get("/.well-known/jwks.json").get_json()["keys"]}
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == ("EdDSA", kind)
    claims: dict[str, Any] = jwt.decode(
        token,
        jwt.PyJWK(keys[header["kid"]]),
        algorithms=["EdDSA"],
        audience="reely-desktop",
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    return claims


def give_tier(person: Person, tier: str, days: int = 365) -> None:
    """Gives somebody a tier, from now on and for so many days, as an administrator would."""
    with person.app.app_context(), unit_of_work(writes=True):
        account = accounts.by_email(person.email)
        assert account is not None
        give(account.id, BY_ID[tier], now() + timedelta(days=days))
