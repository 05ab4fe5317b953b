"""Leases, settles and usage under load, against one row read by bare Flask on the same set-up."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

import jwt

from license_server import create_app
from license_server.accounts import access_tokens
from license_server.config import Config
from license_server.extensions import close
from load import Load, request, send
from server_stage import DEVICE_KEY, account_id, device_id, gunicorn, session_id, stage
from side_by_side import machine
from tests.license_server.actors import base64url, make_spend

API = "/api/v1"
ACCOUNTS, REQUESTS, PAIRS = 1000, 400, 5


@dataclass(frozen=True)
class Client:
    """An account with its token, and the device that signs."""

    number: int
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def signed(self, path: str, body: object) -> bytes:
        raw = json.dumps(body).encode()
        seconds = int(time.time())
        message = f"{seconds}\nPOST\n{API}{path}\n{hashlib.sha256(raw).hexdigest()}".encode()
        signature = f"t={seconds},v1={base64url(DEVICE_KEY.sign(message))}"
        return request("POST", API + path, {**self.headers, "Reely-Device-Signature": signature}, raw)

    def usage(self) -> bytes:
        return request("GET", f"{API}/auth/usage", self.headers)

    def lease(self) -> bytes:
        body = {"device_id": device_id(self.number), "request_id": uuid.uuid4().hex, "wants": {"trim": 1}}
        return self.signed("/leases", body)

    def settle(self, lease: str) -> bytes:
        """Reports the one spend of a lease that was just given."""
        lease_id = jwt.decode(lease, options={"verify_signature": False})["jti"]
        spend = make_spend(lease_id, 1, "0" * 64, "trim", datetime.now(UTC), {"title": "A clip"})
        return self.signed(f"/leases/{lease_id}/settle", {"spends": [spend], "return_rest": False})


def clients(config: Config, numbers: Sequence[int]) -> list[Client]:
    """The clients of accounts, with tokens as the server would have given them."""
    app = create_app(config)
    with app.app_context():
        at = datetime.now(UTC)
        made = [Client(n, access_tokens.issue(account_id(n), session_id(n), at)) for n in numbers]
    close(app)
    return made


@dataclass(frozen=True)
class Pair:
    """Our load and the bare one right after it."""

    ours: Load
    bare: Load


def tell(what: str, pairs: Sequence[Pair]) -> None:
    """One line of figures: medians, and the ratios with their smallest and largest."""
    speed = sorted(pair.ours.throughput / pair.bare.throughput for pair in pairs)
    late = sorted(pair.ours.p99 / pair.bare.p99 for pair in pairs)
    print(
        f"{what}: {median(pair.ours.throughput for pair in pairs):.0f}/s"
        f" against {median(pair.bare.throughput for pair in pairs):.0f}/s,"
        f" {median(speed):.2f} x ({speed[0]:.2f} to {speed[-1]:.2f});"
        f" 99th percentile {median(pair.ours.p99 for pair in pairs) * 1000:.0f} ms"
        f" against {median(pair.bare.p99 for pair in pairs) * 1000:.0f} ms,"
        f" {median(late):.2f} x ({late[0]:.2f} to {late[-1]:.2f})"
    )


def main() -> None:
    """Print throughput and latency of each call beside those of the bare row."""
    with stage() as here:
        here.make_database("small", ACCOUNTS, "pro")
        environment = here.environment("small")
        people = clients(here.config("small"), range(ACCOUNTS))
        turn = [people[number % ACCOUNTS] for number in range(REQUESTS)]
        rows = [request("GET", f"/rows/{account_id(client.number)}", {}) for client in turn]
        least = [request("GET", f"/least/{account_id(client.number)}", {}) for client in turn]
        pairs: dict[str, list[Pair]] = {"usage": [], "lease": [], "settle": [], "least of a lease": []}
        with gunicorn("served:bare()", environment) as bare, gunicorn("served:ours()", environment) as ours:
            send(bare, rows[:200])
            send(ours, [client.usage() for client in turn[:200]])
            for _ in range(PAIRS):
                pairs["usage"].append(Pair(send(ours, [client.usage() for client in turn]), send(bare, rows)))
                leases = send(ours, [client.lease() for client in turn])
                pairs["lease"].append(Pair(leases, send(bare, rows)))
                tokens = [str(json.loads(body)["lease"]) for body in leases.bodies]
                settles = [client.settle(token) for client, token in zip(turn, tokens, strict=True)]
                pairs["settle"].append(Pair(send(ours, settles), send(bare, rows)))
                pairs["least of a lease"].append(Pair(send(bare, least), send(bare, rows)))
    print(f"gunicorn with 2 workers, PostgreSQL, Redis; {machine()}")
    for what, found in pairs.items():
        tell(what, found)


if __name__ == "__main__":
    main()
