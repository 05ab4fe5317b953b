"""The stand-in on the wire: an HTTP server on loopback for the API and for the pages of Stripe."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qs, urlsplit

from tests.stripe.api import Api
from tests.stripe.checkout import Checkout
from tests.stripe.clock import Clock, WallClock
from tests.stripe.deliveries import Deliveries
from tests.stripe.faults import Fault, Faults, IdempotencyKeys
from tests.stripe.payments import Payments
from tests.stripe.protocol import ApiError, Json, parse_form, shown
from tests.stripe.site import Site
from tests.stripe.store import Store
from tests.stripe.subscriptions import Subscriptions

SECRET_KEY = "sk_test_standin0123456789abcdef"
WEBHOOK_SECRET = "whsec_standin0123456789abcdefghij"
PRO, PREMIUM = "price_pro", "price_premium"


class Stripe:
    """The running stand-in. Use as a context manager; leaving it ends every thread.

    `requests` lists the calls of the API as "METHOD path", in the order they came.
    """

    def __init__(self, clock: Clock | None = None, webhook: str | None = None, port: int = 0) -> None:
        self.clock: Clock = clock or WallClock()
        self.lock = threading.RLock()
        self.requests: list[str] = []
        self.versions: set[str] = set()
        self.faults: list[BaseException] = []
        """Errors of the stand-in itself; the fixture fails a test that finds one."""
        self.deliveries = Deliveries(self.clock, [WEBHOOK_SECRET], webhook)
        self.store = Store(self.clock, self.deliveries.emit)
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", port), self)
        self.payments = Payments(self.store, self.address)
        self.subscriptions = Subscriptions(self.store, self.payments)
        self.checkout = Checkout(self.store, self.payments, self.subscriptions, self.address)
        self._api = Api(self.store, self.payments, self.subscriptions, self.checkout)
        self.site = Site(self)
        self._troubles = Faults()
        self._keys = IdempotencyKeys()
        for price, tier, cents in ((PRO, "pro", 999), (PREMIUM, "premium", 2999)):
            product = self.store.add(
                "product", f"prod_{tier}", active=True, name=f"Reely {tier.capitalize()}"
            )
            self.store.add(
                "price",
                price,
                active=True,
                currency="usd",
                nickname=product["name"],
                product=product["id"],
                recurring={"interval": "month", "interval_count": 1},
                type="recurring",
                unit_amount=cents,
            )
        self._threads = [
            threading.Thread(
                target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="stripe-stand-in"
            ),
            threading.Thread(target=self.deliveries.run, name="stripe-deliveries"),
        ]

    @property
    def address(self) -> str:
        """The address of the API and of the pages."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def env(self) -> dict[str, str]:
        """What a license server needs in its environment to sell through the stand-in."""
        return {
            "STRIPE_API_BASE": self.address,
            "STRIPE_SECRET_KEY": SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": self.deliveries.secrets[0],
            "STRIPE_PRICE_PRO": PRO,
            "STRIPE_PRICE_PREMIUM": PREMIUM,
        }

    def deliver_to(self, webhook: str) -> None:
        """Sends events there from now on, and those that have waited."""
        self.deliveries.webhook = webhook
        self.deliveries.release()

    def fail(
        self,
        call: str,
        times: int = 1,
        *,
        status: int | None = None,
        kept: bool = False,
        unanswered: bool = False,
        seconds: float = 0.0,
    ) -> None:
        """Lets the next `times` calls go wrong whose "METHOD path" the pattern is in (see `Fault`)."""
        with self.lock:
            self._troubles.add(Fault(re.compile(call), times, status, kept, unanswered, seconds))

    def behave_well(self) -> None:
        """Forgets all troubles that are to come."""
        with self.lock:
            self._troubles.clear()

    def advance(self, **span: float) -> None:
        """Lets time pass: what is due meanwhile happens at its moment."""
        with self.lock:
            target = self.clock() + timedelta(**span)
            while True:
                due = min(self.subscriptions.due(), key=lambda each: each[0], default=None)
                if due is None or due[0] > target.timestamp():
                    break
                if due[0] > self.clock().timestamp():
                    self.clock.at += timedelta(seconds=due[0] - self.clock().timestamp())
                self.subscriptions.live(due[1])
            self.clock.at = max(target, self.clock())
            for session in self.store.all("checkout.session", status="open"):
                if session["expires_at"] <= self.store.seconds():
                    self.checkout.expire(session)

    def pay(self, session_id: str, number: str = "4242424242424242") -> None:
        """A person pays a checkout, without a browser. Raises `CardError`."""
        with self.lock:
            self.checkout.pay(self.store.get("checkout.session", session_id), number)

    def answer(self, method: str, path: str, form: str, key: str | None) -> tuple[int, Json, Fault | None]:
        """The answer to a call of the API, and the trouble that it meets."""
        with self.lock:
            self.requests.append(f"{method} {path}")
            fault = self._troubles.of(method, path)
            call = f"{method} {path} {form}"
            try:
                before = self._keys.begin(key, call) if key else None
            except ApiError as refusal:
                return refusal.status, refusal.body, fault
            if before is not None:
                return (*before, fault)
            if fault is not None and fault.status is not None:
                body = ApiError(fault.status, "An error of the stand-in, on demand.", type="api_error").body
                if key and fault.kept:
                    self._keys.finish(key, fault.status, body)
                elif key:
                    self._keys.forget(key)
                return fault.status, body, fault
            try:
                params = parse_form(form)
                expand = params.pop("expand", [])
                status, body = 200, shown(self._api.answer(method, path, params), expand, self.store.find)
            except ApiError as refusal:
                status, body = refusal.status, refusal.body
            if key and status < 400:
                self._keys.finish(key, status, body)
            elif key:
                self._keys.forget(key)  # what was refused before it was begun is not kept
            return status, body, fault

    def start(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self.deliveries.end()
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.end_connections()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, address: tuple[str, int], stripe: Stripe) -> None:
        self.stripe = stripe
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Ends those that are open: browsers open some ahead, and keep them without a word."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no fault of the stand-in."""


