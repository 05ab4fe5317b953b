"""The server's configuration: typed, frozen, and checked before anything is served."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from license_server.leases.keys import FileKeys, FixedKeys, LeaseKeys


class ConfigError(Exception):
    """The configuration cannot be used; the message names each variable and what is wrong with it."""


class Argon2Cost(BaseModel):
    """argon2id's cost. The default is RFC 9106's second recommendation (64 MiB of memory)."""

    model_config = ConfigDict(frozen=True)

    time_cost: int = 3
    memory_kib: int = 65536
    parallelism: int = 4


class RateLimits(BaseModel):
    """How often one address may call, in Flask-Limiter's notation; one field a kind of call."""

    model_config = ConfigDict(frozen=True)

    everything: str = "1200 per minute"
    sign_up: str = "120 per minute; 2000 per day"
    sign_in: str = "120 per minute; 5000 per day"


def _with_known_driver(url: str) -> str:
    """Hosting platforms hand out `postgres://` addresses; SQLAlchemy wants the driver's name in them."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


class Config(BaseModel):
    """Everything that a deployment decides."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    database_url: Annotated[str, BeforeValidator(_with_known_driver), Field(min_length=1)]
    jwt_secret_key: Annotated[SecretStr, Field(min_length=32)]
    lease_keys: LeaseKeys
    redis_url: str | None = None
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+")] = "http://127.0.0.1:8000"

    access_token_seconds: Annotated[int, Field(gt=0)] = 15 * 60
    refresh_token_days: Annotated[int, Field(gt=0)] = 90
    refresh_retry_seconds: int = 10
    """How long a used refresh token still gives the same answer, for clients that lost it on the way."""
    unlimited_lease_days: Annotated[int, Field(gt=0)] = 14
    lost_device_days: int = 30
    """An account may report one device as lost in so many days."""
    max_body_bytes: Annotated[int, Field(gt=0)] = 1 << 20
    argon2: Argon2Cost = Argon2Cost()
    rate_limits: RateLimits = RateLimits()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Config:
        """The configuration of a deployment: every secret comes from the environment.

        Raises `ConfigError`.
        """
        return _from(environ, {})

    @classmethod
    def embedded(cls, data: Path, environ: Mapping[str, str] = os.environ) -> Config:
        """The configuration of a server that lives in the folder `data`.

        What the environment leaves unset is made there at the first start and kept: the SQLite database, the
        secret of access tokens and the signing key of leases (mode 0600). Raises `ConfigError`.
        """
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(f"--data: {data} cannot be made: {error.strerror}") from error
        defaults: dict[str, object] = {"database_url": f"sqlite:///{data.resolve() / 'reely.sqlite3'}"}
        if not environ.get("JWT_SECRET_KEY"):
            defaults["jwt_secret_key"] = SecretStr(_kept_secret(data / "jwt-secret"))
        if not environ.get("LEASE_SIGNING_KEY"):
            defaults["lease_keys"] = FileKeys.open(data / "lease-keys.json")
        return _from(environ, defaults)


_VARIABLES = {
    "database_url": "DATABASE_URL",
    "jwt_secret_key": "JWT_SECRET_KEY",
    "lease_keys": "LEASE_SIGNING_KEY",
    "redis_url": "REDIS_URL",
    "public_url": "PUBLIC_URL",
}


def _from(environ: Mapping[str, str], defaults: Mapping[str, object]) -> Config:
    values: dict[str, object] = dict(defaults)
    for field, variable in _VARIABLES.items():
        if environ.get(variable):
            values[field] = environ[variable]
    try:
        if isinstance(values.get("lease_keys"), str):
            values["lease_keys"] = FixedKeys.parse(str(values["lease_keys"]))
        return Config.model_validate(values)
    except ValidationError as error:
        faults = [
            f"{_VARIABLES.get(str(fault['loc'][0]), fault['loc'][0])}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigError("; ".join(faults)) from None
    except ValueError as error:
        raise ConfigError(f"LEASE_SIGNING_KEY: {error}") from None


def _kept_secret(path: Path) -> str:
    """The secret kept at `path`, made if there is none yet; readable by its owner alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    return path.read_text("ascii").strip()
