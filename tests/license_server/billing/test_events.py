"""Stripe's events: only genuine ones are taken, and nothing that they say is believed."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from license_server.billing.models import BillingCustomer, StripeEvent
from license_server.config import Config
from license_server.database import db
from tests.license_server.actors import on_both_databases
from tests.license_server.billing.shop import WEBHOOK, Buyer, Shop
from tests.stripe.protocol import Json


def _post(shop: Shop, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    answer = shop.app.test_client().post(WEBHOOK, data=body, headers=headers)
    return answer.status_code, answer.get_json().get("code", "")


@pytest.fixture
def paid(shop: Shop, buyer: Buyer) -> Json:
    """The event of a payment that the server has not heard of yet."""
    shop.stripe.pay(buyer.checkout("pro")["session_id"])
    return next(
        each for each in shop.stripe.deliveries.events() if each["type"] == "customer.subscription.created"
    )


def test_a_genuine_event_is_taken(shop: Shop, buyer: Buyer, paid: Json) -> None:
    answer = shop.app.test_client().post(WEBHOOK, data=shop.stripe.deliveries.signed(paid)[0], headers={})
    assert answer.status_code == 400
    body, headers = shop.stripe.deliveries.signed(paid)
    answer = shop.app.test_client().post(WEBHOOK, data=body, headers=headers)
    assert (answer.status_code, answer.get_json()) == (200, {"received": True})
    assert buyer.tier == "pro"


@pytest.mark.parametrize(
    "change", ["flip", "space", "other secret", "no signature", "v0", "nonsense", "late", "text"]
)
def test_what_stripe_did_not_sign_like_that_is_refused(
    shop: Shop, buyer: Buyer, paid: Json, change: str
) -> None:
    body, headers = shop.stripe.deliveries.signed(paid)
    if change == "flip":
        body = body.replace(b"customer", b"Customer", 1)
    elif change == "space":
        body = json.dumps(json.loads(body)).encode()  # the same JSON, but other bytes
    elif change == "other secret":
        shop.stripe.deliveries.secrets = ["whsec_somebody_elses_secret"]
        body, headers = shop.stripe.deliveries.signed(paid)
    elif change == "no signature":
        del headers["Stripe-Signature"]
    elif change == "v0":
        headers["Stripe-Signature"] = headers["Stripe-Signature"].replace("v1=", "v0=")
    elif change == "nonsense":
        headers["Stripe-Signature"] = "t=soon,v1=\xff"
    elif change == "late":
        shop.clock.advance(seconds=301)
    else:
        body = b"\xff\xfe"
    assert _post(shop, body, headers) == (400, "webhook-signature-invalid")
    assert buyer.tier == "free"


def test_an_event_may_be_five_minutes_on_its_way(shop: Shop, buyer: Buyer, paid: Json) -> None:
    body, headers = shop.stripe.deliveries.signed(paid)
    shop.clock.advance(seconds=299)
    assert _post(shop, body, headers)[0] == 200
    assert buyer.tier == "pro"


def test_while_secrets_rotate_each_of_them_is_good(
    selling: Config, start: Callable[[Config], Flask], shop: Shop, buyer: Buyer, paid: Json
) -> None:
    old, new = shop.stripe.deliveries.secrets[0], "whsec_the_new_one_0123456789"
    rotating = Config.embedded(
        Path(str(selling.mail_folder)).parent,
        {**shop.stripe.env, "STRIPE_WEBHOOK_SECRET": f"{new}, {old}", "DATABASE_URL": selling.database_url},
    )
    both = Shop(start(rotating), shop.stripe, shop.clock)
    for secrets in ([old], [new], [old, new]):
        shop.stripe.deliveries.secrets = secrets
        assert both.deliver_one(paid | {"id": f"evt_{uuid.uuid4().hex}"}) == 200
    assert buyer.tier == "pro"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id": 5, "type": "x", "data": {"object": {}}}', b"null", b'"x"']
)
def test_a_signed_body_that_is_no_event_is_refused(shop: Shop, body: bytes) -> None:
    import stripe

    secret = shop.stripe.deliveries.secrets[0]
    header = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, int(shop.clock().timestamp())
    )
    assert _post(shop, body, {"Stripe-Signature": header}) == (400, "malformed-request")


def test_a_body_that_is_too_large_is_not_read(shop: Shop) -> None:
    assert _post(shop, b" " * (1 << 20) + b" ", {"Stripe-Signature": "t=1,v1=00"}) == (413, "body-too-large")


@on_both_databases
@pytest.mark.parametrize(
    "type", ["invoice.upcoming.v9", "payout.paid", "customer.subscription.trial_will_end", "nobody.knows"]
)
def test_events_that_mean_nothing_to_us_are_answered_with_thanks(shop: Shop, buyer: Buyer, type: str) -> None:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": type,
        "data": {"object": {"id": "x", "object": "thing"}},
    }
    assert shop.deliver_one(event) == 200
    stranger = {"id": "in_1", "object": "invoice", "customer": "cus_of_somebody_else"}
    assert shop.deliver_one(event | {"id": "evt_2", "data": {"object": stranger}}) == 200
    assert buyer.tier == "free"


def test_what_an_event_claims_is_not_believed(shop: Shop, buyer: Buyer) -> None:
    buyer.call("POST", "/payments/create-portal")
    (customer,) = shop.objects("customer")
    claim = {
        "id": "sub_1",
        "object": "subscription",
        "customer": customer["id"],
        "status": "active",
        "items": {"data": [{"price": {"id": "price_premium"}, "current_period_end": 4102444800}]},
    }
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "customer.subscription.updated",
        "data": {"object": claim},
    }
    assert shop.deliver_one(event) == 200
    assert (buyer.tier, buyer.status()["status"]) == ("free", None)


@on_both_databases
def test_an_event_is_kept_with_its_effect_or_not_at_all(shop: Shop, buyer: Buyer, paid: Json) -> None:
    def known() -> list[str]:
        with shop.app.app_context():
            return list(db.session.scalars(select(StripeEvent.id)))

    shop.stripe.fail("GET /v1/invoices", times=3, status=503)
    assert shop.deliver_one(paid) == 503, "Stripe sends it again"
    assert (known(), buyer.tier) == ([], "free")
    assert shop.deliver_one(paid) == 200
    assert (known(), buyer.tier) == ([paid["id"]], "pro")
    asked = len(shop.stripe.requests)
    assert shop.deliver_one(paid) == 200
    assert len(shop.stripe.requests) == asked


def test_stripe_hiccups_are_waited_for(shop: Shop, buyer: Buyer, paid: Json) -> None:
    shop.stripe.fail("GET /v1/subscriptions", status=500)
    shop.stripe.fail("GET /v1/subscriptions", unanswered=True)
    assert shop.deliver_one(paid) == 200
    assert buyer.tier == "pro"


def test_a_restricted_key_that_may_not_see_payments_still_gives_tiers(
    shop: Shop, buyer: Buyer, paid: Json
) -> None:
    shop.stripe.fail("GET /v1/(charges|invoices)", times=9, status=403)
    assert shop.deliver_one(paid) == 200
    assert buyer.tier == "pro"


def test_a_customer_of_a_payment_link_is_who_its_checkout_refers_to(shop: Shop, buyer: Buyer) -> None:
    account_id = buyer.call("GET", "/auth/me").get_json()["id"]
    with shop.stripe.lock:
        session = shop.stripe.checkout.open(
            {
                "mode": "subscription",
                "client_reference_id": account_id,
                "line_items": [{"price": "price_premium"}],
                "success_url": "https://example.com",
            }
        )
    shop.stripe.pay(session["id"])
    shop.deliver()
    assert buyer.tier == "premium"
    buyer.login()
    assert buyer.call("POST", "/payments/create-checkout", {"tier": "pro"}).status_code == 409


def test_nobody_gets_an_account_by_naming_it(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    account_id = buyer.call("GET", "/auth/me").get_json()["id"]
    claim = {
        "id": "cs_1",
        "object": "checkout.session",
        "customer": "cus_x",
        "client_reference_id": account_id,
    }
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "checkout.session.completed",
        "data": {"object": claim},
    }
    assert shop.deliver_one(event) == 200
    with shop.app.app_context():
        assert db.session.scalars(select(BillingCustomer.customer_id)).all() != ["cus_x"]


@contextmanager
def _localstripe() -> Iterator[str]:
    """Another stand-in for Stripe, by other people, in a process of its own; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Running on" in line:
                break
        else:
            pytest.fail("localstripe did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_the_signatures_of_another_stand_in_are_good_too(
    shop: Shop, buyer: Buyer, config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # it keeps a file where it runs
    arrived: list[tuple[bytes, dict[str, str]]] = []
    here = threading.Event()

    def take(environ: dict[str, object], respond: Callable[..., object]) -> list[bytes]:
        raw = environ["wsgi.input"].read(int(str(environ["CONTENT_LENGTH"])))  # type: ignore[attr-defined]
        arrived.append((raw, {"Stripe-Signature": str(environ["HTTP_STRIPE_SIGNATURE"])}))
        here.set()
        respond("200 OK", [])
        return [b""]

    receiver = make_server("127.0.0.1", 0, take)
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    try:
        with _localstripe() as address:
            hook = {
                "url": f"http://127.0.0.1:{receiver.server_port}",
                "secret": shop.stripe.env["STRIPE_WEBHOOK_SECRET"],
            }
            requests.post(f"{address}/_config/webhooks/ours", json=hook, timeout=10).raise_for_status()
            requests.post(
                f"{address}/v1/customers",
                data={"email": "ada@example.com"},
                auth=("sk_test_1", ""),
                timeout=10,
            ).raise_for_status()
            assert here.wait(20)
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()
    raw, headers = arrived[0]
    assert json.loads(raw)["type"] == "customer.created"
    shop.clock.at = shop.clock.at.fromtimestamp(json.loads(raw)["created"], shop.clock.at.tzinfo)
    assert _post(shop, raw, headers) == (200, "")
    assert _post(shop, raw.replace(b"ada@", b"eve@"), headers) == (400, "webhook-signature-invalid")
