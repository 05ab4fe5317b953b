"""The counting month: from anniversary to anniversary, at the ends of months too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_server.usage.periods import period_at

moments = st.integers(1_577_836_800, 2_840_140_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@pytest.mark.parametrize(
    ("created", "at", "starts", "ends"),
    [
        ("2026-01-31T12:00", "2026-01-31T12:00", "2026-01-31", "2026-02-28"),
        ("2026-01-31T12:00", "2026-02-27T23:59", "2026-01-31", "2026-02-28"),
        ("2026-01-31T12:00", "2026-02-28T00:00", "2026-02-28", "2026-03-31"),
        ("2026-01-31T12:00", "2028-02-29T00:00", "2028-02-29", "2028-03-31"),
        ("2024-02-29T00:00", "2025-02-28T00:00", "2025-02-28", "2025-03-29"),
        ("2026-12-15T23:59", "2027-01-14T23:59", "2026-12-15", "2027-01-15"),
        ("2026-05-01T00:00", "2026-05-31T23:59", "2026-05-01", "2026-06-01"),
        ("2026-05-10T00:00", "2026-05-09T00:00", "2026-05-10", "2026-06-10"),
    ],
)
def test_a_period_runs_from_anniversary_to_anniversary(created: str, at: str, starts: str, ends: str) -> None:
    period = period_at(
        datetime.fromisoformat(created).replace(tzinfo=UTC), datetime.fromisoformat(at).replace(tzinfo=UTC)
    )
    assert period.id == starts
    assert period.starts_at == datetime.fromisoformat(starts).replace(tzinfo=UTC)
    assert period.ends_at == datetime.fromisoformat(ends).replace(tzinfo=UTC)


@given(created=moments, later=st.timedeltas(timedelta(0), timedelta(days=4000)))
def test_every_moment_lies_in_its_period(created: datetime, later: timedelta) -> None:
    at = created + later
    period = period_at(created, at)
    assert period.starts_at <= at < period.ends_at
    assert timedelta(days=28) <= period.ends_at - period.starts_at <= timedelta(days=31)


@given(created=moments, months=st.integers(1, 60))
def test_periods_follow_each_other_without_gap_or_drift(created: datetime, months: int) -> None:
    period = period_at(created, created)
    for _ in range(months):
        following = period_at(created, period.ends_at)
        assert following.starts_at == period.ends_at
        assert period_at(created, period.ends_at - timedelta(microseconds=1)) == period
        tomorrow_is_another_month = (following.starts_at + timedelta(days=1)).day == 1
        assert following.starts_at.day == created.day or tomorrow_is_another_month
        period = following


@given(created=moments, later=st.timedeltas(timedelta(0), timedelta(days=400)), hours=st.integers(-12, 14))
def test_the_zone_that_a_time_is_told_in_does_not_matter(
    created: datetime, later: timedelta, hours: int
) -> None:
    at = created + later
    zone = timezone(timedelta(hours=hours))
    assert period_at(created.astimezone(zone), at.astimezone(zone)) == period_at(created, at)
