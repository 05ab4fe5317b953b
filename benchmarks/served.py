"""The applications that are compared: ours, with limits that no benchmark meets, and a bare one."""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from license_server import create_app, logs
from license_server.config import Config, RateLimits
from license_server.database import CONNECTIONS

NO_LIMIT = "1000000000 per minute"


class Base(DeclarativeBase):
    """The bare application's own models."""


class Row(Base):
    """The part of an account that the bare application reads."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def ours() -> Flask:
    """Reely's server; calls are counted as ever."""
    logs.configure()
    limits = RateLimits(everything=NO_LIMIT, account=NO_LIMIT)
    return create_app(Config.from_environment().model_copy(update={"rate_limits": limits}))


_LOCK = text("SELECT id FROM accounts WHERE id = :account FOR NO KEY UPDATE")
_COUNT = text(
    "UPDATE usage_stats SET debt = debt WHERE account_id = :account AND meter = 'trim' AND held <= 100"
)
_LOG = text(
    "INSERT INTO usage_log (at, account_id, period_id, meter, change, units)"
    " VALUES (now(), :account, 'none', 'trim', 'nothing', 1)"
)


def bare() -> Flask:
    """Flask and Flask-SQLAlchemy, and one row by its primary key as JSON: the least that a service does.

    Beside it the least that a lease does: one account at a time, one conditional update, a line in the log, a
    signature that is checked and one that is made, and all of it on disk.
    """
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = Config.from_environment().database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": CONNECTIONS, "pool_pre_ping": True}
    database = SQLAlchemy(app, model_class=Base)

    key = Ed25519PrivateKey.generate()
    public, signature = key.public_key(), key.sign(b"a request")

    @app.get("/least/<row_id>")
    def least(row_id: str) -> ResponseReturnValue:
        for statement in (_LOCK, _COUNT, _LOG):
            database.session.execute(statement, {"account": row_id})
        public.verify(signature, b"a request")
        signed = key.sign(row_id.encode())
        database.session.commit()
        return jsonify(id=row_id, signature=signed.hex())

    @app.get("/")
    def alive() -> ResponseReturnValue:
        return "alive"

    @app.get("/rows/<row_id>")
    def row(row_id: str) -> ResponseReturnValue:
        found = database.session.get_one(Row, row_id)
        return jsonify(id=found.id, email=found.email, created_at=found.created_at.isoformat())

    return app
