"""What is done about billing in the background: addresses that are passed on, nights that go on, numbers."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from license_server import create_app
from license_server.accounts import service as accounts
from license_server.accounts.models import Role
from license_server.background import schedule
from license_server.background.tasks import TASKS
from license_server.billing.addresses import RETRY, tell_due
from license_server.billing.models import BillingCustomer
from license_server.config import Config
from license_server.database import db, unit_of_work
from license_server.extensions import close
from tests.license_server.actors import PASSWORD, TestClock, give_tier, on_both_databases
from tests.license_server.billing.shop import Buyer, Shop

RECONCILIATION = next(task for task in TASKS if task.name == "billing-reconciliation")


def _move(buyer: Buyer, email: str) -> None:
    answer = buyer.call("PUT", "/auth/me", {"email": email, "current_password": PASSWORD})
    assert answer.status_code == 200, answer.text
    buyer.email = email


def _addresses(shop: Shop) -> list[str]:
    return [customer["email"] for customer in shop.objects("customer")]


@on_both_databases
def test_a_changed_address_is_passed_on_to_stripe_once(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    _move(buyer, "lovelace@example.com")
    assert _addresses(shop) == ["ada@example.com"]
    tell_due(shop.app)
    assert _addresses(shop) == ["lovelace@example.com"]
    asked = len(shop.stripe.requests)
    shop.clock.advance(days=1)
    tell_due(shop.app)
    assert len(shop.stripe.requests) == asked
    assert buyer.tier == "pro"


def test_it_is_passed_on_later_where_stripe_does_not_answer(shop: Shop, buyer: Buyer) -> None:
    buyer.buy("pro")
    _move(buyer, "first@example.com")
    shop.stripe.fail("POST /v1/customers/", times=3, status=503)
    tell_due(shop.app)
    assert _addresses(shop) == ["ada@example.com"]
    _move(buyer, "second@example.com")
    shop.clock.advance(seconds=RETRY.total_seconds())
    tell_due(shop.app)
    assert _addresses(shop) == ["second@example.com"]


def test_an_address_that_stripe_does_not_know_is_nothing_to_it(shop: Shop, buyer: Buyer) -> None:
    _move(buyer, "free@example.com")
    asked = len(shop.stripe.requests)
    tell_due(shop.app)
    assert len(shop.stripe.requests) == asked
    buyer.buy("pro")
    assert _addresses(shop) == ["free@example.com"]


class _Killed(BaseException):
    """Whoever reconciles dies."""


def test_a_night_that_was_killed_goes_on_where_it_was(shop: Shop, selling: Config, clock: TestClock) -> None:
    people = [shop.person(name) for name in ("ada", "eve", "ida")]
    for person in people:
        shop.stripe.pay(person.checkout("pro")["session_id"])
    shop.stripe.deliveries.events()  # none of them arrives

    def asked() -> list[int]:
        """How often Stripe was asked about each customer, in the order of a night."""
        with shop.app.app_context():
            found = select(BillingCustomer.asked).order_by(BillingCustomer.customer_id)
            return list(db.session.scalars(found))

    def dying() -> datetime:
        if shop.stripe.requests.count("GET /v1/charges") == 2:
            raise _Killed
        return clock()

    shop.stripe.requests.clear()
    doomed = create_app(selling, dying)
    with pytest.raises(_Killed):
        schedule.run(doomed, RECONCILIATION)
    close(doomed)
    assert asked() == [1, 1, 0], "killed with the second answer in hand"
    schedule.run(shop.app, RECONCILIATION)
    assert asked() == [1, 1, 0], "it is not due again yet"
    clock.advance(minutes=15)
    schedule.run(shop.app, RECONCILIATION)
    assert asked() == [1, 2, 1]
    for person in people:
        person.login()
    assert [person.tier for person in people] == ["pro"] * 3
    clock.advance(days=1)
    schedule.run(shop.app, RECONCILIATION)
    assert asked() == [2, 3, 2], "the next night begins anew"


@on_both_databases
def test_statistics_count_the_better_of_what_was_given_and_what_is_paid(shop: Shop, buyer: Buyer) -> None:
    eve, ida, _uma = shop.person("eve"), shop.person("ida"), shop.person("uma")
    buyer.buy("pro")
    eve.buy("pro")
    give_tier(eve, "premium")
    give_tier(ida, "pro")
    with shop.app.app_context(), unit_of_work(writes=True):
        account = accounts.by_email(buyer.email)
        assert account is not None
        account.role = Role.ADMIN
    told = buyer.call("GET", "/system/stats").get_json()
    assert told["tiers"] == {"free": 1, "pro": 2, "premium": 1}
    shop.clock.advance(days=400)
    buyer.login()
    told = buyer.call("GET", "/system/stats").get_json()
    assert told["tiers"] == {"free": 4, "pro": 0, "premium": 0}
