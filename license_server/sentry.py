"""Faults of ours to Sentry, where it is configured: what broke and where, and nothing that people sent."""

from __future__ import annotations

from importlib.metadata import version

import sentry_sdk
import structlog
from flask import has_request_context, request
from sentry_sdk.types import Event, Hint

from license_server.config import Config

ENDING_SECONDS = 2.0
_KEPT = frozenset(
    {"event_id", "timestamp", "level", "platform", "release", "environment", "sdk", "exception", "tags"}
)
"""The parts of an event that have nothing of a person in them; what Sentry adds besides is left out."""


def init_app(config: Config) -> None:
    """Reports of this process go to the configured project from now on, or nowhere."""
    if config.sentry_dsn is None:
        return
    sentry_sdk.init(
        dsn=config.sentry_dsn.get_secret_value(),
        environment=config.environment,
        release=f"reely@{version('reely')}",
        # `logs.note_fault` reports; integrations would add requests, queries and more.
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        send_client_reports=False,
        auto_session_tracking=False,
        max_breadcrumbs=0,
        shutdown_timeout=ENDING_SECONDS,
        before_send=_scrub,
    )


def close() -> None:
    """Sends what is still to be sent, and ends Sentry's thread."""
    sentry_sdk.get_client().close(timeout=ENDING_SECONDS)
    sentry_sdk.get_global_scope().set_client(None)


def _scrub(event: Event, _hint: Hint) -> Event:
    """Leaves what we know to be harmless: no message, request, user, host name, or values of variables."""
    kept: Event = {name: part for name, part in event.items() if name in _KEPT}  # type: ignore[assignment]
    for exception in kept.get("exception", {}).get("values", []):
        exception.pop("value", None)
        exception.pop("mechanism", None)
        for frame in exception.get("stacktrace", {}).get("frames", []):
            frame.pop("vars", None)
    bound = structlog.contextvars.get_contextvars()
    tags = {"request_id": str(bound["request_id"])} if "request_id" in bound else {}
    if has_request_context() and request.url_rule is not None:
        tags["route"] = str(request.url_rule)
    kept["tags"] = tags
    return kept
