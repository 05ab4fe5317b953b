"""What one app is made ready with: database, access tokens, rate limits, proxies, CORS, Sentry."""

from __future__ import annotations

from flask import Flask
from flask_cors import CORS

from license_server import database, rate_limits, sentry
from license_server.accounts import access_tokens
from license_server.billing import stripe_client
from license_server.config import Config
from license_server.proxies import TrustedProxies


def init_app(app: Flask, config: Config) -> None:
    database.init_app(app, config)
    access_tokens.init_app(app, config)
    stripe_client.init_app(app, config)
    if config.trusted_proxies:
        app.wsgi_app = TrustedProxies(app.wsgi_app, config.trusted_proxies)  # type: ignore[method-assign]
    if config.cors_origins:
        CORS(
            app,
            resources={"/api/*": {}},
            origins=list(config.cors_origins),
            methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
            max_age=600,
        )
    rate_limits.init_app(app, config)
    sentry.init_app(config)


def close(app: Flask) -> None:
    """Gives back what the app holds: connections to the database and to Redis, and Sentry's thread."""
    with app.app_context():
        database.db.engine.dispose()
    app.extensions["reely_rate_limiter"].close()
    sentry.close()