class _Handler(BaseHTTPRequestHandler):
    # One request a connection (HTTP/1.0), so that nothing is left open when the stand-in ends.
    server_version = "nginx"

    @property
    def stripe(self) -> Stripe:
        return cast(_Server, self.server).stripe

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        url = urlsplit(self.path)
        try:
            if url.path.startswith("/v1/"):
                self._call(url.path, form or url.query)
            else:
                self._show(url.path, {name: values[-1] for name, values in parse_qs(form).items()})
        except OSError:
            pass  # whoever asked has gone
        except BaseException as error:
            self.stripe.faults.append(error)
            raise

    def _call(self, path: str, form: str) -> None:
        self.stripe.versions.add(self.headers.get("Stripe-Version", ""))
        if self.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
            refusal = ApiError(401, "Invalid API Key provided.")
            self._send(401, "application/json", json.dumps(refusal.body))
            return
        key = self.headers.get("Idempotency-Key") if self.command == "POST" else None
        status, body, fault = self.stripe.answer(self.command, path, form, key)
        if fault is not None and fault.seconds:
            self.stripe.stopping.wait(fault.seconds)
        if fault is not None and fault.unanswered:
            self.close_connection = True
            return
        self._send(status, "application/json", json.dumps(body))

    def _show(self, path: str, form: dict[str, str]) -> None:
        with self.stripe.lock:
            status, location, html = self.stripe.site.answer(self.command, path, form)
        self._send(status, "text/html; charset=utf-8", html, location)

    def _send(self, status: int, content_type: str, text: str, location: str | None = None) -> None:
        raw = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Request-Id", "req_standin")
        self.send_header("Connection", "close")
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is written to the terminal."""
