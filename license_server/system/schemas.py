"""What the server tells about itself."""

from __future__ import annotations

from typing import Literal

from license_server.schemas import Answer


class About(Answer):
    name: str
    version: str


class Health(Answer):
    """All is well; where it is not, the answer is the problem `unhealthy`."""

    status: Literal["ok"] = "ok"
    database: Literal["ok"] = "ok"
    migrations: Literal["ok"] = "ok"


class PublicKeys(Answer):
    """A JWK set (RFC 7517)."""

    keys: list[dict[str, str]]
