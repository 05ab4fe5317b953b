"""The addresses outside the API: who this is, whether it is well, and the public keys of leases."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from license_server.config import Config
from license_server.database import db, is_migrated
from license_server.logs import log
from license_server.system.schemas import About, Health, PublicKeys

system = Blueprint("system", __name__)


@system.get("/")
def about() -> Response:
    """Who this is."""
    return _json(About(name="Reely license server", version=current_app.extensions["reely_version"]))


@system.get("/health")
def health() -> Response:
    """Whether the server can do its work: 200, or 503 with what is failing."""
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        migrated = is_migrated()
    except SQLAlchemyError as error:
        log.error("unhealthy", error=type(error).__name__)
        return _json(Health(status="failing", database="failing", migrations="unknown"), status=503)
    if not migrated:
        return _json(Health(status="failing", database="ok", migrations="behind"), status=503)
    return _json(Health(status="ok", database="ok", migrations="ok"))


@system.get("/.well-known/jwks.json")
def jwks() -> Response:
    """The public keys that leases and receipts are verified with."""
    config: Config = current_app.extensions["reely_config"]
    response = _json(PublicKeys(keys=[key.public_jwk for key in config.lease_keys.all()]))
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def _json(answer: About | Health | PublicKeys, status: int = 200) -> Response:
    return Response(answer.model_dump_json(), status=status, content_type="application/json")
