"""Working off what is due at Stripe: claimed in one transaction, done, and noted as done in the next.

Whoever dies in between loses nothing: it is due again after a while. So what
is done must bear being done twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import stripe
from flask import Flask

from license_server.billing.stripe_client import is_configured, stripe_account
from license_server.errors import BillingUnavailable
from license_server.logs import log


class Claimed(Protocol):
    """One thing that is due, and that nobody else does for a while."""

    @property
    def id(self) -> str:
        """What the log calls it."""
        ...


ClaimedT = TypeVar("ClaimedT", bound=Claimed)


def work_off(
    app: Flask,
    claim: Callable[[], ClaimedT | None],
    do: Callable[[stripe.StripeClient, ClaimedT], None],
    finish: Callable[[ClaimedT], None],
    *,
    failed: str,
) -> None:
    """Does all that is due, if there is a Stripe account. What fails is logged as `failed`, and due later."""
    if not is_configured(app):
        return
    with app.app_context():
        while (claimed := claim()) is not None:
            try:
                with stripe_account() as client:
                    do(client, claimed)
            except BillingUnavailable:
                log.warning(failed, id=claimed.id)
            else:
                finish(claimed)
