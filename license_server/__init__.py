"""The license server: who a creator is, what they pay, and how much they may do this month."""

from __future__ import annotations

from importlib.metadata import version

from flask import Flask

from license_server import errors, extensions, http, logs
from license_server.accounts import pages as account_pages
from license_server.accounts import views as accounts_views
from license_server.api_keys import views as api_keys_views
from license_server.billing import pages as billing_pages
from license_server.billing import views as billing_views
from license_server.clock import Clock, utc_now
from license_server.config import Config
from license_server.devices import views as devices_views
from license_server.jobs import views as jobs_views
from license_server.leases import views as leases_views
from license_server.system import metrics, reference
from license_server.system import views as system_views
from license_server.tiers import views as tiers_views
from license_server.usage import views as usage_views
from license_server.webhooks import views as webhooks_views
from license_server.webhooks.courier import Courier
from license_server.webhooks.reach import Reach

ROOMS = (
    accounts_views.room,
    api_keys_views.room,
    billing_views.room,
    tiers_views.room,
    usage_views.room,
    devices_views.room,
    leases_views.room,
    jobs_views.room,
    webhooks_views.room,
    system_views.room,
    system_views.api,
)


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
    app.url_map.strict_slashes = False  # an address means the same with a slash at its end
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["reely_config"] = config
    app.extensions["reely_clock"] = clock
    app.extensions["reely_version"] = version("reely")
    app.extensions["reely_courier"] = Courier(Reach(config.webhook_networks))
    logs.init_app(app)
    http.init_app(app)
    metrics.init_app(app)
    errors.init_app(app)
    extensions.init_app(app, config)
    for room in ROOMS:
        app.register_blueprint(room)
    app.register_blueprint(account_pages.room)
    app.register_blueprint(billing_pages.room)
    app.register_blueprint(reference.room)
    return app
