"""Buying a tier: checkouts, the customer at Stripe, upgrades and downgrades, cancelling and resuming."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from flask import Flask

from license_server.config import Config
from tests.license_server.actors import Device, Person, TestClock, give_tier, on_both_databases
from tests.license_server.billing.shop import Buyer, Shop
from tests.license_server.post import letters
from tests.stripe import DECLINED
from tests.stripe.checkout import CardError
from tests.stripe.server import PREMIUM


@on_both_databases
@pytest.mark.parametrize("tier", ["pro", "premium"])
def test_paying_a_checkout_gives_the_tier(shop: Shop, buyer: Buyer, tier: str) -> None:
    begun = buyer.checkout(tier)
    assert set(begun) == {"checkout_url", "session_id"}
    assert buyer.tier == "free", "nothing is given before it is paid"
    shop.stripe.pay(begun["session_id"])
    shop.deliver()
    assert buyer.tier == tier
    assert buyer.status() == {
        "tier": tier,
        "status": "active",
        "current_period_end": "2026-02-28T12:00:00Z",
        "cancel_at_period_end": False,
        "grace_until": None,
    }


def test_who_never_bought_has_no_subscription(buyer: Buyer) -> None:
    assert buyer.status() == {
        "tier": "free",
        "status": None,
        "current_period_end": None,
        "cancel_at_period_end": False,
        "grace_until": None,
    }


def test_a_checkout_says_whose_it_is(shop: Shop, buyer: Buyer) -> None:
    buyer.checkout("pro")
    (session,) = shop.objects("checkout.session")
    account = buyer.call("GET", "/auth/me").get_json()["id"]
    assert session["client_reference_id"] == account
    (customer,) = shop.objects("customer")
    assert (session["customer"], customer["email"]) == (customer["id"], buyer.email)
    assert customer["metadata"] == {"account_id": account}
    assert shop.stripe.versions == {"2026-10-28.endive"}


def test_a_declined_card_gives_nothing(shop: Shop, buyer: Buyer) -> None:
    with pytest.raises(CardError):
        shop.stripe.pay(buyer.checkout("pro")["session_id"], DECLINED)
    shop.deliver()
    assert buyer.tier == "free"


@pytest.mark.parametrize(
    "body", [{}, {"tier": "free"}, {"tier": "gold"}, {"tier": "pro", "price": "price_1"}]
)
def test_only_what_is_sold_can_be_bought(buyer: Buyer, body: object) -> None:
    assert buyer.call("POST", "/payments/create-checkout", body).status_code == 422


def test_a_second_checkout_is_the_first_one_again(shop: Shop, buyer: Buyer) -> None:
    assert buyer.checkout("pro") == buyer.checkout("pro")
    assert len(shop.objects("checkout.session")) == 1


def test_a_checkout_for_another_tier_ends_the_first_one(shop: Shop, buyer: Buyer) -> None:
    first, second = buyer.checkout("pro"), buyer.checkout("premium")
    with pytest.raises(CardError):
        shop.stripe.pay(first["session_id"])
    shop.stripe.pay(second["session_id"])
    shop.deliver()
    assert buyer.tier == "premium"
    assert len(shop.objects("customer")) == 1


def test_an_expired_checkout_is_replaced(shop: Shop, buyer: Buyer) -> None:
    first = buyer.checkout("pro")
    shop.pass_time(hours=23, minutes=55)
    buyer.login()
    second = buyer.checkout("pro")
    assert second != first, "five minutes are too few to pay in"
    assert [each["status"] for each in shop.objects("checkout.session")] == ["open", "expired"]


@on_both_databases
@pytest.mark.parametrize("delivered", [True, False])
def test_who_has_a_subscription_buys_no_second_one(shop: Shop, buyer: Buyer, delivered: bool) -> None:
    shop.stripe.pay(buyer.checkout("pro")["session_id"])
    if delivered:
        shop.deliver()
    answer = buyer.call("POST", "/payments/create-checkout", {"tier": "premium"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "already-subscribed")
    assert buyer.tier == "pro", "that is known now, whatever became of the event"
    assert len(shop.objects("subscription")) == 1


def test_a_checkout_that_is_open_beside_a_subscription_can_be_paid_no_more(shop: Shop, buyer: Buyer) -> None:
    begun = buyer.checkout("pro")
    (customer,) = shop.objects("customer")
    with shop.stripe.lock:
        shop.stripe.payments.use_card(customer, "4242424242424242")
        price = shop.stripe.store.get("price", PREMIUM)
        shop.stripe.subscriptions.begin(customer, price, metadata={})
    assert buyer.call("POST", "/payments/create-checkout", {"tier": "pro"}).status_code == 409
    with pytest.raises(CardError):
        shop.stripe.pay(begun["session_id"])


@on_both_databases
@pytest.mark.parametrize("tiers", [["pro"] * 6, ["pro", "premium"] * 3])
def test_many_checkouts_at_once_leave_one_that_can_be_paid(
    shop: Shop, buyer: Buyer, tiers: list[str]
) -> None:
    def begin(tier: str) -> int:
        return buyer.call("POST", "/payments/create-checkout", {"tier": tier}).status_code

    with ThreadPoolExecutor(len(tiers)) as pool:
        statuses = list(pool.map(begin, tiers))
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert len(shop.objects("customer")) == 1
    assert len(shop.objects("checkout.session", status="open")) == 1


def test_a_gift_does_not_keep_from_buying(shop: Shop, buyer: Buyer) -> None:
    give_tier(buyer, "premium", days=5)
    buyer.buy("pro")
    assert buyer.tier == "premium", "the better of both"
    shop.pass_time(days=6)
    assert buyer.tier == "pro"


@on_both_databases
def test_a_lost_answer_of_stripe_is_no_second_purchase(shop: Shop, buyer: Buyer) -> None:
    shop.stripe.fail("POST /v1/customers", unanswered=True)
    shop.stripe.fail("POST /v1/checkout/sessions", unanswered=True)
    buyer.checkout("pro")
    assert len(shop.objects("customer")) == len(shop.objects("checkout.session")) == 1


def test_an_answer_that_stays_lost_is_found_by_the_next_try(shop: Shop, buyer: Buyer) -> None:
    shop.stripe.fail("POST /v1/checkout/sessions", times=3, unanswered=True)
    answer = buyer.call("POST", "/payments/create-checkout", {"tier": "pro"})
    assert (answer.status_code, answer.get_json()["code"]) == (503, "billing-unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    buyer.checkout("pro")
    assert len(shop.objects("checkout.session")) == 1


def test_a_failure_that_stripe_remembers_is_not_asked_for_again(shop: Shop, buyer: Buyer) -> None:
    shop.stripe.fail("POST /v1/checkout/sessions", status=500, kept=True)
    assert buyer.call("POST", "/payments/create-checkout", {"tier": "pro"}).status_code == 503
    assert buyer.checkout("pro")["session_id"]


def test_while_stripe_is_asked_others_can_write(shop: Shop, buyer: Buyer) -> None:
    shop.stripe.fail("POST /v1/customers", seconds=3)
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(buyer.checkout, "pro")
        while "POST /v1/customers" not in shop.stripe.requests:
            assert not begun.done()
        shop.person("eve")
        assert not begun.done(), "somebody signed up while Stripe took its time"
        assert begun.result()["session_id"]


def test_a_customer_that_was_deleted_at_stripe_is_made_anew(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    (customer,) = shop.objects("customer")
    requests.delete(
        f"{shop.stripe.address}/v1/customers/{customer['id']}",
        headers={"Authorization": f"Bearer {shop.stripe.env['STRIPE_SECRET_KEY']}"},
        timeout=10,
    ).raise_for_status()
    shop.deliver()
    assert buyer.tier == "free"
    assert buyer.status()["status"] == "canceled"
    buyer.buy("premium")
    assert buyer.tier == "premium"


def test_nor_does_it_matter_if_nobody_told_of_that(shop: Shop, buyer: Buyer) -> None:
    buyer.checkout("pro")
    (customer,) = shop.objects("customer")
    with shop.stripe.lock:
        shop.stripe.store.get("customer", customer["id"])["deleted"] = True
    shop.stripe.deliveries.events()
    buyer.buy("pro")
    assert buyer.tier == "pro"


# The portal


def _portal(buyer: Buyer) -> str:
    answer = buyer.call("POST", "/payments/create-portal")
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["portal_url"])


def _press(buyer: Buyer, **form: str) -> None:
    """Presses a button of the portal; the news of it arrives."""
    answer = requests.post(_portal(buyer), data=form, timeout=10)
    assert answer.status_code == 200, answer.text
    buyer.shop.deliver()


def test_the_portal_opens_for_whoever_has_nothing_to_manage_yet(buyer: Buyer) -> None:
    assert "You have no subscription" in requests.get(_portal(buyer), timeout=10).text


def test_an_upgrade_counts_at_once_and_is_paid_for_the_rest_of_the_month(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    shop.pass_time(days=14)
    buyer.login()
    _press(buyer, do="switch", subscription=buyer.subscription()["id"], price=PREMIUM)
    assert buyer.tier == "premium"
    (upgrade, first) = shop.objects("invoice")
    assert upgrade["amount_paid"] == round(2999 / 2) - round(999 / 2)
    assert first["amount_paid"] == 999


def test_a_downgrade_counts_at_once_and_makes_the_next_bill_smaller(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("premium")
    key = buyer.call("POST", "/api-keys", {"name": "mine"}).get_json()["key"]
    shop.pass_time(days=21)
    buyer.login()
    _press(buyer, do="switch", subscription=buyer.subscription()["id"], price="price_pro")
    assert buyer.tier == "pro"
    assert buyer.call("GET", "/auth/me", token="", headers={"X-API-Key": key}).status_code == 200, (
        "Pro has keys"
    )
    shop.pass_time(days=7)
    assert shop.objects("invoice")[0]["amount_due"] == 999 - (round(2999 / 4) - round(999 / 4))
    assert buyer.tier == "pro"


def test_a_cancelled_tier_stays_until_what_is_paid_ends(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    key = buyer.call("POST", "/api-keys", {"name": "mine"}).get_json()["key"]
    _press(buyer, do="cancel", subscription=buyer.subscription()["id"])
    told = buyer.status()
    assert (told["status"], told["cancel_at_period_end"]) == ("active", True)
    shop.pass_time(days=27, hours=23)
    assert buyer.tier == "pro"
    shop.pass_time(hours=1)
    assert buyer.tier == "free"
    assert buyer.status()["status"] == "canceled"
    assert buyer.call("GET", "/auth/me", token="", headers={"X-API-Key": key}).status_code == 403
    buyer.buy("pro")
    assert buyer.tier == "pro", "and it can be bought again"
    assert len(shop.objects("customer")) == 1


def test_a_cancelled_tier_ends_also_if_stripe_is_silent(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    _press(buyer, do="cancel", subscription=buyer.subscription()["id"])
    shop.clock.advance(days=28)
    assert buyer.tier == "free"


def test_who_resumes_keeps_the_tier(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    subscription = buyer.subscription()["id"]
    _press(buyer, do="cancel", subscription=subscription)
    _press(buyer, do="resume", subscription=subscription)
    assert buyer.status()["cancel_at_period_end"] is False
    shop.pass_time(days=40)
    assert buyer.tier == "pro"


# What a tier is worth


@on_both_databases
def test_an_upgrade_gives_more_at_once_and_a_downgrade_takes_no_lease_back(shop: Shop, buyer: Buyer) -> None:
    device = Device(buyer)
    assert device.add().status_code == 201
    device.lease(trim=5)
    assert device.ask(trim=1).status_code == 403
    buyer.buy("pro")
    held = device.lease(trim=60)
    assert held.claims["tier"] == "pro"
    with shop.stripe.lock:
        shop.stripe.subscriptions.cancel(shop.stripe.store.get("subscription", buyer.subscription()["id"]))
    shop.deliver()
    assert device.ask(trim=1).status_code == 403
    for _ in range(60):
        device.spend(held)
    results = device.settled(held)["results"]
    assert {each["outcome"] for each in results} == {"applied"}, "what was granted is honoured"
    meter = buyer.meter()
    assert (meter["limit"], meter["settled"], meter["available"]) == (5, 60, 0)


def test_no_lease_outlives_what_is_paid_and_the_grace(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("premium")
    device = Device(buyer)
    assert device.add().status_code == 201
    shop.clock.advance(days=30)  # Stripe is silent; the paid month ended two days ago
    buyer.login()
    lease = device.lease(trim=1)
    paid_until = buyer.subscription()["items"]["data"][0]["current_period_end"]
    assert lease.claims["exp"] <= paid_until + 7 * 86400
    shop.clock.advance(days=6)
    assert buyer.tier == "free"


# Without Stripe


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/payments/create-checkout", {"tier": "pro"}),
        ("/payments/create-portal", None),
        ("/payments/webhook", {}),
    ],
)
def test_a_server_without_stripe_says_that_it_sells_nothing(ada: Person, path: str, body: object) -> None:
    answer = ada.call("POST", path, body, headers={"Stripe-Signature": "t=1,v1=00"})
    assert (answer.status_code, answer.get_json()["code"]) == (503, "billing-unavailable")
    assert ada.call("GET", "/payments/subscription-status").get_json()["tier"] == "free"


def test_buying_takes_somebody_who_is_signed_in(buyer: Buyer) -> None:
    for method, path in (("POST", "create-portal"), ("GET", "subscription-status")):
        assert buyer.call(method, f"/payments/{path}", token="").status_code == 401
    assert buyer.call("POST", "/payments/create-checkout", {"tier": "pro"}, token="").status_code == 401


# Back from Stripe


def test_the_page_after_a_checkout_knows_the_tier_before_the_event_arrives(shop: Shop, buyer: Buyer) -> None:
    begun = buyer.checkout("pro")
    (session,) = shop.objects("checkout.session")
    path = re.sub(r"^http://[^/]+", "", session["success_url"])
    client = shop.app.test_client()
    waiting = client.get(path)
    assert (waiting.status_code, "is being confirmed" in waiting.text) == (200, True)
    shop.stripe.pay(begun["session_id"])
    assert "Your account is now Pro." in client.get(path).text
    assert buyer.tier == "pro"


@pytest.mark.parametrize("of", ["", "nonsense", "00000000-0000-0000-0000-000000000000.{}", "é.ü"])
def test_the_page_asks_stripe_about_nobody_that_it_did_not_send_there(
    shop: Shop, buyer: Buyer, of: str
) -> None:
    buyer.buy("pro")
    asked = list(shop.stripe.requests)
    answer = shop.app.test_client().get("/checkout/done", query_string={"of": of.format("0" * 32)})
    assert (answer.status_code, "is being confirmed" in answer.text) == (200, True)
    assert shop.stripe.requests == asked


def test_the_pages_do_without_stripe_when_it_is_away(shop: Shop, buyer: Buyer) -> None:
    buyer.checkout("pro")
    (session,) = shop.objects("checkout.session")
    shop.stripe.fail("GET /v1/subscriptions", times=9, status=503)
    path = re.sub(r"^http://[^/]+", "", session["success_url"])
    assert shop.app.test_client().get(path).status_code == 200
    assert shop.app.test_client().get("/checkout/cancelled").status_code == 200
    assert shop.app.test_client().get("/portal/done").status_code == 200


def test_old_prices_still_count(
    selling: Config, start: Callable[[Config], Flask], shop: Shop, clock: TestClock
) -> None:
    app = start(selling.model_copy(update={"stripe_price_pro": ("price_pro_2027", "price_pro")}))
    raised = Shop(app, shop.stripe, clock)
    with shop.stripe.lock:
        shop.stripe.store.add(
            "price", "price_pro_2027", active=True, nickname="Reely Pro", product="prod_pro", unit_amount=1299
        )
    early = shop.person("early")
    early.buy("pro")
    late = raised.person("late")
    late.buy("pro")
    with shop.stripe.lock:
        paid = [each["amount_paid"] for each in shop.stripe.store.all("invoice")]
    assert paid == [1299, 999]
    raised.reconcile()
    assert (early.tier, late.tier) == ("pro", "pro")


def test_nothing_is_written_to_people_who_pay(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    shop.pass_time(days=70)
    assert letters(shop.app, "payment") == []
