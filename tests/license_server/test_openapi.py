"""The OpenAPI document: committed, current, and true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask import Flask

from license_server.examples import EXAMPLES, Example
from license_server.http import endpoints
from tests.license_server.actors import Device, Person

COMMITTED = Path("docs/openapi.json")


def _document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return found


def test_the_committed_document_is_what_the_server_serves(app: Flask) -> None:
    assert json.loads(COMMITTED.read_text("utf-8")) == _document(app), (
        "write it anew: reely-server openapi > docs/openapi.json"
    )


def test_it_has_every_address_of_the_app_but_peoples_pages_and_no_other(app: Flask) -> None:
    served = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.startswith("pages")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(path, method) for path, item in _document(app)["paths"].items() for method in item}
    assert told == served


def test_every_reference_leads_somewhere(app: Flask) -> None:
    document = _document(app)

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return here + [found for value in node.values() for found in references(value)]
        if isinstance(node, list):
            return [found for value in node for found in references(value)]
        return []

    found = references(document)
    assert len(found) > 20
    for reference in found:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_a_refusal_has_a_code_that_the_document_tells(app: Flask, ada: Person, laptop: Device) -> None:
    paths = _document(app)["paths"]
    laptop.lease(trim=5)
    refusals = [
        ("/api/v1/leases", "post", laptop.ask(trim=1)),
        ("/api/v1/devices", "post", ada.call("POST", "/devices", {"name": ""})),
        ("/api/v1/auth/me", "get", ada.call("GET", "/auth/me", token="nonsense")),
        ("/api/v1/devices/{device_id}", "delete", ada.call("DELETE", "/devices/unknown")),
    ]
    for path, method, answer in refusals:
        told = paths[path][method]["responses"][str(answer.status_code)]
        schema = told["content"]["application/problem+json"]["schema"]
        assert answer.get_json()["code"] in schema["properties"]["code"]["enum"]


def test_every_call_that_takes_or_answers_something_has_an_example_that_holds() -> None:
    declared = {endpoint.name: endpoint for endpoint in endpoints()}
    assert set(EXAMPLES) <= set(declared)
    for name, endpoint in declared.items():
        example = EXAMPLES.get(name, Example())
        if endpoint.body is not None:
            endpoint.body.model_validate_json(json.dumps(example.body))
        if endpoint.answer is not None and endpoint.content_type == "application/json":
            if name == "system.describe":
                continue  # the document itself
            answer = endpoint.answer.validate_json(json.dumps(example.answer))
            assert json.loads(endpoint.answer.dump_json(answer)) == example.answer, name
