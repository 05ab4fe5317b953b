"""A connection is left when it stalls, trickles or is throttled, and kept when the network is just slow."""

from __future__ import annotations

from desktop.source.pace import LEAST, Need, Pace, StalledError

PATIENCE = 20.0
MANY = 1 << 30


class Connection:
    """Bytes that come at given speeds, on a clock of its own."""

    def __init__(self, need: Need) -> None:
        self._now = 0.0
        self._pace = Pace(PATIENCE, need, lambda: self._now)

    def flows(self, speed: float, seconds: float, left: int = MANY) -> bool:
        """Whether it is still wanted after `seconds` at `speed` bytes/s."""
        try:
            for _ in range(round(seconds * 2)):
                self._now += 0.5
                self._pace.came(round(speed / 2), left)
        except StalledError:
            return False
        return True


def test_a_steady_connection_is_kept() -> None:
    for speed in (100_000, 10_000_000):
        assert Connection(Need(50_000)).flows(speed, 600)


def test_a_trickle_is_a_stall() -> None:
    assert not Connection(Need(0)).flows(LEAST / PATIENCE / 2, PATIENCE)


def test_a_connection_that_becomes_far_slower_than_it_was_is_left_soon() -> None:
    connection = Connection(Need(50_000))
    assert connection.flows(4_000_000, 10)
    assert not connection.flows(80_000, PATIENCE / 2)


def test_a_connection_that_becomes_a_little_slower_is_kept() -> None:
    connection = Connection(Need(50_000))
    assert connection.flows(4_000_000, 10)
    assert connection.flows(1_000_000, 60)


def test_slower_than_the_stream_plays_is_left_twice_and_then_taken_as_it_is() -> None:
    need = Need(500_000)
    assert [Connection(need).flows(100_000, 60) for _ in range(4)] == [False, False, True, True]
    assert Connection(need).flows(900_000, 60)
    assert not Connection(need).flows(100_000, 60)  # it has been better since


def test_what_is_nearly_over_is_not_begun_anew() -> None:
    connection = Connection(Need(50_000))
    assert connection.flows(4_000_000, 10)
    assert connection.flows(80_000, 10, left=100_000)
