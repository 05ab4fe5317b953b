"""What all request and answer schemas share: strict input, one shape of lists."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


class Body(BaseModel):
    """A request's body: unknown fields and loose types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Answer(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(frozen=True)


def is_none(value: object) -> bool:
    """For fields of answers that are left out where there is nothing to tell (`exclude_if`)."""
    return value is None


ItemT = TypeVar("ItemT", bound=BaseModel)


class Page(Answer, Generic[ItemT]):
    """A part of a list; `next` is the cursor of the following part."""

    items: list[ItemT]
    next: str | None = None


class PageQuery(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


def _printable(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("has control characters")
    return text


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
]
"""A line of text that people chose, such as a name."""

Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:~-]{1,100}$")]
"""An identifier that the caller made up."""

Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
