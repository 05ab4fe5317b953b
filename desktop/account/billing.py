"""Moving to another tier: where to pay, what is paid for, and noticing that it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, repeat

from desktop.account import offers
from desktop.account.remote import Remote
from desktop.account.wire import Subscription, Tier
from desktop.errors import Exit, Offer, ReelyError

Pause = Callable[[float], bool]
"""Waits that many seconds; true if the waiting is to end."""


class Billing:
    """What a signed-in account pays. Every call blocks, and raises ReelyError."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def tiers(self) -> tuple[Tier, ...]:
        """The tiers on offer, cheapest first."""
        return self._remote.tiers()

    def offers(self) -> list[Offer]:
        """The tiers above the account's, with what they give and cost."""
        return offers.above(self.subscription().tier, self.tiers())

    def subscription(self) -> Subscription:
        """The tier, and the subscription behind it."""
        return self._remote.subscription()

    def checkout(self, tier: str) -> str:
        """The address of the page where `tier` is paid for.

        Raises `already-subscribed` (change it on the portal's page instead), `billing-unavailable`,
        `no-such-tier`.
        """
        offered = [each.id for each in self.tiers() if each.price_cents]
        if tier not in offered:
            raise ReelyError(
                "no-such-tier",
                f"There is no tier {tier!r} to upgrade to.",
                f"There is {' and '.join(offered)}." if offered else "This server sells nothing.",
                Exit.USAGE,
            )
        return self._remote.checkout(tier).checkout_url

    def portal(self) -> str:
        """The address of the page where plan and card are changed, and the subscription is cancelled."""
        return self._remote.portal().portal_url

    def wait_for_another_tier(self, before: str, pause: Pause) -> Subscription | None:
        """What is paid for once the tier is not `before` any more; None if `pause` or patience ended first.

        A network that is gone meanwhile is waited for too.
        """
        for seconds in _pauses():
            if pause(seconds):
                return None
            try:
                now = self.subscription()
            except ReelyError as error:
                if error.exit is not Exit.NETWORK:
                    raise
                continue
            if now.tier != before:
                return now
        return None


def _pauses() -> Iterator[float]:
    """Seconds between questions: 2 while somebody types a card number, then 4, and 20 up to two hours."""
    return chain(repeat(2.0, 90), repeat(4.0, 400), repeat(20.0, 270))
