"""The addresses outside the API: who this is, whether it is well, what it offers, and its public keys."""

from __future__ import annotations

from flask import Response, after_this_request, current_app
from pydantic import JsonValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from license_server import openapi
from license_server.config import Config
from license_server.database import db, is_migrated
from license_server.errors import NotFound, Unhealthy
from license_server.http import Room
from license_server.logs import log
from license_server.rate_limits import RateLimiter
from license_server.system import metrics, stats
from license_server.system.schemas import About, Alive, Health, PublicKeys, Stats

room = Room("system", __name__, prefix="")
api = Room("administration", __name__)


@room.serve("GET", "/", access="public")
def about() -> About:
    """Who this is."""
    return About(name="Reely license server", version=current_app.extensions["reely_version"])


@room.serve("GET", "/health", access="public", problems=(Unhealthy,))
def health() -> Health:
    """Whether the server can do its work."""
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        migrated = is_migrated()
    except SQLAlchemyError as error:
        log.error("unhealthy", error=type(error).__name__)
        raise Unhealthy("The database does not answer.", database="failing", migrations="unknown") from None
    if not migrated:
        raise Unhealthy("The database is not migrated.", database="ok", migrations="behind")
    limiter: RateLimiter = current_app.extensions["reely_rate_limiter"]
    redis = limiter.redis_state()
    return Health(status="degraded" if redis == "failing" else "ok", redis=redis)


@room.serve("GET", "/health/ready", access="public", problems=(Unhealthy,))
def ready() -> Health:
    """Whether requests may be sent here: the same as `/health`."""
    return health()


@room.serve("GET", "/health/live", access="public")
def live() -> Alive:
    """Whether the process answers; a database that is away is no reason to start it anew."""
    return Alive()


@room.serve("GET", "/metrics", access="public", problems=(NotFound,), content_type=metrics.CONTENT_TYPE)
def tell_metrics() -> str:
    """Metrics for Prometheus, for who asks from inside: straight from a private network."""
    if not metrics.is_asked_from_inside():
        raise NotFound("There is nothing at this address.")
    return metrics.exposition()


@api.serve("GET", "/system/stats", access="administrator")
def tell_stats() -> Stats:
    """How many there are of everything, and how much waits."""
    return stats.stats()


@room.serve("GET", "/.well-known/jwks.json", access="public")
def jwks() -> PublicKeys:
    """The public keys that leases and receipts are verified with."""
    config: Config = current_app.extensions["reely_config"]

    @after_this_request
    def _may_be_kept(response: Response) -> Response:
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    return PublicKeys(keys=[key.public_jwk for key in config.lease_keys.all()])


@room.serve("GET", "/openapi.json", access="public")
def describe() -> dict[str, JsonValue]:
    """This document."""
    return openapi.document(current_app.extensions["reely_version"])
