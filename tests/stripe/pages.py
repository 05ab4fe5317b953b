"""The pages that a person meets at Stripe: the checkout, the portal, and an invoice that can be paid."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from tests.stripe.protocol import Json

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 6vh auto; padding: 0 1rem; }
label, input { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input { padding: .5rem; margin: .2rem 0 .8rem; }
button { padding: .5rem 1rem; font: inherit; }
[role=alert] { color: #b00020; }
section { border-top: 1px solid #ccc; margin-top: 1rem; padding-top: 1rem; }
"""
_CARD = """
<label for="number">Card number</label>
<input id="number" name="number" inputmode="numeric" autocomplete="cc-number" required
placeholder="4242 4242 4242 4242">
"""


def checkout(session: Json, fault: str = "") -> str:
    """Where a checkout is paid, or left."""
    price = session["_price"]
    back = session["cancel_url"]
    leave = f'<p><a id="back" href="{escape(back)}">Back</a></p>' if back else ""
    return _page(
        f"Subscribe to {price['nickname']}",
        f"""<p>{_money(price["unit_amount"])} per month</p>{_alert(fault)}
<form method="post">{_CARD}<button type="submit">Subscribe</button></form>{leave}""",
    )


def over(session: Json) -> str:
    """What is left of a checkout that was paid or has expired."""
    return _page("This page has expired", f"<p>The checkout is {escape(session['status'])}.</p>")


def portal(
    session: Json, subscriptions: list[Json], unpaid: list[Json], prices: list[Json], fault: str = ""
) -> str:
    """Where a customer switches plans, cancels, resumes, and changes the card."""
    parts = [_subscription(each, prices) for each in subscriptions] or ["<p>You have no subscription.</p>"]
    parts += [
        f"<section><p>An invoice of {_money(each['amount_remaining'])} is unpaid.</p></section>"
        for each in unpaid
    ]
    parts.append(
        f"""<section><form method="post"><input type="hidden" name="do" value="card">{_CARD}
<button type="submit">Save the card</button></form></section>"""
    )
    if session["return_url"]:
        parts.append(f'<p><a id="return" href="{escape(session["return_url"])}">Return to Reely</a></p>')
    return _page("Manage your subscription", _alert(fault) + "".join(parts))


def invoice(about: Json, fault: str = "") -> str:
    """Where an invoice is paid."""
    if about["status"] != "open":
        return _page(f"This invoice is {about['status']}", "<p>There is nothing to do.</p>")
    return _page(
        f"Pay {_money(about['amount_remaining'])}",
        f'{_alert(fault)}<form method="post">{_CARD}<button type="submit">Pay</button></form>',
    )


def control(events: Iterable[Json], now: datetime) -> str:
    """Where whoever tries things by hand moves the clock."""
    rows = "".join(
        f"<li>{datetime.fromtimestamp(each['created'], UTC):%Y-%m-%d %H:%M} {escape(each['type'])}</li>"
        for each in events
    )
    return _page(
        "Stand-in for Stripe",
        f"""<p>It is {now:%Y-%m-%d %H:%M} UTC here.</p>
<form method="post" action="/advance"><label for="days">Days to let pass</label>
<input id="days" name="days" type="number" min="1" max="400" value="31">
<button type="submit">Advance</button></form>
<h2>Latest events</h2><ol>{rows}</ol>""",
    )


def _subscription(about: Json, prices: list[Json]) -> str:
    price = about["items"]["data"][0]["price"]
    ends = about["cancel_at_period_end"]
    buttons = [
        f"""<form method="post"><input type="hidden" name="do" value="switch">
<input type="hidden" name="subscription" value="{about["id"]}">
<input type="hidden" name="price" value="{other["id"]}">
<button type="submit">Switch to {escape(other["nickname"])}</button></form>"""
        for other in prices
        if other["id"] != price["id"]
    ]
    buttons.append(
        f"""<form method="post"><input type="hidden" name="do" value="{"resume" if ends else "cancel"}">
<input type="hidden" name="subscription" value="{about["id"]}">
<button type="submit">{"Do not cancel" if ends else "Cancel at the end of the period"}</button></form>"""
    )
    words = f"{price['nickname']}, {about['status']}" + (", ends with the period" if ends else "")
    return f'<section><p class="plan">{escape(words)}</p>{"".join(buttons)}</section>'


def _alert(fault: str) -> str:
    return f'<p role="alert">{escape(fault)}</p>' if fault else ""


def _money(cents: int) -> str:
    return f"${cents / 100:.2f}"


def _page(title: str, words: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{_STYLE}</style></head>
<body><main><h1>{escape(title)}</h1>{words}</main></body></html>
"""
