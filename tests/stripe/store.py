"""What exists at the stand-in: every object by id, and every event that told of a change."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from tests.stripe.clock import Clock
from tests.stripe.protocol import Json, missing

API_VERSION = "2026-10-28.endive"
_PREFIXES = {
    "customer": "cus",
    "product": "prod",
    "price": "price",
    "subscription": "sub",
    "subscription_item": "si",
    "invoice": "in",
    "line_item": "il",
    "invoice_payment": "inpay",
    "payment_intent": "pi",
    "payment_method": "pm",
    "charge": "ch",
    "refund": "re",
    "dispute": "du",
    "checkout.session": "cs_test",
    "billing_portal.session": "bps",
    "event": "evt",
}


class Store:
    """Objects as Stripe shows them, oldest first. Whoever uses it holds the stand-in's lock."""

    def __init__(self, clock: Clock, emit: Callable[[Json], None]) -> None:
        self.clock = clock
        self._emit = emit
        self._objects: dict[str, Json] = {}

    def seconds(self) -> int:
        return int(self.clock().timestamp())

    def add(self, kind: str, id: str | None = None, /, **values: Any) -> Json:
        """A new object; its id is made up where none is given."""
        name = id or f"{_PREFIXES[kind]}_{secrets.token_hex(12)}"
        made = {"id": name, "object": kind, "created": self.seconds(), "livemode": False, **values}
        self._objects[name] = made
        return made

    def find(self, id: str) -> Json | None:
        return self._objects.get(id)

    def get(self, kind: str, id: str, param: str = "id", status: int = 404) -> Json:
        """Raises the refusal of something that does not exist."""
        found = self._objects.get(id)
        if found is None or found["object"] != kind:
            raise missing(kind, id, param, status)
        return found

    def all(self, kind: str, **values: Any) -> Iterator[Json]:
        """Every object of a kind with these values, newest first; None is any value."""
        for each in reversed(list(self._objects.values())):
            if each["object"] == kind and all(
                value is None or each.get(key) == value for key, value in values.items()
            ):
                yield each

    def tell(self, type: str, about: Json, previous: Json | None = None) -> None:
        """Makes an event of what happened to an object, with the object as it is at this moment."""
        data: Json = {"object": copy.deepcopy(about)}
        if previous is not None:
            data["previous_attributes"] = previous
        self._emit(
            self.add(
                "event",
                type=type,
                api_version=API_VERSION,
                data=data,
                pending_webhooks=1,
                request={"id": None, "idempotency_key": None},
            )
        )
