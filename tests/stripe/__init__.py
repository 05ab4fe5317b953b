"""A stand-in for Stripe on loopback, which the real `stripe` package and a real browser speak with.

    with Stripe(webhook="http://127.0.0.1:8000/api/v1/payments/webhook") as stripe:
        subprocess.run([..., "reely-server", "run"], env=os.environ | stripe.env)

It has prices, customers, checkout and portal pages, subscriptions, invoices, refunds, disputes, signed events
and a clock (`stripe.advance(days=31)`). Tests take it as the fixture `stripe`
(`tests.stripe.fixtures`); `python -m tests.stripe` serves it by hand.
"""

from tests.stripe.cards import DECLINED, FAILS_LATER, GOOD
from tests.stripe.server import Stripe

__all__ = ["DECLINED", "FAILS_LATER", "GOOD", "Stripe"]
