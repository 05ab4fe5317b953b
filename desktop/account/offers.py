"""Refusals that a tier could lift, in words: what is used up, what each tier would give, and its price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from desktop.account.models import Meter
from desktop.account.wire import MeterUsage, Tier, Usage
from desktop.errors import Exit, ReelyError

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
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


def quota_exhausted(meter: Meter, units: int, usage: Usage, tiers: Sequence[Tier]) -> ReelyError:
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
    upgrade = _upgrade(
        tiers,
        usage.tier,
        lambda tier: _more(tier.meters.get(meter, 0), limit),
        lambda tier: _a_month(meter, tier.meters.get(meter, 0)),
    )
    wait = f"until the month renews on {day(usage.period.ends_at)}"
    hint = f"{upgrade}, or wait {wait}." if upgrade else f"Wait {wait}."
    return ReelyError("quota-exhausted", what, hint, Exit.ACCOUNT)


def source_too_long(source_seconds: float, most: int, tier: str, tiers: Sequence[Tier]) -> ReelyError:
    """The source is longer than the `most` seconds that `tier` trims."""
    upgrade = _upgrade(
        tiers,
        tier,
        lambda other: other.max_source_seconds is None or other.max_source_seconds >= source_seconds,
        lambda other: (
            "sources of any length"
            if other.max_source_seconds is None
            else f"sources of up to {length(other.max_source_seconds)}"
        ),
    )
    return ReelyError(
        "source-too-long",
        f"This source is {length(source_seconds)} long; the {_name(tier, tiers)} tier works on sources "
        f"of up to {length(most)}.",
        f"{upgrade}." if upgrade else "No tier works on such long ones: split the source first.",
        Exit.ACCOUNT,
    )


def _upgrade(
    tiers: Sequence[Tier], current: str, helps: Callable[[Tier], bool], gives: Callable[[Tier], str]
) -> str:
    """`Upgrade to Pro (100 trims a month, $9.99 a month) or Premium (…)`; empty where no tier helps."""
    better = sorted(
        (tier for tier in tiers if tier.id != current and helps(tier)), key=lambda t: t.price_cents
    )
    parts = [f"{tier.id.capitalize()} ({gives(tier)}, {price(tier)})" for tier in better]
    return f"Upgrade to {' or '.join(parts)}" if parts else ""


def _more(offered: int | None, limit: int) -> bool:
    return offered is None or offered > limit


def _a_month(meter: Meter, units: int | None) -> str:
    return f"unlimited {counted(meter, 0)[2:]}" if units is None else f"{counted(meter, units)} a month"


def _name(tier: str, tiers: Sequence[Tier]) -> str:
    return next((known.id for known in tiers if known.id == tier), tier).capitalize()
