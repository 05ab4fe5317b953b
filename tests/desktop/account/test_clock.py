"""The high-water clock: a wrong wall clock buys time at most, and a contact with the server puts it right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desktop.account.clock import FALL_BACK, Clock

seconds = st.floats(min_value=0, max_value=4e9)


@given(st.lists(seconds, min_size=1, max_size=30), seconds)
def test_time_never_goes_back_while_offline(walls: list[float], server: float) -> None:
    clock = Clock().online(walls[0], server)
    last = clock.now(walls[0])
    for wall in walls:
        clock = clock.advanced(wall)
        assert clock.now(wall) >= last
        last = clock.now(wall)


@given(seconds, seconds, st.lists(seconds, max_size=10))
def test_a_contact_puts_any_clock_right(wall: float, server: float, before: list[float]) -> None:
    clock = Clock()
    for earlier in before:
        clock = clock.advanced(earlier)
    assert abs(clock.online(wall, server).now(wall) - server) < 1e-3


@given(seconds, seconds, st.floats(min_value=0, max_value=1e6))
def test_time_goes_on_from_the_last_contact(wall: float, server: float, later: float) -> None:
    assert abs(Clock().online(wall, server).now(wall + later) - (server + later)) < 1e-3


def test_only_a_long_fall_back_is_remarked_upon() -> None:
    clock = Clock().online(wall=1_000_000, server=1_000_000)
    assert not clock.fell_back(1_000_000 - FALL_BACK + 1)
    assert clock.fell_back(1_000_000 - FALL_BACK - 1)
