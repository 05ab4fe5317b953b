"""The command `reely-server`: run the server, migrate its database, rotate its keys, help its people."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from license_server import create_app, extensions, logs, openapi, serving
from license_server.accounts import service as accounts
from license_server.accounts.models import Account
from license_server.api_keys import service as api_keys
from license_server.background import celery_worker, loop
from license_server.clock import now
from license_server.config import Config, ConfigError
from license_server.database import migrate_database, unit_of_work
from license_server.leases.keys import FileKeys, new_seed
from license_server.system.service import record
from license_server.tiers.catalogue import BY_ID
from license_server.tiers.service import give
from license_server.webhooks import service as webhooks

DEFAULT_DATA = Path.home() / ".reely-server"


def _data_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_DATA,
        show_default=True,
        help="Folder of what the environment leaves unset: database, secret, signing keys.",
    )(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Reely's license server."""
    logs.configure()


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 picks a free one."
)
@_data_option
def run(host: str, port: int, data: Path) -> None:
    """Migrate the database, then serve until told to stop."""
    config = _config(data)
    try:
        listener = serving.listen(host, port)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error
    if "public_url" not in config.model_fields_set:
        config = config.model_copy(update={"public_url": serving.address_from_here(listener)})
    app = create_app(config)
    _migrated(app)
    with loop.running(app):
        serving.serve(app, listener)


@main.command()
@_data_option
def worker(data: Path) -> None:
    """Send mail and webhooks, settle with Stripe, and forget what is old, until told to stop.

    With REDIS_URL as a Celery worker, of which there may be any number; without, in this process.
    """
    config = _config(data)
    app = create_app(config)
    try:
        if config.redis_url is not None:
            sys.exit(celery_worker.work(app, config.redis_url))
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        loop.work(app, stop)
    finally:
        extensions.close(app)


@main.command()
@_data_option
def migrate(data: Path) -> None:
    """Bring the database up to the newest migration."""
    _migrated(_app(data))
    click.echo("The database is up to date.")


@main.command("openapi")
def print_openapi() -> None:
    """Print the OpenAPI document."""
    click.echo(json.dumps(openapi.document(version("reely")), indent=2, ensure_ascii=False))


@main.group()
def keys() -> None:
    """The keys that sign leases."""


@keys.command()
@_data_option
def rotate(data: Path) -> None:
    """Sign with a new key from now on; leases that are out stay valid."""
    if os.environ.get("LEASE_SIGNING_KEY"):
        click.echo(
            "The keys come from the environment. Put this new one in front of them, and restart:", err=True
        )
        click.echo(f"LEASE_SIGNING_KEY={new_seed()},<the present value>")
        return
    _config(data)
    key = FileKeys.open(data / "lease-keys.json").rotate(datetime.now(UTC))
    click.echo(f"Leases are signed with the key {key.kid} from now on.")


@main.group()
def admin() -> None:
    """What administrators do for people; all of it goes to the audit log."""


@admin.command()
@click.argument("email")
@click.argument("role", type=click.Choice(["admin", "user"]))
@_data_option
def role(email: str, role: str, data: Path) -> None:
    """Make the account with EMAIL an administrator, or a user again."""
    with _account(data, email) as account:
        account.role = role
        record("admin.role-changed", account.id, role=role, by="command line")
    click.echo(f"The account is now: {role}.")


@admin.command()
@click.argument("email")
@click.argument("tier", type=click.Choice(list(BY_ID)))
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    required=True,
    help="When the gift ends (UTC).",
)
@_data_option
def gift(email: str, tier: str, until: datetime, data: Path) -> None:
    """Give the account with EMAIL a TIER for nothing, until a date; `free` ends an earlier gift."""
    until = until.replace(tzinfo=UTC)
    with _account(data, email) as account:
        if until <= now():
            raise click.BadParameter("is in the past", param_hint="--until")
        give(account.id, BY_ID[tier], until)
        api_keys.revoke_beyond_tier(account.id)
        webhooks.end_beyond_tier(account.id)
        record("admin.tier-given", account.id, tier=tier, until=until.isoformat(), by="command line")
    click.echo(f"The account has {tier} until {until:%Y-%m-%d %H:%M} UTC.")


def _config(data: Path) -> Config:
    try:
        return Config.embedded(data)
    except ConfigError as error:
        raise click.ClickException(f"the configuration is not right: {error}") from error


def _app(data: Path) -> Flask:
    return create_app(_config(data))


def _migrated(app: Flask) -> None:
    try:
        migrate_database(app)
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database cannot be migrated ({type(error).__name__})") from error


@contextmanager
def _account(data: Path, email: str) -> Iterator[Account]:
    """The account with that address, in a unit of work of its own."""
    app = _app(data)
    _migrated(app)
    with app.app_context(), unit_of_work(writes=True):
        account = accounts.by_email(email)
        if account is None:
            raise click.ClickException(f"there is no account with the address {email}")
        yield account
