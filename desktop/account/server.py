"""Speaking HTTP with the license server: limits on time and size, the system's trust, checked answers."""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.client import BadStatusLine, RemoteDisconnected
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import truststore
import urllib3
from pydantic import BaseModel, ValidationError
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from desktop.account import problems
from desktop.account.wire import Problem
from desktop.errors import Exit, ReelyError

_CONNECT_LIMIT = 6.0  # seconds
_SILENCE_LIMIT = 15.0  # seconds without a byte
_WHOLE_LIMIT = 30.0  # seconds for one answer, however it drips
_SIZE_LIMIT = 2_000_000  # bytes

Answer = TypeVar("Answer", bound=BaseModel)
JsonBody = dict[str, Any]


class _SystemTrust(HTTPAdapter):
    """Verifies certificates as the operating system does, so that a company's proxy works."""

    def __init__(self) -> None:
        self._context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        extra = os.environ.get("SSL_CERT_FILE")
        if extra and os.path.isfile(extra):  # noqa: PTH113 - a plain string from the environment
            self._context.load_verify_locations(cafile=extra)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        if verify is True:  # otherwise requests would add the bundle that it carries to the system's store
            conn.cert_reqs = "CERT_REQUIRED"
            return
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]


class _Authorization(AuthBase):
    """Sets what is given, and keeps requests from looking for passwords in a .netrc."""

    def __init__(self, bearer: str | None) -> None:
        self._bearer = bearer

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._bearer is not None:
            request.headers["Authorization"] = f"Bearer {self._bearer}"
        return request


class ServerRefusal(ReelyError):  # noqa: N818 - the server decided; nothing went wrong
    """The server answered with a typed problem. `server_code` is its code, `status` the HTTP status."""

    def __init__(self, error: ReelyError, server_code: str, status: int) -> None:
        super().__init__(error.code, error.message, error.hint, error.exit)
        self.server_code = server_code
        self.status = status


