"""Which tier an account has, until when, and which tiers would do for what it wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVarTuple

from sqlalchemy import Select, bindparam, select

from license_server.accounts.models import Account
from license_server.billing.models import Subscription
from license_server.clock import now
from license_server.database import db
from license_server.errors import TierOffer
from license_server.tiers.catalogue import BY_ID, FREE, TIERS, Tier
from license_server.tiers.models import Gift

Columns = TypeVarTuple("Columns")


@dataclass(frozen=True)
class Standing:
    """The tier that an account has now; `until` is when it ends if nothing changes, None if never."""

    tier: Tier
    until: datetime | None


STANDING = (Gift.tier, Gift.until, Subscription.tier, Subscription.access_until)
"""What a statement `with_standing` asks for, and `standing_of` is told."""


def with_standing(statement: Select[*Columns]) -> Select[*Columns]:
    """The statement, which has accounts in it, with what they were given and what they pay for."""
    return statement.outerjoin(Gift, Gift.account_id == Account.id).outerjoin(
        Subscription, Subscription.account_id == Account.id
    )


def standing_of(
    given: str | None, given_until: datetime | None, paid: str | None, paid_until: datetime | None
) -> Standing:
    """The tier at this moment: the best of what was given and what is paid for."""
    at = now()
    best = max(
        (
            (tier, until)
            for tier, until in ((given, given_until), (paid, paid_until))
            if tier and tier != FREE.id and until and until > at
        ),
        key=lambda each: (TIERS.index(BY_ID[each[0]]), each[1]),
        default=None,
    )
    return Standing(FREE, None) if best is None else Standing(BY_ID[best[0]], best[1])


_STANDING = with_standing(select(*STANDING).select_from(Account)).where(Account.id == bindparam("account_id"))


def standing(account_id: str) -> Standing:
    """The tier that the account has at this moment."""
    row = db.session.execute(_STANDING, {"account_id": account_id}).one_or_none()
    return Standing(FREE, None) if row is None else standing_of(*row)


def give(account_id: str, tier: Tier, until: datetime) -> None:
    """Gives the account a complimentary tier until a moment, in place of an earlier gift."""
    db.session.merge(Gift(account_id=account_id, tier=tier.id, until=until, created_at=now()))


def offers_with(above: Tier, feature: str) -> list[TierOffer]:
    """The tiers above one that have a feature, cheapest first; it has no count, so no limit."""
    return [
        TierOffer(id=tier.id, price_cents=tier.price_cents, currency=tier.currency, limit=None)
        for tier in TIERS[TIERS.index(above) + 1 :]
        if feature in tier.features
    ]


def offers(above: Tier, limit: Callable[[Tier], int | None]) -> list[TierOffer]:
    """The tiers above one that allow more of what `limit` tells, cheapest first."""
    present = limit(above)
    return [
        TierOffer(id=tier.id, price_cents=tier.price_cents, currency=tier.currency, limit=limit(tier))
        for tier in TIERS[TIERS.index(above) + 1 :]
        if present is not None and (limit(tier) is None or limit(tier) > present)  # type: ignore[operator]
    ]
