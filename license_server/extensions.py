"""The Flask extensions, made ready for one app: database, access tokens, rate limits."""

from __future__ import annotations

from flask import Flask, current_app, request
from flask_cors import CORS
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits.storage import MemoryStorage

from license_server import database, http
from license_server.accounts import access_tokens
from license_server.config import Config
from license_server.proxies import TrustedProxies


def init_app(app: Flask, config: Config) -> None:
    database.init_app(app, config)
    access_tokens.init_app(app, config)
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
    Limiter(
        get_remote_address,
        app=app,
        application_limits=[config.rate_limits.everything],
        default_limits=[_limit_of_this_call],
        storage_uri=config.redis_url or "memory://",
        in_memory_fallback_enabled=config.redis_url is not None,
        headers_enabled=True,
        strategy="moving-window",
    )


def _limit_of_this_call() -> str:
    """The limit that the endpoint's declaration names, or the general one."""
    config: Config = current_app.extensions["reely_config"]
    name = http.rate_limit_of(request.endpoint)
    return str(getattr(config.rate_limits, name))


def close(app: Flask) -> None:
    """Gives back what the app holds: database connections, and the timer that forgets old requests."""
    with app.app_context():
        database.db.engine.dispose()
    for limiter in app.extensions["limiter"]:
        if isinstance(limiter.storage, MemoryStorage):
            limiter.storage.timer.join()
