"""A language model on loopback: it speaks OpenAI's chat completions, answers as a test says, and fails."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

KEY = "sk-test-5up3r-s3cr3t-0f-a-test"

Answer = Callable[[str], str]
"""What is said by the user, to what the model answers."""
Fault = Callable[["_Call"], bool]
"""Does something to a call; whether that was all of it."""


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any] = field(repr=False)

    @property
    def said(self) -> str:
        """The last thing that the user says."""
        return str(self.body["messages"][-1]["content"])


def proposing(length: int = 4) -> Answer:
    """A model that proposes a run of sentences at the end of each part, and ranks the last moment first."""

    def answer(said: str) -> str:
        moments = re.findall(r"<moment number=(\d+)>", said)
        if moments:
            ranking = [
                {
                    "moment": int(number),
                    "title": f"Moment {number} of the model",
                    "reason": f"It is no. {number}.",
                }
                for number in reversed(moments)
            ]
            return json.dumps({"ranking": ranking})
        numbers = [int(number) for number in re.findall(r"^\[(\d+)\]", said, re.MULTILINE)]
        return json.dumps({"hooks": [{"first": numbers[-1] - length, "last": numbers[-1]}]})

    return answer


class LanguageModel:
    """The server. `answer` says what; the first of `faults` that is left is done to the next call."""

    def __init__(self, answer: Answer | None = None, *, context: ssl.SSLContext | None = None) -> None:
        self.answer = answer or proposing()
        self.faults: list[Fault] = []
        self.always: Fault | None = None
        self.asked: list[Asked] = []
        self.released = threading.Event()
        """Ends what hangs."""
        self.hanging = threading.Event()
        """Set once something hangs."""
        self._server = _Server(("127.0.0.1", 0), _Call, self)
        scheme = "http"
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        host = "localhost" if context else "127.0.0.1"
        self.url = f"{scheme}://{host}:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="model")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def env(self, key: str = KEY) -> dict[str, str]:
        """The environment in which `reely hooks --rerank llm` asks here."""
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": key}


class _Server(ThreadingHTTPServer):
    block_on_close = True

    def __init__(self, address: tuple[str, int], handler: type[_Call], model: LanguageModel) -> None:
        self.model = model
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever went away went away."""


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        model = self.server.model
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model.asked.append(Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        fault = model.faults.pop(0) if model.faults else model.always
        if fault is not None and fault(self):
            return
        if not self.path.endswith("/chat/completions"):
            self.send(404, {"error": {"message": "no such path"}})
            return
        self.send_completion(model.answer(model.asked[-1].said))

    def send_completion(self, content: str | None, finish: str = "stop") -> None:
        self.send(
            200,
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": "stage-1",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": finish,
                        "message": {"role": "assistant", "content": content},
                    }
                ],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
            },
        )

    def send(self, status: int, data: object, **headers: str) -> None:
        self.send_bytes(status, json.dumps(data).encode(), "application/json", **headers)

    def send_bytes(self, status: int, data: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)


def status(code: int, message: str = "no", error_code: str | None = None, **headers: str) -> Fault:
    """An error as OpenAI sends it; it repeats the key, as some do."""

    def fault(call: _Call) -> bool:
        said = f"{message} ({call.headers.get('Authorization')})"
        call.send(code, {"error": {"message": said, "type": "error", "code": error_code}}, **headers)
        return True

    return fault


def says(content: str | None, finish: str = "stop") -> Fault:
    def fault(call: _Call) -> bool:
        call.send_completion(content, finish)
        return True

    return fault


def sends(data: bytes, kind: str = "text/html", code: int = 200, **headers: str) -> Fault:
    def fault(call: _Call) -> bool:
        call.send_bytes(code, data, kind, **headers)
        return True

    return fault


def hangs(call: _Call) -> bool:
    call.server.model.hanging.set()
    call.server.model.released.wait()
    return True


def drips(call: _Call) -> bool:
    """A byte now and then, never enough of them."""
    call.send_response(200)
    call.send_header("Content-Type", "application/json")
    call.send_header("Content-Length", "100000")
    call.end_headers()
    while not call.server.model.released.wait(0.02):
        call.wfile.write(b" ")
        call.wfile.flush()
    return True


def refuses(*names: str) -> Fault:
    """As endpoints that do not know a field of the request."""

    def fault(call: _Call) -> bool:
        body = call.server.model.asked[-1].body
        for name in names:
            if name in body:
                return status(400, f"Unsupported parameter: {name}")(call)
        return False

    return fault
