"""What each status of a subscription gives, while time passes and payments fail, are refunded or disputed."""

from __future__ import annotations

from typing import Literal

import pytest
import requests
from sqlalchemy import select

from license_server.billing.models import Ending
from license_server.billing.service import tell_of_lapsed
from license_server.database import db
from license_server.system.models import AuditEntry
from tests.license_server.actors import on_both_databases
from tests.license_server.billing.shop import Buyer, Shop
from tests.license_server.post import letters, text
from tests.stripe import FAILS_LATER, GOOD
from tests.stripe.protocol import Json
from tests.stripe.server import PREMIUM, PRO


def _begin(shop: Shop, buyer: Buyer, price: str = PRO, **options: object) -> Json:
    """A subscription that was made without a checkout, as people in the dashboard can."""
    buyer.call("POST", "/payments/create-portal")
    (customer,) = shop.objects("customer")
    with shop.stripe.lock:
        made = shop.stripe.subscriptions.begin(
            customer,
            shop.stripe.store.get("price", price),
            metadata={},
            **options,  # type: ignore[arg-type]
        )
    shop.deliver()
    return made


def _use_card(shop: Shop, number: str) -> None:
    (customer,) = shop.objects("customer")
    with shop.stripe.lock:
        shop.stripe.payments.use_card(customer, number)


def test_a_paid_tier_is_renewed_month_by_month(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    ends = []
    for _ in range(4):
        ends.append(buyer.status()["current_period_end"][:10])
        shop.pass_time(days=31)
        assert buyer.tier == "pro"
    assert ends == ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]


