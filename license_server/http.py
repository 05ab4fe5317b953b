"""How requests come in and answers go out: declared endpoints, checked bodies, security headers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, TypeVar, get_type_hints

import structlog
from flask import Blueprint, Flask, Response, current_app, g, request
from pydantic import BaseModel, TypeAdapter, ValidationError

from license_server import database, rate_limits
from license_server.accounts import identity
from license_server.accounts import service as accounts
from license_server.accounts.models import Role
from license_server.errors import (
    AdministratorNeeded,
    BodyTooLarge,
    FieldFault,
    MalformedRequest,
    NotFound,
    Problem,
    SignInNeeded,
    UnsupportedMediaType,
    ValidationFailed,
)

Method = Literal["GET", "POST", "PUT", "DELETE"]
Access = Literal["public", "refresh-token", "session", "account", "administrator"]
"""Who may call: `session` is somebody signed in, `account` also an API key with the right scope."""
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Endpoint:
    """What one endpoint takes and answers, as the OpenAPI document tells it."""

    name: str
    rule: str
    method: Method
    access: Access
    status: int
    summary: str
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answer: TypeAdapter[Any] | None
    problems: tuple[type[Problem], ...]
    device_signed: bool
    signature_header: str | None
    rate_limit: str
    content_type: str

    @property
    def needs_account(self) -> bool:
        return self.access in {"session", "account", "administrator"}

    @property
    def scope(self) -> str:
        """What an API key has to be allowed to."""
        return "read" if self.method == "GET" else "write"


@dataclass
class _Registry:
    endpoints: dict[str, Endpoint] = field(default_factory=dict)


_registry = _Registry()


class Room(Blueprint):
    """A domain's endpoints, under `/api/v1` if nothing else is said."""

    def __init__(self, name: str, import_name: str, prefix: str = "/api/v1") -> None:
        super().__init__(name, import_name, url_prefix=prefix or None)
        self._prefix = prefix

    def serve(
        self,
        method: Method,
        rule: str,
        *,
        access: Access = "account",
        status: int = 200,
        problems: tuple[type[Problem], ...] = (),
        device_signed: bool = False,
        signature_header: str | None = None,
        rate_limit: str = "everything",
        content_type: str = "application/json",
    ) -> Callable[[View], View]:
        """Declares a view as an endpoint.

        Its parameter `body`, if it has one, is the JSON body, checked against its annotation; `query` is
        the query string likewise; the others come from the path. Where a device has to sign, the account is
        locked from the start. Its return annotation is the answer's
        schema; None is 204, and text of another content type is answered as it is. It runs inside the
        request's unit of work, which commits when it returns.

        With a `signature_header` the body is somebody else's: the view reads and checks its bytes itself.
        """

        def declare(view: View) -> View:
            hints = get_type_hints(view)
            answer = hints.get("return", type(None))
            endpoint = Endpoint(
                name=f"{self.name}.{view.__name__}",
                rule=self._prefix + rule,
                method=method,
                access=access,
                status=204 if answer is type(None) else status,
                summary=(view.__doc__ or "").strip().splitlines()[0],
                body=hints.get("body"),
                query=hints.get("query"),
                answer=None if answer is type(None) else TypeAdapter(answer),
                problems=problems,
                device_signed=device_signed,
                signature_header=signature_header,
                rate_limit=rate_limit,
                content_type=content_type,
            )
            _registry.endpoints[endpoint.name] = endpoint
            self.add_url_rule(rule, view.__name__, _serve(endpoint, view), methods=[method])
            return view

        return declare


def endpoints() -> list[Endpoint]:
    """Every declared endpoint."""
    return list(_registry.endpoints.values())


def _serve(endpoint: Endpoint, view: Callable[..., Any]) -> Callable[..., Response]:
    @wraps(view)
    def answer_request(**arguments: Any) -> Response:
        if not all(part.isprintable() for part in arguments.values()):
            raise NotFound("There is nothing at this address.")
        refusal: Problem | None = None
        try:
            if endpoint.query is not None:
                arguments["query"] = _query(endpoint.query)
            if endpoint.body is not None:
                arguments["body"] = _body(endpoint.body)
        except Problem as problem:
            if not endpoint.needs_account:
                raise
            refusal = problem  # whoever may not call at all is told that first
        by_key = endpoint.needs_account and identity.has_api_key()
        # A key's last use is written down, whatever it is used for.
        with database.unit_of_work(writes=endpoint.method != "GET" or by_key):
            if endpoint.needs_account:
                _admit(endpoint, by_key=by_key)
            if refusal is not None:
                raise refusal
            answer = view(**arguments)
        if endpoint.answer is None:
            empty = Response(status=204)
            del empty.headers["Content-Type"]
            return empty
        body = answer if isinstance(answer, str) else endpoint.answer.dump_json(answer)
        return Response(body, status=endpoint.status, content_type=endpoint.content_type)

    return answer_request


def _admit(endpoint: Endpoint, *, by_key: bool) -> None:
    """Finds out who calls, and whether they may: too often, or this at all."""
    if by_key:
        identity.identify_key(endpoint.scope)
        rate_limits.count_account(identity.caller().account.id)
        if endpoint.access != "account":
            raise SignInNeeded("An API key cannot do this. Sign in.")
        if endpoint.device_signed:
            accounts.lock(identity.caller().account.id)
    elif endpoint.device_signed:
        identity.identify_and_lock()
    else:
        identity.identify()
    if endpoint.access == "administrator" and identity.caller().account.role != Role.ADMIN:
        raise AdministratorNeeded("Only administrators may see this.")


def _body(schema: type[BaseModel]) -> BaseModel:
    raw = request.get_data()
    if not raw and not request.content_type:
        raw = b"{}"  # who sends nothing is told which fields are missing, if any are
    elif request.content_type and not request.is_json:
        raise UnsupportedMediaType("Send JSON, with the content type application/json.")
    try:
        return schema.model_validate_json(raw)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
            raise MalformedRequest("The body is not JSON.") from None
        raise ValidationFailed(_faults(error)) from None


def _query(schema: type[BaseModel]) -> BaseModel:
    try:
        return schema.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise ValidationFailed(_faults(error)) from None


def _faults(error: ValidationError) -> list[FieldFault]:
    return [
        FieldFault(
            field=".".join(str(part) for part in fault["loc"]) or "body",
            message=fault["msg"].removeprefix("Value error, "),
        )
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    ]


_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def init_app(app: Flask) -> None:
    app.before_request(_name_request)
    app.before_request(_count_call)
    app.before_request(_bound_chunks)
    app.after_request(_finish)


def _name_request() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _count_call() -> None:
    endpoint = _registry.endpoints.get(request.endpoint or "")
    if endpoint is None:
        rate_limits.count_call("everything", None)
    else:
        rate_limits.count_call(endpoint.rate_limit, identity.named() if endpoint.needs_account else None)


def _bound_chunks() -> None:
    # Werkzeug refuses a declared length that is too large, but only cuts off what comes in chunks.
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    if "Transfer-Encoding" in request.headers and len(request.get_data()) >= limit:
        raise BodyTooLarge("Send less at once.")


def _finish(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-ID"] = g.get("request_id", "")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    headers.setdefault("Cache-Control", "no-store")
    if current_app.extensions["reely_config"].public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response
