"""What is to end at Stripe ends there, whatever happens in between; what was missed is found at night."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from license_server.accounts.models import Account
from license_server.background.tasks import TASKS
from license_server.billing.endings import end_due
from license_server.billing.models import BillingCustomer, Ending, StripeEvent, Subscription
from license_server.config import Config
from license_server.database import db, unit_of_work
from tests.license_server.actors import PASSWORD, on_both_databases
from tests.license_server.billing.shop import Buyer, Shop
from tests.stripe import FAILS_LATER
from tests.stripe.checkout import CardError
from tests.stripe.faults import Fault
from tests.stripe.protocol import Json
from tests.stripe.server import PREMIUM


def _leave(buyer: Buyer) -> None:
    assert buyer.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204


def _due(shop: Shop) -> list[str]:
    with shop.app.app_context():
        return list(db.session.scalars(select(Ending.reason).where(Ending.next_try_at.is_not(None))))


@on_both_databases
def test_who_deletes_the_account_pays_no_more_and_is_forgotten_at_stripe(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    _leave(buyer)
    assert _due(shop) == ["account-deleted"]
    shop.work()
    assert _due(shop) == []
    assert buyer.subscription()["status"] == "canceled"
    (customer,) = shop.objects("customer")
    assert customer["deleted"]
    assert "email" not in customer
    shop.pass_time(days=90)
    assert len(shop.objects("charge")) == 1


def test_an_open_checkout_of_a_deleted_account_cannot_be_paid(shop: Shop, buyer: Buyer) -> None:
    begun = buyer.checkout("pro")
    _leave(buyer)
    shop.work()
    with pytest.raises(CardError):
        shop.stripe.pay(begun["session_id"])


def test_who_never_bought_leaves_nothing_to_end(shop: Shop, buyer: Buyer) -> None:
    _leave(buyer)
    assert _due(shop) == []


@on_both_databases
def test_while_stripe_is_away_nothing_is_lost(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("premium", FAILS_LATER)
    shop.stripe.fail("/v1/", times=10_000, status=503)
    _leave(buyer)
    assert buyer.call("GET", "/auth/me").status_code == 401, "leaving does not wait for Stripe"
    for _ in range(3):
        end_due(shop.app)
        shop.clock.advance(hours=7)
    assert _due(shop) == ["account-deleted"]
    shop.stripe.behave_well()
    shop.work()
    assert _due(shop) == []
    assert buyer.subscription()["status"] == "canceled"


@pytest.mark.parametrize(
    "call", ["GET /v1/subscriptions", "DELETE /v1/subscriptions", "DELETE /v1/customers"]
)
def test_killed_at_any_step_it_goes_on_later(shop: Shop, buyer: Buyer, call: str) -> None:
    buyer.buy("pro")
    _leave(buyer)
    shop.stripe.fail(call, times=3, unanswered=True)
    end_due(shop.app)
    assert _due(shop) == ["account-deleted"]
    end_due(shop.app)
    assert _due(shop) == ["account-deleted"], "not at once again"
    shop.clock.advance(minutes=5)
    shop.work()
    assert _due(shop) == []
    (customer,) = shop.objects("customer")
    assert (customer["deleted"], buyer.subscription()["status"]) == (True, "canceled")


def test_an_account_that_is_deleted_while_its_customer_is_made_leaves_none(
    shop: Shop, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = shop.stripe.answer

    def answer_late(method: str, path: str, form: str, key: str | None) -> tuple[int, Json, Fault | None]:
        found = answer(method, path, form, key)
        if (method, path) == ("POST", "/v1/customers"):
            with shop.app.app_context(), unit_of_work(writes=True):
                db.session.execute(delete(Account))
        return found

    monkeypatch.setattr(shop.stripe, "answer", answer_late)
    assert buyer.call("POST", "/payments/create-checkout", {"tier": "pro"}).status_code == 401
    shop.work()
    assert [each.get("deleted") for each in shop.objects("customer")] == [True]


# Reconciliation


@on_both_databases
def test_what_was_missed_is_found_at_night(shop: Shop, buyer: Buyer) -> None:
    eve, ida, uma = shop.person("eve"), shop.person("ida"), shop.person("uma")
    eve.buy("pro")
    ida.buy("premium")
    uma.checkout("pro")
    with shop.stripe.lock:
        shop.stripe.subscriptions.cancel(shop.stripe.store.get("subscription", ida.subscription()["id"]))
        eves = shop.objects("subscription")[1]
        shop.stripe.checkout.switch(eves, shop.stripe.store.get("price", PREMIUM))
    shop.stripe.pay(buyer.checkout("pro")["session_id"])
    shop.stripe.deliveries.events()  # none of them arrives
    assert [each.tier for each in (buyer, eve, ida, uma)] == ["free", "pro", "premium", "free"]
    shop.reconcile()
    assert [each.tier for each in (buyer, eve, ida, uma)] == ["pro", "premium", "free", "free"]


def test_a_missed_refund_and_its_consequences_are_found_too(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    with shop.stripe.lock:
        shop.stripe.payments.refund(shop.objects("charge")[0], None)
    shop.stripe.deliveries.events()
    shop.reconcile()
    assert (buyer.tier, _due(shop)) == ("free", ["refunded"])
    shop.work()
    assert buyer.subscription()["status"] == "canceled"


def test_what_a_restored_backup_had_not_heard_of_is_found_too(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    with shop.app.app_context(), unit_of_work(writes=True):
        for table in (StripeEvent, Subscription, BillingCustomer):
            db.session.execute(delete(table))
    assert buyer.tier == "free"
    shop.reconcile()
    assert buyer.tier == "pro"
    buyer.login()
    assert buyer.call("POST", "/payments/create-checkout", {"tier": "premium"}).status_code == 409
    assert len(shop.objects("customer")) == 1


def test_many_customers_come_in_pages(shop: Shop, buyer: Buyer) -> None:
    buyer.call("POST", "/payments/create-portal")
    (customer,) = shop.objects("customer")
    with shop.stripe.lock:
        for _ in range(230):
            other = shop.stripe.store.add(
                "customer",
                email=None,
                balance=0,
                metadata={},
                invoice_settings={"default_payment_method": None},
            )
            price = shop.stripe.store.get("price", "price_pro")
            shop.stripe.subscriptions.begin(other, price, metadata={}, trial_days=30)
        shop.stripe.payments.use_card(customer, "4242424242424242")
        shop.stripe.subscriptions.begin(customer, shop.stripe.store.get("price", PREMIUM), metadata={})
        for each in shop.objects("subscription")[:1]:  # the oldest is on the last page
            shop.stripe.store._objects = {each["id"]: each} | shop.stripe.store._objects
    shop.stripe.deliveries.events()
    shop.reconcile()
    assert buyer.tier == "premium"


def test_one_customer_that_cannot_be_looked_up_is_in_nobodys_way(shop: Shop, buyer: Buyer) -> None:
    eve = shop.person("eve")
    for each in (buyer, eve):
        shop.stripe.pay(each.checkout("pro")["session_id"])
    shop.stripe.deliveries.events()
    shop.stripe.fail("GET /v1/invoices", times=3, status=503)
    shop.reconcile()
    assert sorted([buyer.tier, eve.tier]) == ["free", "pro"]
    shop.reconcile()
    assert [buyer.tier, eve.tier] == ["pro", "pro"]


def test_all_of_it_is_done_in_the_background(shop: Shop) -> None:
    names = {task.name for task in TASKS}
    assert {"billing-endings", "billing-lapses", "billing-reconciliation"} <= names


def test_a_server_that_no_longer_sells_keeps_what_is_to_be_ended(
    config: Config, start: Callable[[Config], Flask], shop: Shop, buyer: Buyer
) -> None:
    buyer.buy("pro")
    _leave(buyer)
    silent = start(config)
    end_due(silent)
    Shop(silent, shop.stripe, shop.clock).reconcile()
    assert _due(shop) == ["account-deleted"]
    with shop.app.app_context(), unit_of_work(writes=True):
        db.session.execute(update(Ending).values(tries=40))
    shop.work()
    assert _due(shop) == []
