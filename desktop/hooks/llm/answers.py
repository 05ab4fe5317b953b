"""What a language model answered: read with mistrust, as numbers within bounds and words without tricks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from desktop.hooks.titles import LONGEST as LONGEST_TITLE
from desktop.source.text import clean_text

_LONGEST_ANSWER = 100_000  # characters
_LONGEST_REASON = 160
_MOST = 200  # entries of a list
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_MARKUP = re.compile(r"</?[a-zA-Z!][^<>]{0,200}>|!?\[([^\[\]]{0,200})\]\([^()]{0,500}\)")
_EMPHASIS = re.compile(r"[*_`~]{1,3}(?=\S)|(?<=\S)[*_`~]{1,3}|^\s*(?:#{1,6}|>|[-*+])\s+")
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://|\bwww\.|\b(?:javascript|data|mailto):|\S@\S+\.\S"
    r"|\b[\w-]+\.(?:com|net|org|io|ru|cn|app|xyz|top|info|biz|me|ly|gg|link|site|online|shop)\b",
    re.IGNORECASE,
)
_QUOTES = "\"'“”„«»‹›"


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


AnswerT = TypeVar("AnswerT", bound=_Answer)


class Proposal(_Answer):
    """A run of sentences by their numbers."""

    first: int
    last: int


class Proposals(_Answer):
    hooks: tuple[Proposal, ...] = Field(max_length=_MOST)


class Verdict(_Answer):
    """A moment of the final by its number, with what the model says of it."""

    moment: int
    title: str = ""
    reason: str = ""


class Ranking(_Answer):
    ranking: tuple[Verdict, ...] = Field(max_length=_MOST)


@dataclass(frozen=True)
class Form:
    """The form of an answer, as a JSON schema that the strict mode of OpenAI takes."""

    name: str
    schema: Mapping[str, Any]


def _list_of(name: str, most: int, **properties: str) -> Form:
    entry = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }
    whole = {
        "type": "object",
        "properties": {name: {"type": "array", "items": entry, "maxItems": most}},
        "required": [name],
        "additionalProperties": False,
    }
    return Form(name, whole)


def form_of_proposals(most: int) -> Form:
    return _list_of("hooks", most, first="integer", last="integer")


def form_of_ranking(count: int) -> Form:
    """Its list is limited, as small models do not find an end."""
    return _list_of("ranking", count, moment="integer", title="string", reason="string")


class UnusableError(ValueError):
    """The answer cannot be used; the message says why, for the model and for the user."""


def proposals_in(answer: str, first: int, last: int) -> list[tuple[int, int]]:
    """The runs of sentences in the answer to a part that has those from `first` to `last`, each once.

    Runs that are not in the part are left out. Raises UnusableError where none is left of some, or the
    answer has not the right form.
    """
    proposed = _read(answer, Proposals, Proposal).hooks
    runs = dict.fromkeys((one.first, one.last) for one in proposed if first <= one.first <= one.last <= last)
    if proposed and not runs:
        raise UnusableError(
            f"the numbers of the sentences go from {first} to {last}, and first comes before last"
        )
    return list(runs)


def ranking_in(answer: str, count: int) -> list[Verdict]:
    """The moments 1..`count` that the answer names, best first, each once.

    Raises UnusableError where it names none, or has not the right form.
    """
    verdicts: dict[int, Verdict] = {}
    for verdict in _read(answer, Ranking, Verdict).ranking:
        if 1 <= verdict.moment <= count:
            verdicts.setdefault(verdict.moment, verdict)
    if not verdicts:
        raise UnusableError(f"the numbers of the moments go from 1 to {count}")
    return list(verdicts.values())


def title_in(text: str) -> str:
    """A title for people, or nothing where it is none: no markup, no address, one line, not too long."""
    return _words(text, LONGEST_TITLE).rstrip(".。 ")


def reason_in(text: str) -> str:
    """The same for a reason."""
    return _words(text, _LONGEST_REASON)


def _words(text: str, longest: int) -> str:
    text = clean_text(text, 2000)
    if _ADDRESS.search(text):  # nobody is led anywhere by a title
        return ""
    text = _MARKUP.sub(r"\1", text)
    text = _EMPHASIS.sub("", text).replace("<", "").replace(">", "").strip()
    if len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        text = text[1:-1].strip()
    if not any(char.isalnum() for char in text):
        return ""
    return clean_text(text, longest)


def _read(answer: str, form: type[AnswerT], entry: type[_Answer]) -> AnswerT:
    """The first object in the answer that has the form: models put words and fences around it.

    Of an answer that was cut off, the entries that are whole.
    """
    if not answer.strip():
        raise UnusableError("there was no answer")
    fault = "it is not JSON"
    entries: list[_Answer] = []
    for found in _objects(_THOUGHT.sub("", answer[:_LONGEST_ANSWER])):
        try:
            return form.model_validate(found)
        except ValidationError as error:
            fault = _fault(error)
        with suppress(ValidationError):
            entries.append(entry.model_validate(found))
    if entries:
        (name,) = form.model_fields
        return form.model_validate({name: entries[:_MOST]})
    raise UnusableError(fault)


def _objects(text: str) -> Iterator[object]:
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield found
        at = text.find("{", end)


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
