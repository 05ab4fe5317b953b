"""The server's configuration: typed, frozen, and checked before anything is served."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from redis import Redis
from sentry_sdk.utils import BadDsn, Dsn

from license_server.leases.keys import FileKeys, FixedKeys, LeaseKeys
from license_server.mail.server import MailServer
from license_server.proxies import Network


class ConfigError(Exception):
    """The configuration cannot be used; the message names each variable and what is wrong with it."""


class Argon2Cost(BaseModel):
    """argon2id's cost. The default is RFC 9106's second recommendation (64 MiB of memory)."""

    model_config = ConfigDict(frozen=True)

    time_cost: int = 3
    memory_kib: int = 65536
    parallelism: int = 4


class RateLimits(BaseModel):
    """How often one address may call, in the notation of `limits`; one field a kind of call."""

    model_config = ConfigDict(frozen=True)

    everything: str = "1200 per minute"
    sign_up: str = "120 per minute; 2000 per day"
    mail: str = "30 per minute; 300 per day"
    """Calls that make us write to an address of the caller's choice."""
    sign_in: str = "120 per minute; 5000 per day"
    look_up: str = "120 per minute; 2000 per day"
    """Calls that make us look up a name of the caller's choice."""
    call_out: str = "12 per minute; 500 per day"
    """Calls that wait for an address of the caller's choice to answer."""
    webhook: str = "6000 per minute"
    """Stripe's events, which come from few addresses and many at once when months begin."""
    account: str = "1200 per minute"
    """Calls of one account, from anywhere."""


def _with_known_driver(url: str) -> str:
    """Hosting platforms hand out `postgres://` addresses; SQLAlchemy wants the driver's name in them."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _listed(text: object) -> object:
    """The parts of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")


def _origins(listed: object) -> object:
    for origin in listed if isinstance(listed, tuple) else ():
        if not _ORIGIN.fullmatch(origin):
            raise ValueError("each one has to be scheme://host or scheme://host:port, in lower case")
    return listed


def _networks(listed: object) -> object:
    try:
        return tuple(ipaddress.ip_network(part) for part in listed) if isinstance(listed, tuple) else listed
    except ValueError:
        raise ValueError("each one has to be an address, or a network such as 10.0.0.0/8") from None


def _redis(url: str | None) -> str | None:
    if url is not None:
        try:
            Redis.from_url(url)
        except ValueError:
            raise ValueError("has to be redis://, rediss:// or unix:// with a host or path") from None
    return url


def _dsn(text: SecretStr | None) -> SecretStr | None:
    if text is not None:
        try:
            Dsn(text.get_secret_value())
        except (BadDsn, ValueError):
            raise ValueError("is not the DSN of a Sentry project") from None
    return text


class Config(BaseModel):
    """Everything that a deployment decides."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    database_url: Annotated[str, BeforeValidator(_with_known_driver), Field(min_length=1)]
    jwt_secret_key: Annotated[SecretStr, Field(min_length=32)]
    lease_keys: LeaseKeys
    environment: Literal["production", "development"] = "development"
    redis_url: Annotated[str | None, AfterValidator(_redis)] = None
    sentry_dsn: Annotated[SecretStr | None, AfterValidator(_dsn)] = None
    """Where faults of ours are reported."""
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+")] = "http://127.0.0.1:8000"
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_origins), BeforeValidator(_listed)] = ()
    """Web pages of these origins may call the API."""
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks), BeforeValidator(_listed)] = ()
    """Who is believed about where a request comes from."""
    mail_server: MailServer | None = None
    mail_folder: Path | None = None
    """Where mail is put as files while there is no server for it."""
    stripe_secret_key: SecretStr | None = None
    stripe_webhook_secret: Annotated[tuple[SecretStr, ...], BeforeValidator(_listed)] = ()
    """Several while rotating: an event is good if one of them signed it."""
    stripe_price_pro: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """The first one is sold; the others were, and still give the tier to who pays them."""
    stripe_price_premium: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    stripe_api_base: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")] | None = None
    """Where Stripe's API is; None for Stripe's own address."""
    webhook_networks: Annotated[
        tuple[Network, ...], BeforeValidator(_networks), BeforeValidator(_listed)
    ] = ()
    """Where webhooks may go besides the public internet, and without https: for development only."""

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

        It is one for production, unless `REELY_ENV` says otherwise. Raises `ConfigError`.
        """
        return _from(environ, {"environment": "production"})

    @classmethod
    def embedded(cls, data: Path, environ: Mapping[str, str] = os.environ) -> Config:
        """The configuration of a server that lives in the folder `data`.

        What the environment leaves unset is made there at the first start and kept: the SQLite database, the
        secret of access tokens and the signing key of leases (mode 0600). Where `REELY_ENV` says that this is
        production, nothing is made: a deployment decides all of it. Raises `ConfigError`.
        """
        if environ.get("REELY_ENV") == "production":
            return _from(environ, {"mail_folder": data.resolve() / "mail"})
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(f"--data: {data} cannot be made: {error.strerror}") from error
        defaults: dict[str, object] = {
            "database_url": f"sqlite:///{data.resolve() / 'reely.sqlite3'}",
            "mail_folder": data.resolve() / "mail",
        }
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
    "sentry_dsn": "SENTRY_DSN",
    "public_url": "PUBLIC_URL",
    "environment": "REELY_ENV",
    "cors_origins": "CORS_ORIGINS",
    "trusted_proxies": "TRUSTED_PROXIES",
    "mail_server": "MAIL_URL",
    "webhook_networks": "WEBHOOK_NETWORKS",
    "stripe_secret_key": "STRIPE_SECRET_KEY",
    "stripe_webhook_secret": "STRIPE_WEBHOOK_SECRET",
    "stripe_price_pro": "STRIPE_PRICE_PRO",
    "stripe_price_premium": "STRIPE_PRICE_PREMIUM",
    "stripe_api_base": "STRIPE_API_BASE",
}
_SELLING = ("stripe_secret_key", "stripe_webhook_secret", "stripe_price_pro", "stripe_price_premium")


