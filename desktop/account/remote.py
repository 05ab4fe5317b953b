"""The calls of the license server's API that the desktop makes, each a method with typed answers."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from desktop.account.device import DeviceKey
from desktop.account.entries import Spend
from desktop.account.failures import Failure
from desktop.account.models import Meter
from desktop.account.server import Answer, Server, ServerRefusal
from desktop.account.session import Session
from desktop.account.wire import (
    Checkout,
    Device,
    DevicePage,
    KeySet,
    LeaseAnswer,
    Portal,
    SessionEntry,
    SessionPage,
    SettleAnswer,
    Subscription,
    Tier,
    TierList,
    Usage,
    User,
)
from desktop.account.wire import Session as SessionAnswer

_API = "/api/v1"
_MOST_PARTS = 100  # of a list, so that one without end ends

ItemT = TypeVar("ItemT", covariant=True)  # noqa: PLC0105 - the name says what, not how


class _Part(Protocol[ItemT]):
    """A part of a list, and where the next begins."""

    @property
    def items(self) -> tuple[ItemT, ...]: ...
    @property
    def next(self) -> str | None: ...


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
        self._command("POST", "/auth/logout")

    def me(self) -> User:
        return self._get("/auth/me", User)

    def delete_account(self, password: str) -> None:
        self._command("DELETE", "/auth/me", {"password": password})

    def change_password(self, current: str, new: str) -> None:
        self._command("POST", "/auth/change-password", {"current_password": current, "new_password": new})

    def forgot_password(self, email: str) -> None:
        self._server.command("POST", f"{_API}/auth/forgot-password", {"email": email})

    def resend_verification(self) -> None:
        self._command("POST", "/auth/resend-verification")

    def sessions(self) -> list[SessionEntry]:
        return list(_items(lambda cursor: self._get(f"/auth/sessions{cursor}", SessionPage)))

    def end_session(self, session_id: str) -> None:
        self._command("DELETE", f"/auth/sessions/{quote(session_id, safe='')}")

    def usage(self) -> Usage:
        return self._get("/auth/usage", Usage)

    def tiers(self) -> tuple[Tier, ...]:
        return self._server.get(f"{_API}/tiers", TierList).root

    def keys(self) -> KeySet:
        return self._server.get("/.well-known/jwks.json", KeySet)

    def register_device(self, key: DeviceKey) -> Device:
        """This device in the account's list; the same key gives the same device."""
        body = {"name": _device_name(), "platform": _platform(), "public_key": key.public}
        return self._post("/devices", body, Device)

    def devices(self) -> list[Device]:
        return list(_items(lambda cursor: self._get(f"/devices{cursor}", DevicePage)))

    def rename_device(self, device_id: str, name: str) -> None:
        self._command("PUT", f"/devices/{quote(device_id, safe='')}", {"name": name})

    def remove_device(self, device_id: str) -> None:
        self._command("DELETE", f"/devices/{quote(device_id, safe='')}")

    def report_lost(self, device_id: str) -> None:
        self._command("POST", f"/devices/{quote(device_id, safe='')}/lost")

    def checkout(self, tier: str) -> Checkout:
        return self._post("/payments/create-checkout", {"tier": tier}, Checkout)

    def portal(self) -> Portal:
        return self._post("/payments/create-portal", None, Portal)

    def subscription(self) -> Subscription:
        return self._get("/payments/subscription-status", Subscription)

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
        failures: Sequence[Failure],
        *,
        return_rest: bool,
        key: DeviceKey,
        now: Callable[[], float],
    ) -> SettleAnswer:
        """Report `spends` on one lease and what failed, and give back what is left of it if `return_rest`."""
        body: dict[str, Any] = {
            "spends": [_on_the_wire(spend) for spend in spends],
            "return_rest": return_rest,
        }
        if failures:  # servers of before do not know the word
            body["failures"] = [
                {"spend_id": each.spend_id, "meter": str(each.meter), "at": each.at, "job": each.job}
                for each in failures
            ]
        return self._signed(f"{_API}/leases/{lease_id}/settle", body, SettleAnswer, (key, now))

    def _get(self, path: str, answer: type[Answer]) -> Answer:
        return self._session.authorised(lambda token: self._server.get(f"{_API}{path}", answer, token))

    def _post(self, path: str, body: dict[str, Any] | None, answer: type[Answer]) -> Answer:
        return self._session.authorised(lambda token: self._server.post(f"{_API}{path}", body, answer, token))

    def _command(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        self._session.authorised(
            lambda token: self._server.command(method, f"{_API}{path}", body, bearer=token)
        )

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


def _items(part: Callable[[str], _Part[ItemT]]) -> Iterator[ItemT]:
    """Everything in a list that comes in parts; `part` takes the query string that asks for one."""
    query = ""
    for _ in range(_MOST_PARTS):
        found = part(query)
        yield from found.items
        if found.next is None:
            return
        query = f"?cursor={quote(found.next, safe='')}"


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
