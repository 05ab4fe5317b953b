"""64 devices at work for a minute while PostgreSQL is killed in the middle: no unit is lost or doubled."""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench_server import API, clients
from server_stage import DEVICE_KEY, Stage, account_id, device_id, gunicorn, lease_id, stage
from tests.license_server.actors import base64url, make_spend

SECONDS = 60.0
ACCOUNTS = 32
"""Each with two devices, which race for its units."""
AWAY_SECONDS = 3.0


@dataclass
class Device:
    """A device that never gives up: what is not answered is asked again, with the very same words."""

    number: int
    token: str
    port: int
    key: Ed25519PrivateKey
    id: str
    spent: list[str] = field(default_factory=list)
    refused: int = 0
    retried: int = 0

    def call(self, path: str, body: object) -> tuple[int, Any]:
        raw = json.dumps(body).encode()
        while True:
            try:
                status, answer = self._once(path, raw)
            except (OSError, http.client.HTTPException):
                status, answer = 503, None
            if status < 500:
                return status, answer
            self.retried += 1
            time.sleep(0.2)

    def _once(self, path: str, raw: bytes) -> tuple[int, Any]:
        seconds = int(time.time())
        message = f"{seconds}\nPOST\n{API}{path}\n{hashlib.sha256(raw).hexdigest()}".encode()
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Reely-Device-Signature": f"t={seconds},v1={base64url(self.key.sign(message))}",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", API + path, raw, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def live(self, until: float) -> None:
        while time.monotonic() < until:
            wanted = {"device_id": self.id, "request_id": uuid.uuid4().hex, "wants": {"trim": 2}}
            status, answer = self.call("/leases", wanted)
            if status == 403:
                self.refused += 1
                time.sleep(0.5)
                continue
            assert status == 200, answer
            self.spend(jwt.decode(answer["lease"], options={"verify_signature": False}))

    def spend(self, lease: dict[str, Any]) -> None:
        """Spends all but a unit, reports it twice, and gives the rest back."""
        spends: list[dict[str, Any]] = []
        for counter in range(1, max(1, lease["grants"]["trim"] - 1) + 1):
            before = spends[-1]["hash"] if spends else "0" * 64
            spends.append(make_spend(lease["jti"], counter, before, "trim", datetime.now(UTC)))
        for rest in (False, True):
            status, answer = self.call(
                f"/leases/{lease['jti']}/settle", {"spends": spends, "return_rest": rest}
            )
            assert status == 200, answer
            assert all(result["outcome"] != "rejected" for result in answer["results"]), answer
        self.spent += [spend["spend_id"] for spend in spends]


def _devices(here: Stage, port: int) -> list[Device]:
    found = []
    for client in clients(here.config("restart"), range(ACCOUNTS)):
        first = Device(client.number, client.token, port, DEVICE_KEY, device_id(client.number))
        key = Ed25519PrivateKey.generate()
        public = base64url(key.public_key().public_bytes_raw())
        status, answer = first.call("/devices", {"name": "Second", "platform": "linux", "public_key": public})
        assert status == 201, answer
        found += [first, Device(client.number, client.token, port, key, answer["id"])]
    return found


def main() -> None:
    """Print how many units went through, and end with a fault if one was lost or doubled."""
    with stage() as here:
        here.make_database("restart", ACCOUNTS, "pro")
        with gunicorn("served:ours()", here.environment("restart")) as port:
            devices = _devices(here, port)
            until = time.monotonic() + SECONDS
            threads = [threading.Thread(target=device.live, args=(until,)) for device in devices]
            for thread in threads:
                thread.start()
            time.sleep(SECONDS / 2)
            here.cluster.halt()
            time.sleep(AWAY_SECONDS)
            here.cluster.resume()
            for thread in threads:
                thread.join()
        faults = _faults(here, devices)
    print(
        f"{len(devices)} devices, {SECONDS:.0f} s, PostgreSQL killed and away for {AWAY_SECONDS:.0f} s:"
        f" {sum(len(device.spent) for device in devices)} units settled,"
        f" {sum(device.retried for device in devices)} calls repeated,"
        f" {sum(device.refused for device in devices)} refused for want of quota, {len(faults)} faults"
    )
    if faults:
        sys.exit("\n".join(faults))


def _faults(here: Stage, devices: list[Device]) -> list[str]:
    """What the database says differently from the devices."""
    faults = []
    before = [lease_id(number) for number in range(ACCOUNTS)]
    with psycopg.connect(f"host={here.cluster.folder} user=reely dbname=restart") as connection:
        # Each account comes with one spend of each meter, which no device here has made.
        rows = connection.execute("SELECT id, account_id FROM spends WHERE lease_id <> ALL(%s)", (before,))
        settled = {str(spend): str(owner) for spend, owner in rows}
        ledgers = {
            str(owner): numbers
            for owner, *numbers in connection.execute(
                "SELECT account_id, granted, settled, held, returned, expired, excess FROM usage_stats"
                " WHERE meter = 'trim'"
            )
        }
        forks = connection.execute("SELECT count(*) FROM forked_spends").fetchone()
    spent = {spend: account_id(device.number) for device in devices for spend in device.spent}
    if spent != settled:
        lost, invented = set(spent) - set(settled), set(settled) - set(spent)
        faults.append(f"{len(lost)} units lost, {len(invented)} invented")
    if forks != (0,):
        faults.append(f"{forks} spends taken for forks")
    for number in range(ACCOUNTS):
        granted, counted, held, returned, expired, excess = ledgers[account_id(number)]
        own = 1 + sum(owner == account_id(number) for owner in spent.values())
        right = (counted, held, expired, excess) == (own, 0, 0, 0) and granted == counted + returned
        if not right or counted > 100:
            faults.append(f"account {number}: {ledgers[account_id(number)]} for {own} units")
    return faults


if __name__ == "__main__":
    main()
