"""Moving to another tier: the real account, the real server and its Stripe, for which a stand-in stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desktop.account import Meter
from desktop.account.offers import payment_words
from desktop.account.wire import Subscription
from desktop.errors import Exit, ReelyError
from tests.desktop.account.conftest import PASSWORD, Device, LicenseServer
from tests.stripe import FAILS_LATER, GOOD, Stripe


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[LicenseServer, Stripe]]:
    """A license server that sells."""
    with Stripe() as stripe:
        server = LicenseServer(tmp_path / "server", stripe.env)
        stripe.deliver_to(f"{server.url}/api/v1/payments/webhook")
        yield server, stripe
        server.close()
    assert not stripe.faults


@pytest.fixture
def buyer(shop: tuple[LicenseServer, Stripe], tmp_path: Path, email: str) -> Iterator[Device]:
    """A device with a new free account at it."""
    with ExitStack() as stack:
        device = Device(tmp_path / "buyer", shop[0], stack)
        device.account.sign_up(email, PASSWORD)
        yield device


class Payer:
    """Pays the open checkout while somebody waits for it, after so many questions were asked in vain."""

    def __init__(self, stripe: Stripe, card: str = GOOD, after: int = 2) -> None:
        self.stripe, self.card, self.after = stripe, card, after
        self.waited: list[float] = []

    def __call__(self, seconds: float) -> bool:
        self.waited.append(seconds)
        if len(self.waited) == self.after:
            with self.stripe.lock:
                (session,) = self.stripe.store.all("checkout.session", status="open")
            self.stripe.pay(session["id"], self.card)
            self.stripe.deliveries.settle()
        return False


def test_a_payment_is_noticed_by_the_next_question(buyer: Device, shop: tuple[LicenseServer, Stripe]) -> None:
    stripe = shop[1]
    assert buyer.account.billing.checkout("pro").startswith(stripe.address)
    payer = Payer(stripe)
    paid = buyer.account.billing.wait_for_another_tier("free", payer)
    assert paid is not None
    assert (paid.tier, paid.status) == ("pro", "active")
    assert payer.waited == [2.0, 2.0], "within five seconds of the payment"
    status = buyer.account.status()
    assert (status.tier, status.meters[Meter.TRIM].limit, status.payment) == ("pro", 100, None)
    with buyer.account.permit(Meter.TRIM, source_seconds=29 * 60) as permit:
        assert permit.units == 1


def test_waiting_ends_when_it_is_asked_to_and_outlasts_a_network_that_is_gone(
    buyer: Device, shop: tuple[LicenseServer, Stripe]
) -> None:
    server, stripe = shop
    buyer.account.billing.checkout("pro")
    assert buyer.account.billing.wait_for_another_tier("free", lambda _seconds: True) is None
    payer = Payer(stripe, after=1)

    def tunnel(seconds: float) -> bool:
        answer = payer(seconds)
        server.cut = len(payer.waited) == 1  # the question after the payment is lost
        return answer

    paid = buyer.account.billing.wait_for_another_tier("free", tunnel)
    assert paid is not None
    assert (paid.tier, len(payer.waited)) == ("pro", 2)


def test_who_pays_already_is_sent_to_the_portal(buyer: Device, shop: tuple[LicenseServer, Stripe]) -> None:
    stripe = shop[1]
    buyer.account.billing.checkout("pro")
    buyer.account.billing.wait_for_another_tier("free", Payer(stripe))
    with pytest.raises(ReelyError) as refused:
        buyer.account.billing.checkout("premium")
    assert (refused.value.code, refused.value.exit) == ("already-subscribed", Exit.ACCOUNT)
    assert buyer.account.billing.portal().startswith(stripe.address)


def test_a_tier_that_is_not_on_offer_is_told_before_anything_is_sent(buyer: Device) -> None:
    for tier in ("free", "gold"):
        with pytest.raises(ReelyError) as refused:
            buyer.account.billing.checkout(tier)
        assert (refused.value.code, refused.value.exit) == ("no-such-tier", Exit.USAGE)
        assert "pro and premium" in refused.value.hint


def test_a_server_that_sells_nothing_says_so(signed_in: Device) -> None:
    with pytest.raises(ReelyError) as refused:
        signed_in.account.billing.checkout("pro")
    assert (refused.value.code, refused.value.exit) == ("billing-unavailable", Exit.NETWORK)


def test_a_failed_renewal_is_told_with_its_grace(buyer: Device, shop: tuple[LicenseServer, Stripe]) -> None:
    server, stripe = shop
    buyer.account.billing.checkout("pro")
    buyer.account.billing.wait_for_another_tier("free", Payer(stripe, FAILS_LATER))
    stripe.advance(days=32)
    server.advance(days=32)
    stripe.deliveries.settle()
    status = buyer.account.status()
    assert status.tier == "pro"
    assert status.payment is not None
    assert status.payment.startswith("The last payment failed: Pro goes on until ")


_DAY = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("subscription", "words"),
    [
        (Subscription(tier="free"), None),
        (Subscription(tier="pro", status="active", current_period_end=_DAY), None),
        (
            Subscription(tier="pro", status="active", current_period_end=_DAY, cancel_at_period_end=True),
            "Pro is cancelled and ends on 1 December 2026",
        ),
        (Subscription(tier="pro", status="past_due", grace_until=_DAY), "Pro goes on until 1 December 2026"),
        (
            Subscription(tier="free", status="past_due"),
            "A payment failed, so the account is on the Free tier",
        ),
        (Subscription(tier="free", status="unpaid"), "A payment failed, so the account is on the Free tier"),
        (Subscription(tier="free", status="incomplete"), "finish it in your browser"),
        (Subscription(tier="free", status="paused"), "paused"),
        (Subscription(tier="free", status="canceled"), None),
    ],
)
def test_a_subscription_is_told_in_plain_words(subscription: Subscription, words: str | None) -> None:
    told = payment_words(subscription)
    assert (told is None) if words is None else (told is not None and words in told)