def _from(environ: Mapping[str, str], defaults: Mapping[str, object]) -> Config:
    values: dict[str, object] = dict(defaults)
    for field, variable in _VARIABLES.items():
        if environ.get(variable):
            values[field] = environ[variable]
    _parse(values, "lease_keys", FixedKeys.parse)
    _parse(values, "mail_server", MailServer.parse)
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        faults = [
            f"{_VARIABLES.get(str(fault['loc'][0]), fault['loc'][0])}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigError("; ".join(faults)) from None
    faults = list(_faults_in_billing(config))
    if config.environment == "production":
        faults += _faults_in_production(config)
    if faults:
        raise ConfigError("; ".join(faults))
    return config


def _parse(values: dict[str, object], field: str, parse: Callable[[str], object]) -> None:
    """Replaces the text of a variable by what it means. Raises `ConfigError`."""
    text = values.get(field)
    if isinstance(text, str):
        try:
            values[field] = parse(text)
        except ValueError as error:
            raise ConfigError(f"{_VARIABLES[field]}: {error}") from None


_PLACEHOLDERS = ("changeme", "change-me", "change_me", "placeholder", "insecure")
_FEWEST_DIFFERENT = 8
"""Characters or bytes; 32 random hexadecimal digits have fewer once in 28 million times."""


def _faults_in_production(config: Config) -> Iterator[str]:
    """What is good enough at home, but not on the internet."""
    if config.database_url.startswith("sqlite"):
        yield "DATABASE_URL: SQLite is not for production; use PostgreSQL"
    if not config.public_url.startswith("https://"):
        yield "PUBLIC_URL: has to begin with https:// in production"
    if config.webhook_networks:
        yield "WEBHOOK_NETWORKS: is for development only; webhooks go to the public internet"
    secret = config.jwt_secret_key.get_secret_value()
    if len(set(secret)) < _FEWEST_DIFFERENT or any(word in secret.lower() for word in _PLACEHOLDERS):
        yield "JWT_SECRET_KEY: can be guessed; use at least 32 random characters"
    yield from _faults_of_stripe_in_production(config)
    if any(len(set(key.private.private_bytes_raw())) < _FEWEST_DIFFERENT for key in config.lease_keys.all()):
        yield "LEASE_SIGNING_KEY: can be guessed; `reely-server keys rotate` makes one"


def _faults_in_billing(config: Config) -> Iterator[str]:
    """Selling takes all of the variables; a server that sells nothing has none of them."""
    missing = [field for field in _SELLING if not getattr(config, field)]
    if 0 < len(missing) < len(_SELLING):
        for field in missing:
            yield f"{_VARIABLES[field]}: is missing, while others of Stripe's are set"
    if set(config.stripe_price_pro) & set(config.stripe_price_premium):
        yield "STRIPE_PRICE_PREMIUM: has a price that STRIPE_PRICE_PRO has too"


def _faults_of_stripe_in_production(config: Config) -> Iterator[str]:
    key = config.stripe_secret_key.get_secret_value() if config.stripe_secret_key else ""
    if key and not key.startswith(("sk_live_", "rk_live_")):
        yield "STRIPE_SECRET_KEY: is no live key; whoever has a test card would pay nothing with it"
    secrets = [secret.get_secret_value() for secret in config.stripe_webhook_secret]
    if any(
        not secret.startswith("whsec_") or len(set(secret.removeprefix("whsec_"))) < _FEWEST_DIFFERENT
        for secret in secrets
    ):
        yield "STRIPE_WEBHOOK_SECRET: can be guessed; copy the endpoint's secret, whsec_..., from Stripe"
    if config.stripe_api_base is not None and not config.stripe_api_base.startswith("https://"):
        yield "STRIPE_API_BASE: has to begin with https:// in production"


def _kept_secret(path: Path) -> str:
    """The secret kept at `path`, made if there is none yet; readable by its owner alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    return path.read_text("ascii").strip()
