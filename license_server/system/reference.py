"""The page `/docs`: the OpenAPI document for people, without a script and without anybody else's files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app

from license_server import openapi
from license_server.pages import STYLE, page

room = Blueprint("pages-reference", __name__)

_STYLE = (
    STYLE
    + """
main { max-width: 56rem; margin: 4vh auto; }
summary { cursor: pointer; padding: 0.4rem 0; }
details details, section section { margin-left: 1rem; }
code, pre { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; border: 1px solid; border-radius: 0.4rem; padding: 0.8rem; overflow: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid; }
"""
)
_WHO = {
    "access-token": "Authorization: Bearer <access token>",
    "refresh-token": "Authorization: Bearer <refresh token>",
    "api-key": "X-API-Key: <key>",
}


@dataclass(frozen=True)
class Field:
    """A line about one field or parameter."""

    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True)
class Outcome:
    """One answer that a call may get."""

    status: str
    description: str
    codes: list[str]
    schema: str
    example: str


@dataclass(frozen=True)
class Call:
    """One call as the page tells it."""

    id: str
    method: str
    path: str
    summary: str
    credentials: list[str]
    parameters: list[Field]
    body: str
    body_example: str
    outcomes: list[Outcome]


@dataclass(frozen=True)
class Shape:
    """One schema that calls refer to."""

    name: str
    description: str
    fields: list[Field]


@room.get("/docs")
def reference() -> Response:
    """Every call, with what it takes and answers."""
    document = openapi.document(current_app.extensions["reely_version"])
    calls: dict[str, list[Call]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            calls.setdefault(operation["tags"][0], []).append(_call(path, method, operation))
    return page(
        "reference.html",
        style=_STYLE,
        info=document["info"],
        rooms=calls,
        shapes=list(_shapes(document["components"]["schemas"])),
    )


def _call(path: str, method: str, operation: dict[str, Any]) -> Call:
    _, body = _content(operation.get("requestBody", {}))
    return Call(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        credentials=[_WHO[name] for way in operation.get("security", []) for name in way],
        parameters=[
            Field(
                name=f"{part['name']} ({part['in']})",
                type=_type(part["schema"]),
                required=part["required"],
                description=part.get("description", ""),
            )
            for part in operation.get("parameters", [])
        ],
        body=_type(body.get("schema", {})) if body else "",
        body_example=_json(body.get("example")),
        outcomes=[_outcome(status, answer) for status, answer in operation["responses"].items()],
    )


def _outcome(status: str, answer: dict[str, Any]) -> Outcome:
    kind, content = _content(answer)
    schema = content.get("schema", {})
    codes = schema.get("properties", {}).get("code", {}).get("enum", [])
    return Outcome(
        status=status,
        description=answer["description"],
        codes=codes,
        schema="" if codes or not content else _type(schema) if kind == "application/json" else kind,
        example=_json(content.get("example")),
    )


def _shapes(schemas: dict[str, Any]) -> Iterator[Shape]:
    for name, schema in sorted(schemas.items()):
        needed = schema.get("required", [])
        fields = [
            Field(field, _type(part), field in needed, part.get("description", ""))
            for field, part in schema.get("properties", {}).items()
        ]
        yield Shape(name, schema.get("description", ""), fields or [Field("value", _type(schema), True, "")])


def _content(part: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The one kind of content that a body or an answer has."""
    for kind, content in part.get("content", {}).items():
        return kind, content
    return "", {}


def _type(schema: dict[str, Any]) -> str:
    """The schema in a few words; the name of another one for a reference."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_type(part) for part in choices)
    if "enum" in schema or "const" in schema:
        return " or ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    kind = str(schema.get("type", "any JSON"))
    if kind == "array":
        kind = f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        kind = f"object of {_type(schema['additionalProperties'])}"
    return ", ".join([kind, *(f"{word} {schema[key]}" for key, word in _RULES.items() if key in schema)])


_RULES = {
    "format": "as",
    "pattern": "like",
    "minLength": "at least",
    "maxLength": "at most",
    "minimum": "from",
    "maximum": "to",
    "maxItems": "at most",
}


def _json(value: object) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