@on_both_databases
def test_who_cannot_pay_keeps_the_tier_for_seven_days(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro", FAILS_LATER)
    key = buyer.call("POST", "/api-keys", {"name": "mine"}).get_json()["key"]
    shop.pass_time(days=28)
    assert buyer.tier == "pro"
    told = buyer.status()
    assert (told["status"], told["grace_until"]) == ("past_due", "2026-03-07T12:00:00Z")
    shop.pass_time(days=6, hours=23)
    assert buyer.tier == "pro"
    assert buyer.status()["grace_until"] == "2026-03-07T12:00:00Z", "more failures give no more grace"
    shop.pass_time(hours=1)
    assert buyer.tier == "free"
    assert buyer.status()["status"] == "past_due"
    assert buyer.call("GET", "/auth/me", token="", headers={"X-API-Key": key}).status_code == 403


def test_who_pays_within_the_grace_has_lost_nothing(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro", FAILS_LATER)
    shop.pass_time(days=30)
    (unpaid,) = shop.objects("invoice", status="open")
    assert requests.post(unpaid["hosted_invoice_url"], data={"number": GOOD}, timeout=10).status_code == 200
    shop.deliver()
    shop.pass_time(days=10)
    assert buyer.tier == "pro"
    told = buyer.status()
    assert (told["status"], told["grace_until"]) == ("active", None)


def test_who_pays_after_the_grace_has_the_tier_again(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro", FAILS_LATER)
    shop.pass_time(days=28 + 9)
    assert buyer.tier == "free"
    _use_card(shop, GOOD)
    shop.pass_time(days=7)
    assert buyer.tier == "pro", "a later try to collect went through"


def test_a_failed_payment_is_written_about_once(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro", FAILS_LATER)
    shop.pass_time(days=28)
    shop.reconcile()
    shop.pass_time(days=5)
    (letter,) = letters(shop.app, "payment")
    (unpaid,) = shop.objects("invoice", status="open")
    assert letter["To"] == buyer.email
    for kind in ("plain", "html"):
        assert "keep Pro until 07 March 2026" in " ".join(
            text(letter, kind).replace("keep\n", "keep ").split()
        )
        assert unpaid["hosted_invoice_url"] in text(letter, kind)


@pytest.mark.parametrize("ending", ["canceled", "unpaid", "past_due"])
def test_however_stripe_ends_it_an_unpaid_tier_is_over(
    shop: Shop, buyer: Buyer, ending: Literal["canceled", "unpaid", "past_due"]
) -> None:
    shop.stripe.subscriptions.when_unpaid = ending
    buyer.buy("premium", FAILS_LATER)
    shop.pass_time(days=28 + 20)
    assert (buyer.tier, buyer.status()["status"]) == ("free", ending)
    shop.pass_time(days=31)
    assert buyer.tier == "free", "the next unpaid month brings no grace of its own"


def test_a_failed_upgrade_has_its_grace_from_then_on(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro", FAILS_LATER)
    shop.pass_time(days=20)
    with shop.stripe.lock:
        subscription = shop.stripe.store.get("subscription", buyer.subscription()["id"])
        shop.stripe.checkout.switch(subscription, shop.stripe.store.get("price", PREMIUM))
    shop.deliver()
    assert (buyer.tier, buyer.status()["grace_until"]) == ("premium", "2026-02-27T12:00:00Z")


def test_a_trial_gives_the_tier_and_becomes_a_subscription(shop: Shop, buyer: Buyer) -> None:
    _begin(shop, buyer, PREMIUM, trial_days=14)
    _use_card(shop, GOOD)
    assert (buyer.tier, buyer.status()["status"]) == ("premium", "trialing")
    shop.pass_time(days=15)
    assert (buyer.tier, buyer.status()["status"]) == ("premium", "active")


@pytest.mark.parametrize(("without_card", "status"), [("pause", "paused"), ("cancel", "canceled")])
def test_a_trial_without_a_card_ends(shop: Shop, buyer: Buyer, without_card: str, status: str) -> None:
    _begin(shop, buyer, trial_days=14, without_card=without_card)
    shop.pass_time(days=15)
    assert (buyer.tier, buyer.status()["status"]) == ("free", status)


def test_a_paused_subscription_can_be_resumed_but_not_doubled(shop: Shop, buyer: Buyer) -> None:
    paused = _begin(shop, buyer, trial_days=14, without_card="pause")
    shop.pass_time(days=15)
    buyer.login()
    assert buyer.call("POST", "/payments/create-checkout", {"tier": "pro"}).status_code == 409
    _use_card(shop, GOOD)
    with shop.stripe.lock:
        shop.stripe.subscriptions.resume(paused)
    shop.deliver()
    assert (buyer.tier, buyer.status()["status"]) == ("pro", "active")


def test_an_incomplete_subscription_gives_nothing_and_is_in_nobodys_way(shop: Shop, buyer: Buyer) -> None:
    buyer.call("POST", "/payments/create-portal")
    _use_card(shop, FAILS_LATER)
    _begin(shop, buyer)
    assert (buyer.tier, buyer.status()["status"]) == ("free", "incomplete")
    buyer.checkout("pro")
    shop.pass_time(hours=23)
    assert (buyer.tier, buyer.status()["status"]) == ("free", "incomplete_expired")
    buyer.buy("pro")
    assert (buyer.tier, buyer.status()["status"]) == ("pro", "active")


def test_of_several_subscriptions_the_best_counts(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    better = _begin(shop, buyer, PREMIUM)
    assert buyer.tier == "premium"
    with shop.stripe.lock:
        shop.stripe.subscriptions.cancel(better)
    shop.deliver()
    assert (buyer.tier, buyer.status()["status"]) == ("pro", "active")


def test_subscriptions_to_other_things_are_none_of_ours(shop: Shop, buyer: Buyer) -> None:
    with shop.stripe.lock:
        shop.stripe.store.add("price", "price_mug", active=True, nickname="A mug a month", unit_amount=900)
    buyer.call("POST", "/payments/create-portal")
    _use_card(shop, GOOD)
    _begin(shop, buyer, "price_mug")
    with shop.stripe.lock:
        shop.stripe.payments.refund(shop.objects("charge")[0], None)
    shop.deliver()
    shop.work()
    assert (buyer.tier, buyer.status()["status"]) == ("free", None)
    buyer.buy("pro")
    assert buyer.tier == "pro"
    assert [each["status"] for each in shop.objects("subscription")] == ["active", "active"]


# Money that goes back


def test_who_gets_all_the_money_back_has_the_tier_no_more(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    (charge,) = shop.objects("charge")
    with shop.stripe.lock:
        shop.stripe.payments.refund(charge, None)
    shop.deliver()
    assert buyer.tier == "free"
    shop.work()
    assert buyer.subscription()["status"] == "canceled", "and is charged no more"
    assert buyer.status()["status"] == "canceled"
    with shop.app.app_context():
        assert [row.reason for row in db.session.scalars(select(Ending))] == ["refunded"]
    buyer.buy("pro")
    assert buyer.tier == "pro", "an old refund does not touch a new purchase"


def test_some_of_the_money_back_changes_nothing(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    (charge,) = shop.objects("charge")
    with shop.stripe.lock:
        shop.stripe.payments.refund(charge, 500)
    shop.deliver()
    shop.work()
    assert buyer.tier == "pro"


def test_nor_does_a_refund_of_an_earlier_month(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    (charge,) = shop.objects("charge")
    shop.pass_time(days=40)
    with shop.stripe.lock:
        shop.stripe.payments.refund(charge, None)
    shop.deliver()
    shop.work()
    assert buyer.tier == "pro"


def test_nor_does_the_refund_of_an_upgrade(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    shop.pass_time(days=14)
    with shop.stripe.lock:
        subscription = shop.stripe.store.get("subscription", buyer.subscription()["id"])
        shop.stripe.checkout.switch(subscription, shop.stripe.store.get("price", PREMIUM))
        shop.stripe.payments.refund(shop.objects("charge")[0], None)
    shop.deliver()
    shop.work()
    assert buyer.tier == "premium"


@on_both_databases
@pytest.mark.parametrize("won", [True, False])
def test_a_disputed_payment_gives_nothing_until_it_is_decided(shop: Shop, buyer: Buyer, won: bool) -> None:
    buyer.buy("premium")
    (charge,) = shop.objects("charge")
    with shop.stripe.lock:
        dispute = shop.stripe.payments.dispute(charge)
    shop.deliver()
    shop.work()
    assert (buyer.tier, buyer.subscription()["status"]) == ("free", "active")
    with shop.stripe.lock:
        shop.stripe.payments.decide_dispute(dispute, won=won)
    shop.deliver()
    shop.work()
    assert buyer.tier == ("premium" if won else "free")
    assert buyer.subscription()["status"] == ("active" if won else "canceled")


# What is told of it


@on_both_databases
def test_what_changes_is_in_the_audit_log(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro", FAILS_LATER)
    shop.pass_time(days=28)
    shop.pass_time(days=7)
    tell_of_lapsed(shop.app)
    tell_of_lapsed(shop.app)
    with shop.app.app_context():
        entries = db.session.scalars(
            select(AuditEntry)
            .where(AuditEntry.event == "billing.subscription-changed")
            .order_by(AuditEntry.id)
        ).all()
    told = [(each.details["status"], each.details["tier_before"], each.details["tier"]) for each in entries]
    assert told[0] == ("active", "free", "pro")
    assert ("past_due", "pro", "pro") in told
    assert told[-1] == ("past_due", "pro", "free")
    assert [after for _, before, after in told if before != after] == ["pro", "free"]


def test_webhooks_are_told_what_the_status_endpoint_tells(shop: Shop, buyer: Buyer) -> None:
    from license_server.accounts.models import Account
    from license_server.database import unit_of_work
    from license_server.webhooks.models import WebhookDelivery, WebhookEndpoint

    with shop.app.app_context(), unit_of_work(writes=True):
        account = db.session.scalars(select(Account)).one()
        db.session.add(
            WebhookEndpoint(
                account_id=account.id,
                url="https://example.com/hook",
                events=["subscription.updated"],
                created_at=shop.clock(),
            )
        )
    buyer.buy("premium")
    with shop.app.app_context():
        sent = [each.payload for each in db.session.scalars(select(WebhookDelivery))]
    assert len(sent) == 1
    assert '"type":"subscription.updated"' in sent[0]
    assert '"tier":"premium","status":"active"' in sent[0]
