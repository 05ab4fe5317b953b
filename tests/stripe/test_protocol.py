"""The stand-in speaks Stripe's protocol: the real library gets from it what it would from Stripe."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from stripe import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    CardError,
    IdempotencyError,
    InvalidRequestError,
    RequestsClient,
    SignatureVerificationError,
    StripeClient,
    WebhookSignature,
)

from tests.stripe.cards import is_number
from tests.stripe.protocol import parse_form
from tests.stripe.server import PREMIUM, PRO, SECRET_KEY, Stripe


def _client(stripe: Stripe, key: str = SECRET_KEY, retries: int = 0) -> StripeClient:
    return StripeClient(
        key,
        base_addresses={"api": stripe.address},
        max_network_retries=retries,
        http_client=RequestsClient(timeout=10),
    )


@pytest.fixture
def client(stripe: Stripe) -> StripeClient:
    return _client(stripe)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("a=1", {"a": "1"}),
        ("a[b][c]=1&a[d]=2", {"a": {"b": {"c": "1"}, "d": "2"}}),
        ("e[0]=x&e[1]=y", {"e": ["x", "y"]}),
        ("e[]=x&e[]=y", {"e": ["x", "y"]}),
        ("i[0][p]=a&i[0][q]=2&i[1][p]=b", {"i": [{"p": "a", "q": "2"}, {"p": "b"}]}),
        ("m%5Bk%5D=a%26b", {"m": {"k": "a&b"}}),
    ],
)
def test_nested_forms_are_read(form: str, expected: object) -> None:
    assert parse_form(form) == expected


@pytest.mark.parametrize(
    ("text", "right"), [("4242424242424242", True), ("4242424242424241", False), ("", False), ("42", False)]
)
def test_a_card_number_has_its_check_digit(text: str, right: bool) -> None:
    assert is_number(text) is right


def test_prices_are_there_from_the_start(client: StripeClient) -> None:
    assert [client.v1.prices.retrieve(price).unit_amount for price in (PRO, PREMIUM)] == [999, 2999]


def test_refusals_are_the_errors_that_the_library_knows(stripe: Stripe, client: StripeClient) -> None:
    with pytest.raises(AuthenticationError):
        _client(stripe, "sk_test_wrong").v1.customers.list()
    with pytest.raises(InvalidRequestError) as missing:
        client.v1.customers.retrieve("cus_unknown")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    with pytest.raises(InvalidRequestError) as unknown:
        client.raw_request("post", "/v1/customers", emial="ada@example.com")
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "emial")
    with pytest.raises(InvalidRequestError) as nobody:
        client.v1.billing_portal.sessions.create({"customer": "cus_unknown"})
    assert nobody.value.param == "customer"


def test_lists_come_in_pages_newest_first(client: StripeClient) -> None:
    made = [client.v1.customers.create({"email": f"{number}@example.com"}).id for number in range(23)]
    listed = [each.id for each in client.v1.customers.list({"limit": 10}).auto_paging_iter()]
    assert listed == made[::-1]
    (one,) = client.v1.customers.list({"email": "7@example.com"}).data
    assert one.id == made[7]


def test_a_key_gives_the_same_answer_again_and_no_other(client: StripeClient) -> None:
    first = client.v1.customers.create({"email": "ada@example.com"}, {"idempotency_key": "k"})
    again = client.v1.customers.create({"email": "ada@example.com"}, {"idempotency_key": "k"})
    assert first.id == again.id
    with pytest.raises(IdempotencyError):
        client.v1.customers.create({"email": "eve@example.com"}, {"idempotency_key": "k"})
    assert len(client.v1.customers.list().data) == 1


def test_one_key_used_at_once_does_its_work_once(stripe: Stripe, client: StripeClient) -> None:
    def create(_: int) -> str:
        return client.v1.customers.create({"email": "ada@example.com"}, {"idempotency_key": "k"}).id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(create, range(16)))) == 1


def test_what_is_expanded_comes_whole_and_what_is_not_does_not(stripe: Stripe, client: StripeClient) -> None:
    customer = client.v1.customers.create({"payment_method": "pm_card_visa"})
    made = client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": PRO}]})
    assert isinstance(made.latest_invoice, str)
    (listed,) = client.v1.subscriptions.list(
        {"customer": customer.id, "expand": ["data.latest_invoice.payments"]}
    ).data
    invoice = listed.latest_invoice
    assert invoice is not None
    assert not isinstance(invoice, str)
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == made.id
    assert invoice.payments is not None
    assert invoice.payments.data[0].payment.payment_intent
    assert "payments" not in client.v1.invoices.retrieve(invoice.id)
    assert not [key for key in listed.to_dict() if key.startswith("_")]


def test_a_payment_that_fails_is_a_card_error(client: StripeClient) -> None:
    customer = client.v1.customers.create({"payment_method": "pm_card_chargeCustomerFail"})
    made = client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": PRO}]})
    assert made.status == "incomplete"
    (invoice,) = client.v1.invoices.list({"subscription": made.id}).data
    with pytest.raises(CardError):
        client.v1.invoices.pay(invoice.id)


def test_troubles_come_as_often_as_asked_for(stripe: Stripe) -> None:
    client = _client(stripe)
    stripe.fail("GET /v1/customers", times=1, status=500)
    with pytest.raises(APIError):
        client.v1.customers.list()
    stripe.fail("POST /v1/customers", unanswered=True)
    with pytest.raises(APIConnectionError):
        client.v1.customers.create({}, {"idempotency_key": "k"})
    client.v1.customers.create({}, {"idempotency_key": "k"})
    assert len(client.v1.customers.list().data) == 1, "it was done, only its answer was lost"
    stripe.fail("POST /v1/customers", status=500, kept=True)
    for _ in range(2):
        with pytest.raises(APIError):
            client.v1.customers.create({}, {"idempotency_key": "kept"})


# The clock


def test_time_that_passes_renews_and_each_thing_happens_at_its_moment(
    stripe: Stripe, client: StripeClient
) -> None:
    customer = client.v1.customers.create({"payment_method": "pm_card_visa"})
    made = client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": PRO}]})
    stripe.advance(days=95)
    invoices = client.v1.invoices.list({"subscription": made.id}).data
    assert [each.amount_paid for each in invoices] == [999] * 4
    starts = [each.period_start for each in invoices]
    assert starts == sorted(starts, reverse=True)
    assert all(each.created - each.period_start < 60 for each in invoices)


def test_an_unpaid_subscription_is_tried_again_and_then_given_up(
    stripe: Stripe, client: StripeClient
) -> None:
    customer = client.v1.customers.create({"payment_method": "pm_card_visa"})
    made = client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": PRO}]})
    client.v1.customers.update(
        customer.id, {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}}
    )
    stripe.advance(days=32)
    assert client.v1.subscriptions.retrieve(made.id).status == "past_due"
    stripe.advance(days=16)
    assert client.v1.subscriptions.retrieve(made.id).status == "canceled"
    assert client.v1.invoices.list({"subscription": made.id}).data[0].attempt_count == 4


def test_a_change_of_price_counts_what_is_left_of_the_month(stripe: Stripe, client: StripeClient) -> None:
    customer = client.v1.customers.create({"payment_method": "pm_card_visa"})
    made = client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": PRO}]})
    item = made["items"].data[0]
    stripe.clock.at = stripe.clock.at.fromtimestamp(
        (item.current_period_start + item.current_period_end) / 2, stripe.clock.at.tzinfo
    )
    client.v1.subscriptions.update(
        made.id, {"items": [{"id": item.id, "price": PREMIUM}], "proration_behavior": "always_invoice"}
    )
    latest = client.v1.invoices.list({"subscription": made.id}).data[0]
    assert latest.total == pytest.approx((2999 - 999) / 2, abs=2)


# Deliveries


class _Receiver(HTTPServer):
    def __init__(self) -> None:
        self.bodies: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        super().__init__(("127.0.0.1", 0), _Taker)


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, _Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.bodies.append((body, self.headers["Stripe-Signature"]))
        self.send_response(server.answers.pop(0) if server.answers else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is written to the terminal."""


