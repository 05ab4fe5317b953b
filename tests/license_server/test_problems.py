"""Everything that goes wrong is answered in one shape, and everything that is answered is safe to look at."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from license_server import errors
from license_server.config import Config
from license_server.errors import Problem
from tests.license_server.actors import PASSWORD, Device, Person, TestClock


def _kinds(base: type[Problem]) -> list[type[Problem]]:
    return [kind for each in base.__subclasses__() for kind in [each, *_kinds(each)]]


def check_shape(answer: TestResponse) -> None:
    problem = answer.get_json()
    assert answer.content_type == "application/problem+json"
    assert {"type", "code", "title", "status", "detail", "request_id"} <= set(problem)
    assert problem["type"] == f"https://reely.app/problems/{problem['code']}"
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["X-Request-ID"]


def test_every_code_of_the_catalogue_is_its_own_and_in_kebab_case() -> None:
    codes = [kind.code for kind in _kinds(Problem)]
    assert len(codes) == len(set(codes))
    assert all(code == code.lower() and " " not in code and "_" not in code for code in codes)


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("GET", "/nowhere", None, {}, 404, "not-found"),
        ("PATCH", "/api/v1/auth/me", None, {}, 405, "method-not-allowed"),
        ("POST", "/api/v1/auth/login", b"{", {"Content-Type": "application/json"}, 400, "malformed-request"),
        ("POST", "/api/v1/auth/login", b"", {"Content-Type": "application/json"}, 400, "malformed-request"),
        (
            "POST",
            "/api/v1/auth/login",
            b"\xff",
            {"Content-Type": "application/json"},
            400,
            "malformed-request",
        ),
        ("POST", "/api/v1/auth/login", b"[]", {"Content-Type": "application/json"}, 422, "validation-failed"),
        ("POST", "/api/v1/auth/login", b"a=b", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        ("POST", "/api/v1/auth/login", b"{}", {}, 422, "validation-failed"),
        ("POST", "/api/v1/auth/login", b"", {}, 422, "validation-failed"),
        (
            "POST",
            "/api/v1/auth/login",
            b"[" + b"1," * (1 << 20) + b"1]",
            {"Content-Type": "application/json"},
            413,
            "body-too-large",
        ),
    ],
)
def test_what_http_refuses_has_the_shape_too(
    app: Flask, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int, code: str
) -> None:
    answer = app.test_client().open(path, method=method, data=body, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    check_shape(answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/devices"),
        ("POST", "/leases"),
        ("POST", "/leases/unknown/settle"),
        ("POST", "/api-keys"),
        ("POST", "/webhook-endpoints"),
        ("POST", "/payments/create-checkout"),
        ("POST", "/auth/change-password"),
        ("PUT", "/auth/me"),
        ("DELETE", "/auth/me"),
        ("GET", "/my-jobs?limit=0"),
    ],
)
def test_who_may_not_call_is_told_so_whatever_they_send(ada: Person, method: str, path: str) -> None:
    for body in (None, b"{", {"unknown": 1}):
        for token in ("", "nonsense"):
            assert ada.call(method, path, body, token=token).status_code == 401
    answer = ada.call(method, path, {"unknown": 1})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation-failed")


def test_who_sends_nothing_is_told_what_is_missing(ada: Person) -> None:
    answer = ada.call("DELETE", "/auth/me")
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.get_json()["errors"]] == ["password"]


def test_json_needs_no_type_and_an_address_may_end_with_a_slash(ada: Person) -> None:
    headers = {"Authorization": f"Bearer {ada.access}"}
    answer = ada.client.put("/api/v1/auth/me/", data=b'{"full_name": "Ada"}', headers=headers)
    assert (answer.status_code, answer.get_json()["full_name"]) == (200, "Ada")


def test_an_answer_without_a_body_has_no_type(ada: Person) -> None:
    answer = ada.call("POST", "/auth/logout")
    assert answer.status_code == 204
    assert "Content-Type" not in answer.headers


def test_a_wrong_method_is_told_the_right_ones(app: Flask) -> None:
    allowed = app.test_client().patch("/api/v1/auth/me").headers["Allow"]
    assert {"GET", "PUT", "DELETE"} <= {method.strip() for method in allowed.split(",")}


def test_a_fault_of_ours_says_nothing_about_our_insides(
    app: Flask, ada: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of the " + "rallec"[::-1])

    monkeypatch.setattr("license_server.usage.service.usage", broken)
    answer = ada.call("GET", "/auth/usage")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal-error")
    assert "cellar" not in answer.text
    check_shape(answer)
    (noted,) = [str(record.msg) for record in caplog.records if record.levelno == logging.ERROR]
    assert "RuntimeError" in noted
    assert "in broken" in noted, "our log says where it happened"
    assert "cellar" not in noted, "and not what people may have sent"


def test_a_request_keeps_the_id_that_it_came_with(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/", headers={"X-Request-ID": "client-chose-this"}).headers["X-Request-ID"] == (
        "client-chose-this"
    )
    for hostile in ("short", "x" * 65, "a b c d e f", "<script>alert(1)"):
        given = client.get("/", headers={"X-Request-ID": hostile}).headers["X-Request-ID"]
        assert given != hostile
        assert len(given) == 24


@pytest.mark.parametrize("path", ["/", "/health", "/nowhere", "/api/v1/tiers", "/api/v1/auth/me"])
def test_every_answer_has_the_security_headers(app: Flask, path: str) -> None:
    headers = app.test_client().get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "no-store" in headers["Cache-Control"]
    assert "Strict-Transport-Security" not in headers, "not over plain http"


def test_over_https_browsers_are_told_to_stay_there(config: Config, start: Callable[[Config], Flask]) -> None:
    app = start(config.model_copy(update={"public_url": "https://license.example.com"}))
    assert "max-age" in app.test_client().get("/").headers["Strict-Transport-Security"]


def test_the_log_names_no_person_and_no_secret(
    app: Flask, clock: TestClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    person = Person(app, clock, "very.private@example.com")
    person.register()
    person.login()
    person.call("POST", "/auth/login", {"email": person.email, "password": "a wrong password"}, token="")
    person.call("POST", "/auth/refresh", token=person.refresh)
    device = Device(person)
    device.add("Very private laptop")
    lease = device.lease(trim=1)
    device.spend(lease, job="very private title")
    device.settled(lease)
    person.call("GET", f"/auth/sessions?cursor={person.email}")
    lines = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert lines.count("'status': 201") >= 1, "the requests are logged"
    for private in (
        "very.private",
        "Very private",
        PASSWORD,
        "a wrong password",
        person.access,
        person.refresh,
        lease.token,
        "127.0.0.1",
    ):
        assert private not in lines


def test_every_code_has_a_sentence_of_its_own_in_the_documentation() -> None:
    from pathlib import Path

    text = Path("docs/server.md").read_text("utf-8")
    assert [kind.code for kind in _kinds(Problem) if f"`{kind.code}`" not in text] == []


def test_the_problem_schema_describes_what_is_answered(app: Flask, laptop: Device) -> None:
    answer = laptop.ask(trim=0, hook_run=0)
    assert answer.status_code == 200
    laptop.lease(trim=5)
    document = errors.ProblemDocument.model_validate(json.loads(laptop.ask(trim=1).text))
    assert document.what_would_help is not None
    assert [offer.id for offer in document.what_would_help.tiers] == ["pro", "premium"]
