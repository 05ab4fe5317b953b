"""32 connections of a real PostgreSQL race for the last units, and get what there is and no more."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from flask import Flask

from license_server.config import Config
from tests.license_server.actors import Device, Person, TestClock, give_tier, on_both_databases

CONNECTIONS = 32
SERVERS = 4
"""Each has a pool of 15 connections, as a process of a deployment has."""
GRANTED_BEFORE = 95
LEFT = 5

on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def servers(config: Config, start: Callable[[Config], Flask]) -> list[Flask]:
    """Servers over one database, as processes of a deployment are."""
    return [start(config) for _ in range(SERVERS)]


@pytest.fixture
def devices(servers: list[Flask], clock: TestClock) -> list[Device]:
    """Three devices of one account on Pro, on which all trims but the last five are granted."""
    ada = Person(servers[0], clock, "ada@example.com")
    ada.register()
    give_tier(ada, "pro")
    devices = [Device(ada) for _ in range(3)]
    for device in devices:
        assert device.add().status_code == 201
    devices[0].lease(trim=GRANTED_BEFORE)
    return devices


@contextmanager
def _account_locked(config: Config) -> Iterator[Callable[[], int]]:
    """Holds the account's row, so that everybody is in the race before it begins; tells how many wait."""
    url = config.database_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as observer:
        holder.execute("SELECT id FROM accounts FOR UPDATE")

        def waiting() -> int:
            row = observer.execute(
                "SELECT count(DISTINCT pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
            assert row is not None
            return int(row[0])

        yield waiting
        holder.rollback()


def _race(config: Config, calls: list[Callable[[], None]]) -> None:
    """Makes the calls, each on a connection of its own, all of which wait for the account's row first."""
    with _account_locked(config) as waiting:
        threads = [threading.Thread(target=call) for call in calls]
        for thread in threads:
            thread.start()
        pause = threading.Event()
        while waiting() < len(calls):
            assert all(thread.is_alive() for thread in threads), "a call did not wait for its turn"
            pause.wait(0.02)  # PostgreSQL tells nobody that somebody has begun to wait
    for thread in threads:
        thread.join()


def _at(device: Device, server: Flask) -> Device:
    """The same device, calling another server."""
    person = device.person
    other = Person(server, person.clock, person.email, person.access, person.refresh)
    return Device(other, key=device.key, id=device.id)


@on_postgresql
def test_32_connections_that_want_the_last_units_get_each_of_them_once(
    config: Config, servers: list[Flask], devices: list[Device]
) -> None:
    outcomes: list[tuple[int, int]] = []

    def ask(number: int) -> None:
        device = _at(devices[number % 3], servers[number % SERVERS])
        answer = device.ask(trim=1)
        granted = 0
        if answer.status_code == 200:
            granted = device.held(answer.get_json()["lease"]).claims["grants"]["trim"]
        outcomes.append((answer.status_code, granted))

    _race(config, [lambda number=number: ask(number) for number in range(CONNECTIONS)])  # type: ignore[misc]
    assert Counter(outcomes) == {(200, 1): LEFT, (403, 0): CONNECTIONS - LEFT}
    assert devices[0].person.meter() == {"limit": 100, "settled": 0, "held": 100, "available": 0}


@on_postgresql
def test_32_connections_that_report_the_same_spends_have_them_billed_once(
    config: Config, servers: list[Flask], devices: list[Device]
) -> None:
    device = devices[1]
    lease = device.lease(trim=LEFT)
    for _ in range(LEFT):
        device.spend(lease)
    outcomes: Counter[str] = Counter()

    def report(number: int) -> None:
        answer = _at(device, servers[number % SERVERS]).settled(lease)
        outcomes.update(result["outcome"] for result in answer["results"])

    _race(config, [lambda number=number: report(number) for number in range(CONNECTIONS)])  # type: ignore[misc]
    assert outcomes == {"applied": LEFT, "duplicate": LEFT * (CONNECTIONS - 1)}
    assert devices[0].person.meter() == {"limit": 100, "settled": LEFT, "held": 95, "available": 0}


@on_postgresql
def test_32_connections_that_settle_return_and_ask_at_once_leave_a_balanced_ledger(
    config: Config, servers: list[Flask], devices: list[Device]
) -> None:
    """Half of them give back what they hold of the last units, and half want it."""
    leases = [devices[1].lease(f"held-{number}", trim=1) for number in range(LEFT)]
    granted: list[int] = []

    def turn(number: int) -> None:
        server = servers[number % SERVERS]
        if number % 2:
            answer = _at(devices[2], server).ask(trim=1)
            assert answer.status_code in {200, 403}
            granted.append(answer.status_code == 200)
        else:
            lease = leases[number // 2 % LEFT]
            _at(devices[1], server).settled(lease, return_rest=True)

    _race(config, [lambda number=number: turn(number) for number in range(CONNECTIONS)])  # type: ignore[misc]
    meter = devices[0].person.meter()
    assert meter["held"] == GRANTED_BEFORE + sum(granted)
    assert meter["held"] + meter["available"] == 100


@on_both_databases
def test_a_device_limit_holds_however_many_are_added_at_once(app: Flask, ada: Person) -> None:
    statuses: list[int] = []
    gate = threading.Barrier(10)

    def add() -> None:
        gate.wait()
        statuses.append(Device(ada).add().status_code)

    threads = [threading.Thread(target=add) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(statuses) == {201: 2, 409: 8}