@pytest.fixture
def receiver(stripe: Stripe) -> Iterator[_Receiver]:
    server = _Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    stripe.deliver_to(f"http://127.0.0.1:{server.server_port}/")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_events_arrive_signed_as_the_library_checks_it(
    stripe: Stripe, client: StripeClient, receiver: _Receiver
) -> None:
    client.v1.customers.create({"email": "ada@example.com"})
    stripe.deliveries.settle()
    ((body, signature),) = receiver.bodies
    assert WebhookSignature.verify_header(body, signature, stripe.deliveries.secrets[0], 300)
    with pytest.raises(SignatureVerificationError):
        WebhookSignature.verify_header(body + b" ", signature, stripe.deliveries.secrets[0], 300)
    event = client.construct_event(body, signature, stripe.deliveries.secrets[0])
    assert (event.type, event.api_version) == ("customer.created", "2026-10-28.endive")


def test_an_event_that_is_not_taken_comes_again(
    stripe: Stripe, client: StripeClient, receiver: _Receiver
) -> None:
    receiver.answers = [500, 503]
    client.v1.customers.create({})
    stripe.deliveries.settle()
    assert len({body for body, _ in receiver.bodies}) == 1
    assert [status for _, status in stripe.deliveries.statuses] == [500, 503, 200]


def test_events_are_dropped_doubled_held_and_shuffled(
    stripe: Stripe, client: StripeClient, receiver: _Receiver
) -> None:
    stripe.deliveries.drop(1)
    client.v1.customers.create({})
    stripe.deliveries.settle()
    assert receiver.bodies == []
    stripe.deliveries.double(1)
    client.v1.customers.create({})
    stripe.deliveries.settle()
    assert len(receiver.bodies) == 2
    assert receiver.bodies[0][0] == receiver.bodies[1][0]
    stripe.deliveries.hold()
    for number in range(8):
        client.v1.customers.create({"email": f"{number}@example.com"})
    assert len(receiver.bodies) == 2
    stripe.deliveries.release(shuffled_by=1)
    stripe.deliveries.settle()
    arrived = [body for body, _ in receiver.bodies[2:]]
    assert len(set(arrived)) == 8
    assert [b"%d@example.com" % number in arrived[number] for number in range(8)] != [True] * 8


def test_by_hand_it_prints_what_a_server_needs() -> None:
    process = subprocess.Popen([sys.executable, "-m", "tests.stripe"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(6)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert any("STRIPE_API_BASE=http://127.0.0.1:" in line for line in lines)
