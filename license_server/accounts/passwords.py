"""Passwords: which ones are taken, how they are kept (argon2id), and how they are checked."""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from pydantic import SecretStr

from license_server.config import Argon2Cost, Config
from license_server.errors import PasswordTooCommon

SHORTEST, LONGEST = 8, 256


@cache
def _hasher(cost: Argon2Cost) -> PasswordHasher:
    return PasswordHasher(cost.time_cost, cost.memory_kib, cost.parallelism)


@cache
def _hash_of_nobody(cost: Argon2Cost) -> str:
    return _hasher(cost).hash("nobody has this password")


def _cost() -> Argon2Cost:
    config: Config = current_app.extensions["reely_config"]
    return config.argon2


def _canonical(password: SecretStr) -> str:
    # Keyboards of different systems write the same character differently (NIST SP 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", password.get_secret_value())


def hash_new(password: SecretStr, email: str, field: str = "password") -> str:
    """The argon2id hash of a password that somebody chose. Raises `PasswordTooCommon`."""
    text = _canonical(password)
    if text.lower() in _common() or text.lower() in (email, email.partition("@")[0]):
        raise PasswordTooCommon(field)
    return _hasher(_cost()).hash(text)


def matches(password: SecretStr, stored: str | None) -> bool:
    """Whether the password is the one behind the hash; takes as long when there is none."""
    cost = _cost()
    try:
        right = _hasher(cost).verify(stored or _hash_of_nobody(cost), _canonical(password))
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


def hash_again(password: SecretStr, stored: str) -> str | None:
    """The hash with today's cost of a password that `stored` was made of with another cost; else None."""
    hasher = _hasher(_cost())
    return hasher.hash(_canonical(password)) if hasher.check_needs_rehash(stored) else None


@cache
def _common() -> frozenset[str]:
    # Loaded at the first sign-up, not at the start: it is a large list.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST)
