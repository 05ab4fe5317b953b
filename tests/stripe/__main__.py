"""`python -m tests.stripe [--port N] [--webhook URL]`: serve the stand-in until ended (Ctrl+C or SIGTERM)."""

from __future__ import annotations

import argparse
import signal
import threading

from tests.stripe.cards import DECLINED, FAILS_LATER, GOOD
from tests.stripe.server import Stripe


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on loopback; 0 (default) picks one")
    parser.add_argument(
        "--webhook",
        default="http://127.0.0.1:8000/api/v1/payments/webhook",
        help="where events are sent (default: a `reely-server run` on its usual port)",
    )
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    with Stripe(webhook=arguments.webhook, port=arguments.port) as stripe:
        print("environment of a license server:")
        for name, value in stripe.env.items():
            print(f"  {name}={value}")
        print(f"cards: {GOOD} pays, {FAILS_LATER} fails from the second month on, {DECLINED} is declined")
        print(f"events go to {arguments.webhook}")
        print(f"let time pass at {stripe.address}/", flush=True)
        # On Windows a wait without a limit cannot be interrupted.
        while not ended.wait(1.0):
            pass


if __name__ == "__main__":
    main()
