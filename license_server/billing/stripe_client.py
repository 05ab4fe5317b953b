"""Speaking with Stripe: one client an app, a pinned version, limits on time, and failures as our problem."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe
from flask import Flask, current_app

from license_server.config import Config
from license_server.errors import BillingUnavailable
from license_server.logs import log

API_VERSION = "2026-10-28.endive"
TIMEOUT_SECONDS = (5.0, 20.0)
"""To connect, and between two bytes of the answer."""
RETRIES = 2
RETRY_AFTER_SECONDS = 30

stripe.enable_telemetry = False  # it would keep a file of its own in the home folder


def init_app(app: Flask, config: Config) -> None:
    app.extensions["reely_stripe"] = None
    if config.stripe_secret_key is not None:
        app.extensions["reely_stripe"] = stripe.StripeClient(
            config.stripe_secret_key.get_secret_value(),
            stripe_version=API_VERSION,
            base_addresses={"api": config.stripe_api_base} if config.stripe_api_base else None,
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        )


def is_configured(app: Flask) -> bool:
    """Whether there is a Stripe account that this server sells through."""
    return app.extensions["reely_stripe"] is not None


@contextmanager
def stripe_account() -> Iterator[stripe.StripeClient]:
    """The client of this app's Stripe account.

    Raises `BillingUnavailable` where there is none, or where Stripe does not do what it is asked to. No
    transaction should be open meanwhile, for an answer may take a minute.
    """
    client: stripe.StripeClient | None = current_app.extensions["reely_stripe"]
    if client is None:
        raise BillingUnavailable("This server sells nothing: it has no Stripe account.")
    try:
        yield client
    except stripe.StripeError as error:
        log.error(
            "stripe-failed",
            error=type(error).__name__,
            status=error.http_status,
            code=error.code,
            param=getattr(error, "param", None),
            stripe_request=error.request_id,
        )
        problem = BillingUnavailable("Stripe does not answer as it should. Try again in a while.")
        problem.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        raise problem from error


def is_missing(error: stripe.InvalidRequestError) -> bool:
    """Whether Stripe says that what was named does not exist (any more)."""
    return error.code == "resource_missing"


def id_of(reference: Any) -> str | None:
    """The id of an object that Stripe tells as an id, as the object, or not at all."""
    found = reference if isinstance(reference, str) else getattr(reference, "id", None)
    return found if isinstance(found, str) and found else None
