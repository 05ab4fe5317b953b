"""However events are shuffled, doubled, dropped and delayed, what is left is what Stripe says."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from license_server.billing import service
from license_server.billing.endings import end_due
from license_server.config import Config, RateLimits
from license_server.database import db
from tests.license_server.actors import TestClock, on_both_databases
from tests.license_server.billing.shop import Buyer, Shop
from tests.stripe import FAILS_LATER, GOOD, Stripe
from tests.stripe.protocol import Json
from tests.stripe.server import PREMIUM, PRO
from tests.stripe.subscriptions import ENDED

PRICES = {PRO: "pro", PREMIUM: "premium"}
RANK = ["free", "pro", "premium"]
UNHURRIED = "1000000 per second"

Step = tuple[Any, ...]
STEPS = st.one_of(
    st.tuples(st.just("buy"), st.sampled_from([PRO, PREMIUM]), st.sampled_from([GOOD, FAILS_LATER])),
    st.tuples(st.just("switch"), st.sampled_from([PRO, PREMIUM])),
    st.tuples(st.just("cancel"), st.sampled_from(["later", "now", "not"])),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("card"), st.sampled_from([GOOD, FAILS_LATER])),
    st.tuples(st.just("refund"), st.sampled_from([100, None])),
    st.tuples(st.just("dispute"), st.sampled_from(["open", "won", "lost"])),
    st.tuples(st.just("arrive"), st.integers(0, 50), st.integers(1, 2)),
    st.tuples(st.just("lose"), st.integers(0, 50)),
    st.just(("work",)),
)


@dataclass
class Life:
    """What happens to one customer at Stripe, and which news of it have not arrived yet."""

    shop: Shop
    customer: Json
    underway: list[Json] = field(default_factory=list)
    lost: bool = False

    def do(self, step: Step) -> None:
        with self.shop.stripe.lock:
            getattr(self, f"_{step[0]}")(*step[1:])
        self.underway += self.shop.stripe.deliveries.events()

    def arrive_all(self, order: random.Random) -> None:
        """What is under way arrives, in any order, some of it twice."""
        order.shuffle(self.underway)
        for event in self.underway + self.underway[::3]:
            assert self.shop.deliver_one(event) == 200
        self.underway = []

    @property
    def _live(self) -> Json | None:
        mine = self.shop.stripe.store.all("subscription", customer=self.customer["id"])
        return next((each for each in mine if each["status"] not in ENDED), None)

    def _buy(self, price: str, card: str) -> None:
        self.shop.stripe.payments.use_card(self.customer, card)
        found = self.shop.stripe.store.get("price", price)
        self.shop.stripe.subscriptions.begin(self.customer, found, metadata={}, first=True)

    def _switch(self, price: str) -> None:
        if self._live is not None:
            self.shop.stripe.checkout.switch(self._live, self.shop.stripe.store.get("price", price))

    def _cancel(self, when: str) -> None:
        if self._live is None:
            return
        if when == "now":
            self.shop.stripe.subscriptions.cancel(self._live)
        else:
            self.shop.stripe.subscriptions.cancel_at_period_end(self._live, wanted=when == "later")

    def _wait(self, days: int) -> None:
        self.shop.stripe.advance(days=days)

    def _card(self, number: str) -> None:
        self.shop.stripe.checkout.change_card(self.customer, number)

    def _refund(self, cents: int | None) -> None:
        charge = next(self._charges(), None)
        if charge is not None and charge["amount_refunded"] == 0:
            self.shop.stripe.payments.refund(charge, cents)

    def _dispute(self, outcome: str) -> None:
        charge = next(self._charges(), None)
        if charge is not None and not charge["disputed"]:
            dispute = self.shop.stripe.payments.dispute(charge)
            if outcome != "open":
                self.shop.stripe.payments.decide_dispute(dispute, won=outcome == "won")

    def _charges(self) -> Any:
        return self.shop.stripe.store.all("charge", customer=self.customer["id"], paid=True)

    def _arrive(self, place: int, copies: int) -> None:
        if self.underway:
            event = self.underway.pop(place % len(self.underway))
            self.underway += [event] * (copies - 1)
            # Not under the stand-in's lock: the server asks it about what it hears.
            self.shop.stripe.lock.release()
            try:
                assert self.shop.deliver_one(event) == 200
            finally:
                self.shop.stripe.lock.acquire()

    def _lose(self, place: int) -> None:
        if self.underway:
            self.underway.pop(place % len(self.underway))
            self.lost = True

    def _work(self) -> None:
        self.shop.stripe.lock.release()
        try:
            end_due(self.shop.app)
        finally:
            self.shop.stripe.lock.acquire()


def expected_tier(shop: Shop, customer: Json) -> str:
    """The tier that docs/server.md promises for what there is at Stripe, worked out anew from its objects."""
    best = "free"
    for subscription in shop.objects("subscription", customer=customer["id"]):
        tier = PRICES[subscription["items"]["data"][0]["price"]["id"]]
        if _gives(shop, subscription) and RANK.index(tier) > RANK.index(best):
            best = tier
    return best


def _gives(shop: Shop, subscription: Json) -> bool:
    invoices = [
        each
        for each in shop.objects("invoice")
        if each["parent"]["subscription_details"]["subscription"] == subscription["id"]
    ]
    start = subscription["items"]["data"][0]["current_period_start"]
    for invoice in invoices:
        for payment in invoice["payments"]["data"]:
            (charge,) = shop.objects("charge", payment_intent=payment["payment"]["payment_intent"])
            if any(each["status"] != "won" for each in shop.objects("dispute", charge=charge["id"])):
                return False
            of_period = invoice["created"] >= start and invoice["billing_reason"] != "subscription_update"
            if of_period and charge["refunded"]:
                return False
    if subscription["status"] == "past_due":
        oldest: int = min(each["created"] for each in invoices if each["status"] == "open")
        return shop.clock().timestamp() < oldest + 7 * 86400
    return subscription["status"] in {"active", "trialing"}


def _shown(shop: Shop, account_id: str) -> tuple[str, str | None]:
    with shop.app.app_context():
        told = service.status(account_id)
        db.session.remove()
    return told.tier, told.status


@on_both_databases
def test_any_order_any_repetition_and_any_loss_end_in_the_same_state(
    selling: Config, start: Callable[[Config], Flask], stripe: Stripe, clock: TestClock, database: str
) -> None:
    limits = dict.fromkeys(RateLimits.model_fields, UNHURRIED)
    shop = Shop(start(selling.model_copy(update={"rate_limits": RateLimits(**limits)})), stripe, clock)

    @settings(
        max_examples=20 if database == "sqlite" else 6,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],  # to make a failure small would take longer than a test may
        suppress_health_check=list(HealthCheck),
    )
    @given(steps=st.lists(STEPS, min_size=4, max_size=16), seed=st.integers(0, 2**16))
    def live(steps: list[Step], seed: int) -> None:
        buyer = Buyer(shop.app, clock, f"{uuid.uuid4().hex}@example.com", shop=shop)
        account_id = buyer.register()["user"]["id"]
        assert buyer.call("POST", "/payments/create-portal").status_code == 200
        life = Life(shop, shop.objects("customer")[0])
        for step in [("buy", PRO, GOOD), *steps]:
            life.do(step)
        order = random.Random(seed)
        while life.underway:  # what is ended because of one piece of news makes others
            life.arrive_all(order)
            life.do(("work",))
        if not life.lost:
            assert _shown(shop, account_id)[0] == expected_tier(shop, life.customer)
        shop.reconcile()
        life.do(("work",))
        life.arrive_all(order)
        settled = _shown(shop, account_id)
        assert settled[0] == expected_tier(shop, life.customer)
        shop.reconcile()
        assert _shown(shop, account_id) == settled, "what is right stays"
        life.do(("cancel", "now"))
        while life._live is not None:
            life.do(("cancel", "now"))
        shop.stripe.deliveries.events()

    live()


@on_both_databases
def test_an_answer_that_was_long_on_its_way_does_not_undo_a_newer_one(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    account_id = buyer.call("GET", "/auth/me").get_json()["id"]
    with shop.stripe.lock:
        subscription = shop.stripe.store.get("subscription", buyer.subscription()["id"])
        shop.stripe.subscriptions.cancel_at_period_end(subscription, wanted=True)
    slow = shop.stripe.deliveries.events()[-1]
    answered = len(shop.stripe.requests)
    shop.stripe.fail("GET /v1/charges", seconds=2)  # its answer is from before the upgrade
    with ThreadPoolExecutor(1) as pool:
        underway = pool.submit(shop.deliver_one, slow)
        while "GET /v1/charges" not in shop.stripe.requests[answered:]:
            assert not underway.done()
        with shop.stripe.lock:
            price = shop.stripe.store.get("price", PREMIUM)
            shop.stripe.checkout.switch(subscription, price)
        shop.deliver()
        assert not underway.done()
        assert _shown(shop, account_id) == ("premium", "active")
        assert underway.result() == 200
    assert _shown(shop, account_id) == ("premium", "active")


@on_both_databases
def test_one_event_that_arrives_many_times_at_once_has_one_effect(shop: Shop, buyer: Buyer) -> None:
    shop.stripe.pay(buyer.checkout("pro")["session_id"])
    events = shop.stripe.deliveries.events()
    completed = next(each for each in events if each["type"] == "checkout.session.completed")
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(shop.deliver_one, [completed] * 12)) == {200}
    assert buyer.tier == "pro"
    answered = len(shop.stripe.requests)
    assert shop.deliver_one(completed) == 200
    assert len(shop.stripe.requests) == answered, "what is known need not be asked again"
