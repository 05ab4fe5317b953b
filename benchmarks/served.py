"""The applications that are compared: ours, with limits that no benchmark meets, and a bare one."""

from __future__ import annotations

from datetime import datetime

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, String
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


def bare() -> Flask:
    """Flask and Flask-SQLAlchemy, and one row by its primary key as JSON: the least that a service does."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = Config.from_environment().database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": CONNECTIONS, "pool_pre_ping": True}
    database = SQLAlchemy(app, model_class=Base)

    @app.get("/")
    def alive() -> ResponseReturnValue:
        return "alive"

    @app.get("/rows/<row_id>")
    def row(row_id: str) -> ResponseReturnValue:
        found = database.session.get_one(Row, row_id)
        return jsonify(id=found.id, email=found.email, created_at=found.created_at.isoformat())

    return app
