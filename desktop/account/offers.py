"""Refusals that a tier could lift, in words: what is used up, what each tier would give, and its price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from desktop.account.models import Meter
from desktop.account.wire import MeterUsage, Subscription, Tier, Usage
from desktop.errors import Offer, TierRefusal

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNPAID = {"past_due", "unpaid", "incomplete_expired"}
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}


def counted(meter: Meter, units: int) -> str:
    """`5 trims`, `1 hook run`."""
    name = {Meter.TRIM: "trim", Meter.HOOK_RUN: "hook run"}[meter]
    return f"{units} {name}{'' if units == 1 else 's'}"


def price(tier: Tier) -> str:
    """`$9.99 a month`, `free`."""
    if tier.price_cents == 0:
        return "free"
    amount = f"{tier.price_cents // 100}.{tier.price_cents % 100:02d}"
    sign = _SIGNS.get(tier.currency.lower())
    return f"{sign}{amount} a month" if sign else f"{amount} {tier.currency.upper()} a month"


def length(seconds: float) -> str:
    """A length of a source: `5 minutes`, `2 hours`, `6:01`."""
    whole = round(seconds)
    if whole and whole % 3600 == 0:
        return f"{whole // 3600} hour{'' if whole == 3600 else 's'}"
    if whole and whole % 60 == 0:
        return f"{whole // 60} minute{'' if whole == 60 else 's'}"
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"


def day(moment: datetime) -> str:
    """`1 December 2026`, in UTC, without the locale's help."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def quota_exhausted(meter: Meter, units: int, usage: Usage, tiers: Sequence[Tier]) -> TierRefusal:
    """Not enough is left of `meter` this month for `units`."""
    ledger = usage.meters.get(meter) or MeterUsage(limit=0, settled=0, held=0, available=0)
    limit = ledger.limit or 0
    left = ledger.available or 0
    if limit == 0:
        what = f"The {_name(usage.tier, tiers)} tier has no {counted(meter, 0)[2:]}."
    elif left:
        what = (
            f"Only {counted(meter, left)} {'is' if left == 1 else 'are'} left this month; {units} are needed."
        )
    elif ledger.held:
        what = f"All {counted(meter, limit)} of this month are used, or held by your other devices."
    else:
        what = f"All {counted(meter, limit)} of this month are used."
    better = _offers(
        tiers,
        usage.tier,
        lambda tier: _more(tier.meters.get(meter, 0), limit),
        lambda tier: _a_month(meter, tier.meters.get(meter, 0)),
    )
    wait = f"until the month renews on {day(usage.period.ends_at)}"
    hint = f"{_upgrade_to(better)}, or wait {wait}." if better else f"Wait {wait}."
    return TierRefusal("quota-exhausted", what, hint, better)


def source_too_long(source_seconds: float, most: int, tier: str, tiers: Sequence[Tier]) -> TierRefusal:
    """The source is longer than the `most` seconds that `tier` trims."""
    better = _offers(
        tiers,
        tier,
        lambda other: other.max_source_seconds is None or other.max_source_seconds >= source_seconds,
        lambda other: (
            "sources of any length"
            if other.max_source_seconds is None
            else f"sources of up to {length(other.max_source_seconds)}"
        ),
    )
    return TierRefusal(
        "source-too-long",
        f"This source is {length(source_seconds)} long; the {_name(tier, tiers)} tier works on sources "
        f"of up to {length(most)}.",
        f"{_upgrade_to(better)}." if better else "No tier works on such long ones: split the source first.",
        better,
    )


def device_limit(tier: str, tiers: Sequence[Tier]) -> TierRefusal:
    """The account is on as many devices as `tier` allows."""
    own = next((known.devices for known in tiers if known.id == tier), None)
    better = _offers(
        tiers,
        tier,
        lambda other: own is not None and (other.devices or 0) > own,
        lambda other: f"{other.devices} devices",
    )
    count = f"{own} devices" if own else "as many devices as its tier allows"
    remove = "Remove a device that you no longer use (`reely account devices`)"
    return TierRefusal(
        "device-limit",
        f"This account is already used on {count}.",
        f"{remove}, or upgrade to {' or '.join(o.in_words for o in better)}." if better else f"{remove}.",
        better,
    )


def payment_words(subscription: Subscription) -> str | None:
    """What there is to know about a subscription; None while there is nothing to remark upon."""
    name, ends = subscription.tier.capitalize(), subscription.current_period_end
    if subscription.grace_until is not None:
        return (
            f"The last payment failed: {name} goes on until {day(subscription.grace_until)}. "
            "Update your card on the page where the subscription is managed."
        )
    if subscription.status in _UNPAID:
        return "A payment failed, so the account is on the Free tier. Update your card to have it back."
    if subscription.status == "incomplete":
        return "The first payment is not confirmed yet; finish it in your browser."
    if subscription.status == "paused":
        return "Your subscription is paused, so the account is on the Free tier."
    if subscription.cancel_at_period_end and ends is not None:
        return f"{name} is cancelled and ends on {day(ends)}; until then nothing changes."
    return None


def _offers(
    tiers: Sequence[Tier], current: str, helps: Callable[[Tier], bool], gives: Callable[[Tier], str]
) -> list[Offer]:
    better = sorted(
        (tier for tier in tiers if tier.id != current and helps(tier)), key=lambda t: t.price_cents
    )
    return [Offer(tier.id, gives(tier), price(tier), _perks(tier)) for tier in better]


def above(current: str, tiers: Sequence[Tier]) -> list[Offer]:
    """The tiers that cost more than the current one, cheapest first."""
    cost = next((tier.price_cents for tier in tiers if tier.id == current), 0)
    return _offers(
        tiers,
        current,
        lambda tier: tier.price_cents > cost,
        lambda tier: _a_month(Meter.TRIM, tier.meters.get(Meter.TRIM, 0)),
    )


def _perks(tier: Tier) -> tuple[str, ...]:
    perks = [_a_month(meter, tier.meters[meter]) for meter in Meter if meter in tier.meters]
    if tier.max_source_seconds is not None:
        perks.append(f"sources of up to {length(tier.max_source_seconds)}")
    if tier.devices is not None:
        perks.append(f"{tier.devices} devices")
    return tuple(perks)


def _upgrade_to(better: Sequence[Offer]) -> str:
    """`Upgrade to Pro (100 trims a month, $9.99 a month) or Premium (…)`."""
    return f"Upgrade to {' or '.join(offer.in_words for offer in better)}"


def _more(offered: int | None, limit: int) -> bool:
    return offered is None or offered > limit


def _a_month(meter: Meter, units: int | None) -> str:
    return f"unlimited {counted(meter, 0)[2:]}" if units is None else f"{counted(meter, units)} a month"


def _name(tier: str, tiers: Sequence[Tier]) -> str:
    return next((known.id for known in tiers if known.id == tier), tier).capitalize()
