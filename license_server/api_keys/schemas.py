"""What the API key endpoints take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from license_server.schemas import Answer, Body, Name

Scope = Literal["read", "write"]


class NewApiKey(Body):
    """A name to know the key by, and what it may do: `read` (GET) and `write` (everything else)."""

    name: Name = "API key"
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=2, default=["read", "write"])]


class ApiKeyAnswer(Answer):
    id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None


class CreatedApiKey(ApiKeyAnswer):
    """The only answer that has the key itself."""

    key: str
