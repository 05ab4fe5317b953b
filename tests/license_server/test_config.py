"""The configuration is checked before anything is served, and what it says is done."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, request

from license_server import config as configuration
from license_server.config import Config, ConfigError
from license_server.leases.keys import new_seed
from license_server.mail.server import Encryption, MailServer

SQLITE = "sqlite:////tmp/reely.sqlite3"
COUNTING = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"  # the bytes 0 to 31
ZEROS = "A" * 43  # 32 zero bytes in base64url
RIGHT = {
    "JWT_SECRET_KEY": secrets.token_urlsafe(48),
    "DATABASE_URL": "postgresql://reely:pass@db/reely",
    "LEASE_SIGNING_KEY": new_seed(),
    "PUBLIC_URL": "https://license.example.com",
}


def test_a_deployment_with_everything_right_is_taken() -> None:
    config = Config.from_environment(RIGHT)
    assert config.environment == "production"
    assert config.database_url == "postgresql+psycopg://reely:pass@db/reely"


@pytest.mark.parametrize("variable", sorted(RIGHT))
def test_production_needs_each_of_its_variables(variable: str) -> None:
    with pytest.raises(ConfigError, match=variable):
        Config.from_environment({name: value for name, value in RIGHT.items() if name != variable})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JWT_SECRET_KEY", "short"),
        ("JWT_SECRET_KEY", "a" * 64),
        ("JWT_SECRET_KEY", "abcdefg" * 8),
        ("JWT_SECRET_KEY", "please-change-me-please-0123456789-abcdef"),
        ("LEASE_SIGNING_KEY", ZEROS),
        ("LEASE_SIGNING_KEY", f"{COUNTING},{ZEROS}"),
        ("LEASE_SIGNING_KEY", "nonsense"),
        ("DATABASE_URL", SQLITE),
        ("PUBLIC_URL", "http://license.example.com"),
        ("REELY_ENV", "staging"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://app.example.com/path"),
        ("CORS_ORIGINS", "https://good.example, javascript:alert(1)"),
        ("TRUSTED_PROXIES", "everybody"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("REDIS_URL", "http://cache.example.com"),
        ("REDIS_URL", "localhost:6379"),
        ("SENTRY_DSN", "https://sentry.example.com/42"),
        ("SENTRY_DSN", "nonsense"),
        ("MAIL_URL", "http://mail.example.com"),
        ("MAIL_URL", "smtp://"),
        ("MAIL_URL", "smtp://mail.example.com:99999"),
        ("MAIL_URL", "smtp://mail.example.com?from=nobody"),
        ("MAIL_URL", "smtp://mail.example.com?tls=no"),
    ],
)
def test_what_is_not_right_is_named_without_its_value(variable: str, value: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        Config.from_environment({**RIGHT, variable: value})
    assert str(refusal.value).startswith(f"{variable}: ")
    assert value not in str(refusal.value)


def test_everything_that_is_not_for_production_is_told_at_once() -> None:
    weak = {
        "JWT_SECRET_KEY": "x" * 40,
        "DATABASE_URL": SQLITE,
        "LEASE_SIGNING_KEY": ZEROS,
        "PUBLIC_URL": "http://x",
    }
    with pytest.raises(ConfigError) as refusal:
        Config.from_environment(weak)
    assert all(variable in str(refusal.value) for variable in weak)
    assert Config.from_environment({**weak, "REELY_ENV": "development"}).public_url == "http://x"


def test_the_command_makes_nothing_up_where_this_is_production(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="JWT_SECRET_KEY"):
        Config.embedded(tmp_path / "data", {"REELY_ENV": "production"})
    config = Config.embedded(tmp_path / "data", {**RIGHT, "REELY_ENV": "production"})
    assert config.mail_folder == tmp_path / "data" / "mail"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://localhost", MailServer("localhost", 25, Encryption.WHERE_OFFERED)),
        ("smtps://mail.example.com", MailServer("mail.example.com", 465, Encryption.FROM_THE_START)),
        ("starttls://mail.example.com", MailServer("mail.example.com", 587, Encryption.STARTTLS)),
        (
            "smtp+starttls://ada%40example.com:p%3Aw@[::1]:2525/?from=hello@example.com",
            MailServer("::1", 2525, Encryption.STARTTLS, "ada@example.com", "p:w", "hello@example.com"),
        ),
    ],
)
def test_a_mail_url_says_where_and_how(url: str, expected: MailServer) -> None:
    found = Config.from_environment({**RIGHT, "MAIL_URL": url}).mail_server
    assert found == expected
    assert "p:w" not in repr(found)


def test_every_variable_is_told_in_the_example() -> None:
    example = Path(".env.example").read_text("utf-8").splitlines()
    assert [name for name in configuration._VARIABLES.values() if f"{name}=" not in example] == []


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.1.2.3", None, "10.1.2.3"),
        ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "6.6.6.6, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.1.2.3", "10.8.8.8, 10.9.9.9", "10.8.8.8"),
        ("10.1.2.3", "198.51.100.1, nonsense", "10.1.2.3"),
        ("::ffff:10.1.2.3", "2001:DB8::1", "2001:db8::1"),
        ("fd00::1", "198.51.100.1", "198.51.100.1"),
    ],
)
def test_only_listed_proxies_are_believed_about_who_calls(
    config: Config, start: Callable[[Config], Flask], peer: str, forwarded: str | None, seen: str
) -> None:
    networks = Config.from_environment({**RIGHT, "TRUSTED_PROXIES": "10.0.0.0/8, fd00::1"}).trusted_proxies
    app = start(config.model_copy(update={"trusted_proxies": networks}))
    addresses: list[str | None] = []
    app.before_request(lambda: addresses.append(request.remote_addr))
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    app.test_client().get("/", headers=headers, environ_base={"REMOTE_ADDR": peer})
    assert addresses == [seen]


def test_nobody_is_believed_where_nobody_is_listed(app: Flask) -> None:
    addresses: list[str | None] = []
    app.before_request(lambda: addresses.append(request.remote_addr))
    app.test_client().get("/", headers={"X-Forwarded-For": "6.6.6.6"})
    assert addresses == ["127.0.0.1"]


def test_only_listed_origins_may_read_answers(config: Config, start: Callable[[Config], Flask]) -> None:
    origins = ("https://app.example.com", "http://localhost:5173")
    client = start(config.model_copy(update={"cors_origins": origins})).test_client()
    for origin in origins:
        answer = client.get("/api/v1/tiers", headers={"Origin": origin})
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
    asked = {
        "Origin": origins[0],
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    allowed = client.options("/api/v1/auth/me", headers=asked)
    assert allowed.status_code == 200
    assert "PUT" in allowed.headers["Access-Control-Allow-Methods"]
    assert "authorization" in allowed.headers["Access-Control-Allow-Headers"].lower()
    for origin in ("https://evil.example", "https://app.example.com.evil.example", "null"):
        answer = client.get("/api/v1/tiers", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_without_a_list_no_origin_may(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/tiers", headers={"Origin": "https://app.example.com"})
    assert "Access-Control-Allow-Origin" not in answer.headers
