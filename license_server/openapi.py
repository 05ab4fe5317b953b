"""The OpenAPI 3.1 document, made from the declared endpoints and their schemas."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from license_server.devices.signatures import HEADER
from license_server.errors import (
    AdministratorNeeded,
    ApiKeyInvalid,
    BodyTooLarge,
    MalformedRequest,
    NotFound,
    Problem,
    ProblemDocument,
    ScopeMissing,
    SessionEnded,
    SignInNeeded,
    TierLimit,
    TokenExpired,
    TokenInvalid,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unexpected,
    UnsupportedMediaType,
    ValidationFailed,
)
from license_server.examples import EXAMPLES, Example
from license_server.http import Endpoint, endpoints
from license_server.webhooks.events import EVENT_TYPES, SIGNED_BY, EventType
from license_server.webhooks.told import TOLD, TOLD_WHEN

_Schemas = dict[tuple[str, str], dict[str, Any]]
_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "refresh-token": [{"refresh-token": []}],
    "session": [{"access-token": []}],
    "administrator": [{"access-token": []}],
    "account": [{"access-token": []}, {"api-key": []}],
}
_PATH_PARAMETER = re.compile(r"<(\w+)>")


def document(version: str) -> dict[str, Any]:
    """The whole document, as JSON values."""
    declared = endpoints()
    schemas, definitions = _schemas(declared)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for endpoint in declared:
        paths[_PATH_PARAMETER.sub(r"{\1}", endpoint.rule)][endpoint.method.lower()] = _operation(
            endpoint, schemas
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Reely license server",
            "version": version,
            "description": "Accounts, tiers, usage and leases. Refusals are problem documents (RFC 9457).",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "paths": dict(sorted(paths.items())),
        "webhooks": {event: _webhook(event, schemas) for event in EVENT_TYPES},
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "access-token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "refresh-token": {"type": "http", "scheme": "bearer"},
                "api-key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _schemas(declared: Iterable[Endpoint]) -> tuple[_Schemas, dict[str, Any]]:
    """The schema of each (endpoint, part), and the definitions that they refer to."""
    inputs: list[tuple[Any, Any, TypeAdapter[Any]]] = [
        ("problem", "serialization", TypeAdapter(ProblemDocument))
    ]
    inputs += [(f"{event} data", "serialization", TypeAdapter(data)) for event, data in TOLD.items()]
    for endpoint in declared:
        if endpoint.body is not None:
            inputs.append((f"{endpoint.name} body", "validation", TypeAdapter(endpoint.body)))
        if endpoint.query is not None:
            inputs.append((f"{endpoint.name} query", "validation", TypeAdapter(endpoint.query)))
        if endpoint.answer is not None:
            inputs.append((f"{endpoint.name} answer", "serialization", endpoint.answer))
    found, definitions = TypeAdapter.json_schemas(inputs, ref_template="#/components/schemas/{model}")
    return dict(found), definitions["$defs"]


def _webhook(event: EventType, schemas: _Schemas) -> dict[str, Any]:
    """What an endpoint of an account's is sent."""
    body = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": event},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": schemas[f"{event} data", "serialization"],
        },
    }
    return {
        "post": {
            "operationId": f"webhook-{event}",
            "tags": ["webhooks"],
            "summary": TOLD_WHEN[event],
            "parameters": [
                {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
                for name in SIGNED_BY
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": {
                "2XX": {"description": "It was taken."},
                "410": {"description": "Nothing is wanted any more: the endpoint is turned off."},
                "default": {"description": "It was not taken, and is sent again for 24 hours."},
            },
        }
    }


def _operation(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name.replace(".", "-"),
        "tags": [endpoint.name.partition(".")[0]],
        "summary": endpoint.summary,
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH_PARAMETER.findall(endpoint.rule)
    ]
    if endpoint.query is not None:
        schema = endpoint.query.model_json_schema()
        parameters += [
            {"name": name, "in": "query", "required": False, "schema": part}
            for name, part in schema["properties"].items()
        ]
    if endpoint.device_signed:
        parameters.append(
            {
                "name": HEADER,
                "in": "header",
                "required": True,
                "description": "Ed25519 signature of the device over time, method, path and body.",
                "schema": {"type": "string", "pattern": "^t=[0-9]+,v1=[A-Za-z0-9_-]{86}$"},
            }
        )
    if endpoint.signature_header is not None:
        parameters.append(
            {
                "name": endpoint.signature_header,
                "in": "header",
                "required": True,
                "description": "The sender's signature over time and body.",
                "schema": {"type": "string"},
            }
        )
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        body = schemas[f"{endpoint.name} body", "validation"]
        content = {"schema": body, **_example(EXAMPLES.get(endpoint.name, Example()).body)}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if endpoint.access != "public":
        operation["security"] = _SECURITY[endpoint.access]
    operation["responses"] = _responses(endpoint, schemas)
    return operation


def _responses(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    success: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.answer is not None:
        answer = schemas[f"{endpoint.name} answer", "serialization"]
        example = EXAMPLES.get(endpoint.name, Example()).answer
        success["content"] = {
            endpoint.content_type.partition(";")[0]: {"schema": answer, **_example(example)}
        }
    by_status: dict[int, list[type[Problem]]] = defaultdict(list)
    for problem in (*_general_problems(endpoint), *endpoint.problems):
        if problem not in by_status[problem.status]:
            by_status[problem.status].append(problem)
    refusals = {
        str(status): {
            "description": "; ".join(problem.title for problem in problems),
            "content": {
                "application/problem+json": {
                    "schema": {
                        "allOf": [schemas["problem", "serialization"]],
                        "properties": {"code": {"enum": sorted(problem.code for problem in problems)}},
                    }
                }
            },
        }
        for status, problems in sorted(by_status.items())
    }
    return {str(endpoint.status): success, **refusals}


def _example(value: Any) -> dict[str, Any]:
    return {} if value is None else {"example": value}


def _general_problems(endpoint: Endpoint) -> Iterable[type[Problem]]:
    """What every endpoint of this kind may refuse."""
    if endpoint.body is not None:
        yield from (MalformedRequest, BodyTooLarge, UnsupportedMediaType)
    if endpoint.signature_header is not None:
        yield from (MalformedRequest, BodyTooLarge)
    if endpoint.body is not None or endpoint.query is not None:
        yield ValidationFailed
    if endpoint.needs_account:
        yield from (Unauthenticated, TokenInvalid, TokenExpired, SessionEnded)
        yield from (ApiKeyInvalid, TierLimit, ScopeMissing)
    if endpoint.access in {"session", "administrator"}:
        yield SignInNeeded
    if endpoint.access == "administrator":
        yield AdministratorNeeded
    if endpoint.access == "refresh-token":
        yield Unauthenticated
    if "<" in endpoint.rule:
        yield NotFound
    yield from (TooManyRequests, Unexpected, Unavailable)
