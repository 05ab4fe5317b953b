"""The calls of the license server's API that the desktop makes, each a method with typed answers."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from desktop.account.device import DeviceKey
from desktop.account.entries import Spend
from desktop.account.models import Meter
from desktop.account.server import Answer, Server, ServerRefusal
from desktop.account.session import Session
from desktop.account.wire import (
    Device,
    KeySet,
    LeaseAnswer,
    SettleAnswer,
    Tier,
    TierList,
    Usage,
    User,
)
from desktop.account.wire import Session as SessionAnswer

_API = "/api/v1"


class Remote:
    """The server as a signed-in device sees it. Each call raises ReelyError; `now` is Unix seconds."""

    def __init__(self, server: Server, session: Session) -> None:
        self._server = server
        self._session = session

    def register(self, email: str, password: str, full_name: str | None) -> SessionAnswer:
        body = {"email": email, "password": password}
        if full_name is not None:
            body["full_name"] = full_name
        return self._server.post(f"{_API}/auth/register", body, SessionAnswer)

    def login(self, email: str, password: str) -> SessionAnswer:
        return self._server.post(f"{_API}/auth/login", {"email": email, "password": password}, SessionAnswer)

    def logout(self) -> None:
        self._session.authorised(
            lambda token: self._server.command("POST", f"{_API}/auth/logout", bearer=token)
        )

    def me(self) -> User:
        return self._session.authorised(lambda token: self._server.get(f"{_API}/auth/me", User, token))

    def usage(self) -> Usage:
        return self._session.authorised(lambda token: self._server.get(f"{_API}/auth/usage", Usage, token))

    def tiers(self) -> tuple[Tier, ...]:
        return self._server.get(f"{_API}/tiers", TierList).root

    def keys(self) -> KeySet:
        return self._server.get("/.well-known/jwks.json", KeySet)

    def register_device(self, key: DeviceKey) -> Device:
        """This device in the account's list; the same key gives the same device."""
        body = {"name": _device_name(), "platform": _platform(), "public_key": key.public}
        return self._session.authorised(
            lambda token: self._server.post(f"{_API}/devices", body, Device, token)
        )

    def remove_device(self, device_id: str) -> None:
        self._session.authorised(
            lambda token: self._server.command("DELETE", f"{_API}/devices/{device_id}", bearer=token)
        )

    def lease(
        self,
        device_id: str,
        request_id: str,
        wants: Mapping[Meter, int],
        key: DeviceKey,
        now: Callable[[], float],
    ) -> str:
        """A lease token for up to `wants` units; the same request is answered with the same token."""
        body = {
            "device_id": device_id,
            "request_id": request_id,
            "wants": {str(meter): units for meter, units in wants.items()},
        }
        return self._signed(f"{_API}/leases", body, LeaseAnswer, (key, now)).lease

    def settle(
        self,
        lease_id: str,
        spends: Sequence[Spend],
        return_rest: bool,
        key: DeviceKey,
        now: Callable[[], float],
    ) -> SettleAnswer:
        """Report `spends` on one lease, and give back what is left of it if `return_rest`."""
        body = {"spends": [_on_the_wire(spend) for spend in spends], "return_rest": return_rest}
        return self._signed(f"{_API}/leases/{lease_id}/settle", body, SettleAnswer, (key, now))

    def _signed(
        self,
        path: str,
        body: dict[str, Any],
        answer: type[Answer],
        signer: tuple[DeviceKey, Callable[[], float]],
    ) -> Answer:
        key, now = signer

        def send(token: str) -> Answer:
            return self._server.post(
                path,
                body,
                answer,
                bearer=token,
                sign=lambda method, whole_path, data: key.sign_request(method, whole_path, data, now()),
            )

        try:
            return self._session.authorised(send)
        except ServerRefusal as refusal:
            if refusal.server_code != "device-signature-expired":
                raise
        # The refusal told the server's time, so `now` is right from here on.
        return self._session.authorised(send)


def _on_the_wire(spend: Spend) -> dict[str, object]:
    return {
        "spend_id": spend.spend_id,
        "counter": spend.counter,
        "meter": str(spend.meter),
        "at": spend.at,
        "prev_hash": spend.prev_hash,
        "hash": spend.hash,
        "job": spend.job,
    }


def _device_name() -> str:
    name = "".join(char for char in platform.node() if char.isprintable()).strip()
    return name[:100] or "This computer"


def _platform() -> str:
    return f"{platform.system()} {platform.machine()}".strip()[:100] or "unknown"
