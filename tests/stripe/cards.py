"""Card numbers and what comes of them: the ones that Stripe publishes for tests."""

from __future__ import annotations

GOOD = "4242424242424242"
FAILS_LATER = "4000000000000341"
"""Can be kept, and paid with at a checkout's first time, but no later charge goes through."""
DECLINED = "4000000000000002"

NAMES = {"pm_card_visa": GOOD, "pm_card_chargeCustomerFail": FAILS_LATER}
"""Payment methods that the API knows by name."""


def is_number(text: str) -> bool:
    """Whether it could be a card's number: digits with the right check digit (ISO/IEC 7812-1)."""
    if not text.isdigit() or not 12 <= len(text) <= 19:
        return False
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(text))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
