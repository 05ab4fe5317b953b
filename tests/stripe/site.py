"""What the pages do: which address shows which page, and what becomes of their forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.stripe import pages
from tests.stripe.checkout import CardError
from tests.stripe.protocol import ApiError, Json

if TYPE_CHECKING:
    from tests.stripe.server import Stripe

Answer = tuple[int, str | None, str]
"""Status, where to go instead, and HTML."""


class Site:
    """The pages of one stand-in. Whoever calls holds its lock."""

    def __init__(self, stripe: Stripe) -> None:
        self._stripe = stripe

    def answer(self, method: str, path: str, form: dict[str, str]) -> Answer:
        parts = path.strip("/").split("/")
        posted = method == "POST"
        try:
            match parts:
                case ["c", "pay", id]:
                    return self._checkout(self._stripe.store.get("checkout.session", id), form, posted)
                case ["p", "session", id]:
                    return self._portal(self._stripe.store.get("billing_portal.session", id), form, posted)
                case ["i", id]:
                    return self._invoice(self._stripe.store.get("invoice", id), form, posted)
                case ["advance"] if posted:
                    self._stripe.advance(days=int(form["days"]))
                    return 303, "/", ""
                case [""]:
                    events = list(self._stripe.store.all("event"))[:20]
                    return 200, None, pages.control(events, self._stripe.clock())
        except ApiError as refusal:
            return refusal.status, None, str(refusal)
        return 404, None, "There is nothing here."

    def _checkout(self, session: Json, form: dict[str, str], posted: bool) -> Answer:
        if posted:
            try:
                self._stripe.checkout.pay(session, _number(form))
            except CardError as fault:
                return 402, None, pages.checkout(session, str(fault))
            return 303, self._stripe.checkout.after_paying(session), ""
        return 200, None, pages.checkout(session) if session["status"] == "open" else pages.over(session)

    def _portal(self, session: Json, form: dict[str, str], posted: bool) -> Answer:
        fault = ""
        if posted:
            try:
                self._manage(session, form)
            except CardError as error:
                fault = str(error)
            else:
                return 303, f"/p/session/{session['id']}", ""
        checkout = self._stripe.checkout
        prices = list(self._stripe.store.all("price", active=True))
        shown = pages.portal(
            session, checkout.subscriptions_of(session), checkout.unpaid_of(session), prices, fault
        )
        return 402 if fault else 200, None, shown

    def _manage(self, session: Json, form: dict[str, str]) -> None:
        store, subscriptions = self._stripe.store, self._stripe.subscriptions
        if form["do"] == "card":
            self._stripe.checkout.change_card(store.get("customer", session["customer"]), _number(form))
            return
        subscription = store.get("subscription", form["subscription"])
        if form["do"] == "switch":
            self._stripe.checkout.switch(subscription, store.get("price", form["price"]))
        else:
            subscriptions.cancel_at_period_end(subscription, wanted=form["do"] == "cancel")

    def _invoice(self, invoice: Json, form: dict[str, str], posted: bool) -> Answer:
        if posted and invoice["status"] == "open":
            customer = self._stripe.store.get("customer", invoice["customer"])
            try:
                self._stripe.checkout.change_card(customer, _number(form))
            except CardError as fault:
                return 402, None, pages.invoice(invoice, str(fault))
        return 200, None, pages.invoice(invoice)


def _number(form: dict[str, str]) -> str:
    return form.get("number", "").replace(" ", "")
