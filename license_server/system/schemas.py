"""What the server tells about itself."""

from __future__ import annotations

from typing import Literal

from license_server.schemas import Answer


class About(Answer):
    name: str
    version: str


class Health(Answer):
    """`ok` where all is well; each part for itself."""

    status: Literal["ok", "failing"]
    database: Literal["ok", "failing"]
    migrations: Literal["ok", "behind", "unknown"]


class PublicKeys(Answer):
    """A JWK set (RFC 7517)."""

    keys: list[dict[str, str]]
