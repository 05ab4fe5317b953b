"""Whatever is sent, each endpoint answers what the OpenAPI document says, and never with a fault of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from license_server.config import Config, RateLimits
from license_server.devices.signatures import HEADER
from license_server.webhooks.courier import Courier
from license_server.webhooks.reach import Address, NameUnknownError, Reach
from tests.license_server.actors import API, Device, Person, TestClock, give_tier
from tests.license_server.conftest import CHEAP
from tests.stripe import Stripe

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

DOCUMENT = schemathesis.openapi.from_path(Path("docs/openapi.json"))
OPERATIONS = {
    f"{operation.method.upper()} {operation.path}": operation
    for result in DOCUMENT.get_all_operations()
    if isinstance(result, Ok) and (operation := result.ok())
}
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# What takes nothing cannot be given anything wrong.
CALLS = [
    pytest.param(operation, mode, id=f"{name} {mode.value}")
    for name, operation in sorted(OPERATIONS.items())
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.body or list(operation.iter_parameters())
]
EXAMPLES = 15
UNHURRIED = "1000000 per second"


def _nobody_knows(host: str) -> Sequence[Address]:
    """Names that were made up are not asked of the network."""
    raise NameUnknownError(host)


@pytest.fixture
def person(data: Path, start: Callable[[Config], Flask], clock: TestClock, stripe: Stripe) -> Person:
    """Somebody on Premium, at a server that sells, and does not count how often it is called."""
    unlimited = RateLimits(**dict.fromkeys(RateLimits.model_fields, UNHURRIED))
    config = Config.embedded(data, stripe.env)
    app = start(config.model_copy(update={"rate_limits": unlimited, "argon2": CHEAP}))
    app.extensions["reely_courier"] = Courier(Reach(resolve=_nobody_knows))
    person = Person(app, clock, "ada@example.com")
    person.register()
    give_tier(person, "premium")
    return person


def test_every_operation_is_checked() -> None:
    assert len(OPERATIONS) > 25


@pytest.mark.parametrize(("operation", "mode"), CALLS)
def test_an_operation_answers_as_documented(
    person: Person, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode
) -> None:
    statuses: list[int] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Case[Any]) -> None:
        case.headers["Authorization"] = f"Bearer {person.access}"
        case.operation.app = person.app
        response = case.call()
        statuses.append(response.status_code)
        case.validate_response(response, checks=CHECKS)

    call()
    assert statuses


SIGNED = [
    pytest.param(operation, mode, id=f"{name} {mode.value}")
    for name, operation in sorted(OPERATIONS.items())
    for mode in GenerationMode
    if any(parameter.name == HEADER for parameter in operation.headers)
]


@dataclass
class SigningApp:
    """The app as a device meets it: whatever is sent, it is signed on its way."""

    device: Device

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = str(environ["PATH_INFO"]).encode("latin-1").decode().removeprefix(API)
        environ["HTTP_REELY_DEVICE_SIGNATURE"] = self.device.signature("POST", path, body)
        environ["wsgi.input"] = BytesIO(body)
        return self.device.person.app(environ, start_response)


@pytest.mark.parametrize(("operation", "mode"), SIGNED)
def test_what_a_device_signs_is_answered_as_documented(
    person: Person, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode
) -> None:
    laptop = Device(person)
    laptop.add()
    lease = laptop.lease(trim=5)
    statuses: set[int] = set()

    @settings(
        max_examples=4 * EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Case[Any]) -> None:
        case.headers["Authorization"] = f"Bearer {person.access}"
        if "lease_id" in case.path_parameters:
            case.path_parameters["lease_id"] = lease.id
        if isinstance(case.body, dict) and "device_id" in case.body and mode is GenerationMode.POSITIVE:
            case.body["device_id"] = laptop.id
        case.operation.app = SigningApp(laptop)
        response = case.call()
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    call()
    # A schema cannot say all that is checked, such as that a text is a time.
    assert statuses <= {200, 422} if mode is GenerationMode.POSITIVE else 422 in statuses
    assert 200 in statuses or mode is GenerationMode.NEGATIVE
