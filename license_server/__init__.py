"""The license server: who a creator is, what they pay, and how much they may do this month."""

from __future__ import annotations

from importlib.metadata import version

from flask import Flask

from license_server import errors, extensions, http, logs
from license_server.accounts.views import accounts
from license_server.clock import Clock, utc_now
from license_server.config import Config
from license_server.devices.views import devices
from license_server.jobs.views import jobs
from license_server.leases.views import leases
from license_server.system.views import system
from license_server.tiers.views import tiers
from license_server.usage.views import usage

ROOMS = (accounts, tiers, usage, devices, leases, jobs)


def create_app(config: Config | None = None, clock: Clock = utc_now) -> Flask:
    """The WSGI application. Without a `config`, it comes from the environment (raises `ConfigError`).

    `clock` is the only source of "now" in the whole server, so that tests can live through a year.
    The database is expected to be migrated: see `license_server.database.migrate_database`.
    """
    if config is None:
        logs.configure()
        config = Config.from_environment()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["reely_config"] = config
    app.extensions["reely_clock"] = clock
    app.extensions["reely_version"] = version("reely")
    logs.init_app(app)
    http.init_app(app)
    errors.init_app(app)
    extensions.init_app(app, config)
    for room in ROOMS:
        app.register_blueprint(room, url_prefix="/api/v1")
    app.register_blueprint(system)
    return app
