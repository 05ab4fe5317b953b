"""Money at the stand-in: cards, invoices and their payment, refunds and disputes."""

from __future__ import annotations

from collections.abc import Iterable

from tests.stripe.cards import DECLINED, FAILS_LATER, NAMES
from tests.stripe.protocol import ApiError, Json, missing
from tests.stripe.store import Store


class Payments:
    """Takes money for invoices, and gives it back."""

    def __init__(self, store: Store, address: str) -> None:
        self._store = store
        self._address = address

    def use_card(self, customer: Json, number: str) -> None:
        """Makes the card the one that the customer pays with."""
        card = self._store.add(
            "payment_method",
            type="card",
            customer=customer["id"],
            card={"last4": number[-4:]},
            _number=number,
        )
        customer["invoice_settings"]["default_payment_method"] = card["id"]
        self._store.tell("payment_method.attached", card)
        self._store.tell("customer.updated", customer)

    def use_named_card(self, customer: Json, name: str) -> None:
        """The same with one of the payment methods that the API knows by name."""
        known = self._store.find(name)
        if name in NAMES:
            self.use_card(customer, NAMES[name])
        elif known is not None and known["object"] == "payment_method":
            customer["invoice_settings"]["default_payment_method"] = name
        else:
            raise missing("PaymentMethod", name, "payment_method", 400)

    def has_card(self, customer: Json) -> bool:
        return customer["invoice_settings"]["default_payment_method"] is not None

    def invoice(
        self,
        customer: Json,
        subscription: Json,
        reason: str,
        lines: Iterable[tuple[str, int]],
        *,
        period: tuple[int, int],
    ) -> Json:
        """A finalised invoice over lines of words and cents, less what the customer has as credit."""
        each_line = list(lines)
        total = sum(cents for _, cents in each_line)
        due = max(0, total + customer["balance"])
        customer["balance"] = min(0, total + customer["balance"])
        made = self._store.add("invoice")
        made |= {
            "customer": customer["id"],
            "currency": "usd",
            "billing_reason": reason,
            "collection_method": "charge_automatically",
            "status": "open",
            "total": total,
            "subtotal": total,
            "amount_due": due,
            "amount_paid": 0,
            "amount_remaining": due,
            "attempted": False,
            "attempt_count": 0,
            "auto_advance": True,
            "next_payment_attempt": None,
            "period_start": period[0],
            "period_end": period[1],
            "hosted_invoice_url": f"{self._address}/i/{made['id']}",
            "parent": {
                "type": "subscription_details",
                "quote_details": None,
                "subscription_details": {
                    "subscription": subscription["id"],
                    "metadata": subscription["metadata"],
                },
            },
            "lines": {
                "object": "list",
                "has_more": False,
                "url": f"/v1/invoices/{made['id']}/lines",
                "data": [
                    {
                        "id": f"il_{place}_{made['id']}",
                        "object": "line_item",
                        "amount": cents,
                        "description": words,
                    }
                    for place, (words, cents) in enumerate(each_line)
                ],
            },
            "payments": {
                "object": "list",
                "has_more": False,
                "url": f"/v1/invoice_payments?invoice={made['id']}",
                "data": [],
            },
            "metadata": {},
        }
        subscription["latest_invoice"] = made["id"]
        self._store.tell("invoice.created", made)
        self._store.tell("invoice.finalized", made)
        return made

    def collect(self, invoice: Json, *, first: bool = False) -> bool:
        """Tries to take what is due; whether it is paid. `first`: the person is there and pays."""
        customer = self._store.get("customer", invoice["customer"])
        if invoice["amount_remaining"] == 0:
            self._mark_paid(invoice)
            return True
        invoice["attempted"] = True
        invoice["attempt_count"] += 1
        charge = self._charge(customer, invoice["amount_remaining"], first=first)
        invoice["payments"]["data"].append(
            self._store.add(
                "invoice_payment",
                invoice=invoice["id"],
                amount_requested=charge["amount"],
                amount_paid=charge["amount"] if charge["paid"] else None,
                currency="usd",
                is_default=True,
                status="paid" if charge["paid"] else "open",
                payment={"type": "payment_intent", "payment_intent": charge["payment_intent"]},
            )
        )
        if not charge["paid"]:
            self._store.tell("invoice.payment_failed", invoice)
            return False
        self._mark_paid(invoice)
        return True

    def _mark_paid(self, invoice: Json) -> None:
        invoice |= {
            "status": "paid",
            "amount_paid": invoice["amount_due"],
            "amount_remaining": 0,
            "next_payment_attempt": None,
        }
        self._store.tell("invoice.paid", invoice)
        self._store.tell("invoice.payment_succeeded", invoice)

    def void(self, invoice: Json) -> None:
        """Nobody has to pay it any more."""
        if invoice["status"] != "open":
            raise ApiError(400, "You can only void open invoices.")
        invoice |= {"status": "void", "next_payment_attempt": None}
        self._store.tell("invoice.voided", invoice)

    def _charge(self, customer: Json, cents: int, *, first: bool) -> Json:
        card = self._store.find(customer["invoice_settings"]["default_payment_method"] or "")
        refused = {DECLINED} if first else {DECLINED, FAILS_LATER}
        paid = card is not None and card["_number"] not in refused
        intent = self._store.add(
            "payment_intent",
            customer=customer["id"],
            amount=cents,
            amount_received=cents if paid else 0,
            currency="usd",
            status="succeeded" if paid else "requires_payment_method",
            metadata={},
        )
        charge = self._store.add(
            "charge",
            customer=customer["id"],
            payment_intent=intent["id"],
            amount=cents,
            amount_captured=cents if paid else 0,
            amount_refunded=0,
            currency="usd",
            captured=paid,
            paid=paid,
            refunded=False,
            disputed=False,
            status="succeeded" if paid else "failed",
            failure_code=None if paid else "card_declined",
            metadata={},
        )
        intent["latest_charge"] = charge["id"]
        self._store.tell("charge.succeeded" if paid else "charge.failed", charge)
        self._store.tell("payment_intent.succeeded" if paid else "payment_intent.payment_failed", intent)
        return charge

    def refund(self, charge: Json, cents: int | None) -> Json:
        """Gives back some cents of a charge, or all that is left of it."""
        left = charge["amount_captured"] - charge["amount_refunded"]
        if left == 0:
            raise ApiError(400, "Charge has already been refunded.", code="charge_already_refunded")
        cents = left if cents is None else cents
        if not 0 < cents <= left:
            raise ApiError(400, "Refund amount is greater than unrefunded amount on charge.", param="amount")
        made = self._store.add(
            "refund",
            charge=charge["id"],
            payment_intent=charge["payment_intent"],
            amount=cents,
            currency="usd",
            status="succeeded",
            metadata={},
        )
        charge["amount_refunded"] += cents
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._store.tell("refund.created", made)
        self._store.tell("charge.refunded", charge)
        return made

    def dispute(self, charge: Json) -> Json:
        """The customer's bank takes the money back for now."""
        charge["disputed"] = True
        made = self._store.add(
            "dispute",
            charge=charge["id"],
            payment_intent=charge["payment_intent"],
            amount=charge["amount"],
            currency="usd",
            reason="fraudulent",
            status="needs_response",
            is_charge_refundable=False,
            metadata={},
        )
        self._store.tell("charge.dispute.created", made)
        self._store.tell("charge.dispute.funds_withdrawn", made)
        return made

    def decide_dispute(self, dispute: Json, *, won: bool) -> None:
        """The bank has decided for the merchant, or for its customer."""
        dispute["status"] = "won" if won else "lost"
        self._store.tell("charge.dispute.closed", dispute)
        if won:
            self._store.tell("charge.dispute.funds_reinstated", dispute)