class Server:
    """One license server. Blocks, so use it from a worker thread; several threads take turns."""

    def __init__(self, url: str, offline: bool = False) -> None:
        """With `offline` every call fails at once with ReelyError `offline`."""
        self.url = url.rstrip("/")
        self._base_path = _path_of(url)
        self._offline = offline
        self.on_time: Callable[[float], None] = lambda _now: None
        """Told the server's clock (Unix seconds) with each answer."""
        self._lock = threading.Lock()
        self._session: requests.Session | None = None

    def close(self) -> None:
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def get(self, path: str, answer: type[Answer], bearer: str | None = None) -> Answer:
        """GET `path` (such as `/api/v1/tiers`) and read the answer as `answer`."""
        return self._read(self._send("GET", path, None, bearer, None), answer)

    def post(
        self,
        path: str,
        body: JsonBody | None,
        answer: type[Answer],
        bearer: str | None = None,
        sign: Callable[[str, str, bytes], str] | None = None,
    ) -> Answer:
        """POST `body` as JSON; `sign(method, path, body)` gives the device's signature if one is needed."""
        return self._read(self._send("POST", path, body, bearer, sign), answer)

    def command(
        self, method: str, path: str, body: JsonBody | None = None, bearer: str | None = None
    ) -> None:
        """Send what is answered with no content."""
        self._send(method, path, body, bearer, None)

    def _read(self, content: bytes, answer: type[Answer]) -> Answer:
        try:
            return answer.model_validate_json(content)
        except ValidationError as error:
            raise problems.garbled(f"no {answer.__name__} in it") from error

    def _send(
        self,
        method: str,
        path: str,
        body: JsonBody | None,
        bearer: str | None,
        sign: Callable[[str, str, bytes], str] | None,
    ) -> bytes:
        if self._offline:
            raise ReelyError(
                "offline",
                "Reely is set to work offline.",
                "Start it without REELY_OFFLINE to reach the license server.",
                Exit.NETWORK,
            )
        data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = {"Accept": "application/json, application/problem+json", "Accept-Encoding": "identity"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if sign is not None:
            headers["Reely-Device-Signature"] = sign(method, self._base_path + path, data)
        with self._lock:
            status, answer_headers, content = self._exchange(method, path, data, headers, bearer)
        self._tell_time(answer_headers.get("Date"))
        if 300 <= status < 400:
            raise ReelyError(
                "server-redirects",
                "The license server's address leads elsewhere, and Reely does not follow with your sign-in.",
                "Check the server's address, and whether a sign-in page of your network stands in between.",
                Exit.NETWORK,
            )
        if status >= 400:
            raise self._refusal(status, content)
        return content

    def _exchange(
        self, method: str, path: str, data: bytes, headers: dict[str, str], bearer: str | None
    ) -> tuple[int, requests.structures.CaseInsensitiveDict[str], bytes]:
        if self._session is None:
            self._session = requests.Session()
            self._session.mount("https://", _SystemTrust())
        deadline = time.monotonic() + _WHOLE_LIMIT
        try:
            with self._session.request(
                method,
                self.url + path,
                data=data,
                headers=headers,
                auth=_Authorization(bearer),
                timeout=(_CONNECT_LIMIT, _SILENCE_LIMIT),
                allow_redirects=False,
                stream=True,
            ) as response:
                return response.status_code, response.headers, _content(response, deadline)
        except requests.exceptions.SSLError as error:
            raise ReelyError(
                "server-untrusted",
                "The license server could not prove who it is (its certificate is not trusted).",
                "Check the computer's date; behind a company's proxy, its certificate must be installed.",
                Exit.NETWORK,
            ) from error
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _slow() from error
        except (requests.exceptions.ConnectionError, urllib3.exceptions.ProtocolError) as error:
            if _spoke_something_else(error):
                raise problems.garbled("it is not HTTP") from error
            raise ReelyError(
                "server-unreachable",
                "The license server cannot be reached.",
                "Check the network; what was granted to this device can still be used.",
                Exit.NETWORK,
            ) from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise problems.garbled("it is not proper HTTP") from error

    def _tell_time(self, date: str | None) -> None:
        if date is None:
            return
        try:
            now = parsedate_to_datetime(date).timestamp()
        except (ValueError, OverflowError):
            return  # a server without a readable clock tells us nothing
        self.on_time(now)

    @staticmethod
    def _refusal(status: int, content: bytes) -> ReelyError:
        try:
            problem = Problem.model_validate_json(content)
        except ValidationError:
            return problems.to_error(status, None)
        return ServerRefusal(problems.to_error(status, problem), problems.code_of(problem), status)


def _path_of(url: str) -> str:
    """The path in the address of a license server. Raises ReelyError `bad-server-url`."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in url or parts.query or parts.fragment:
        raise ReelyError(
            "bad-server-url",
            "The address that is set for the license server is none.",
            "Set REELY_SERVER_URL to an address such as https://example.org, without a password in it.",
            Exit.USAGE,
        )
    return parts.path.rstrip("/")


def _spoke_something_else(error: BaseException) -> bool:
    """Whether somebody answered, but not in HTTP."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BadStatusLine) and not isinstance(cause, RemoteDisconnected):
            return True
        cause = cause.__context__
    return False


def _content(response: requests.Response, deadline: float) -> bytes:
    """The body, refused when it is too large or drips for too long."""
    parts: list[bytes] = []
    size = 0
    while True:
        part = response.raw.read1(65_536, decode_content=True)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > _SIZE_LIMIT:
            raise problems.garbled("it is far too long")
        if time.monotonic() > deadline:
            raise _slow()


def _slow() -> ReelyError:
    return ReelyError(
        "server-slow",
        "The license server takes too long to answer.",
        "Try again later; what was granted to this device can still be used.",
        Exit.NETWORK,
    )
