"""A dump and its keys bring everything back: people, and the leases of their devices, bit for bit."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url

from license_server.config import Config
from license_server.leases.keys import FixedKeys, new_seed
from tests.license_server.actors import Device, Person, TestClock, give_tier
from tests.license_server.postgresql import Cluster

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def _run(cluster: Cluster, program: str, *arguments: str) -> None:
    command = [str(cluster.bin / program), "--host", str(cluster.folder), "--username", "reely", *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.fixture
def restored(config: Config, cluster: Cluster, tmp_path: Path) -> Iterator[Callable[[], Config]]:
    """Dumps the server's database and restores it as another one; answers the configuration of that."""
    name = f"reely_{uuid.uuid4().hex}"
    old = make_url(config.database_url).database
    assert old is not None

    def restore() -> Config:
        dump = tmp_path / "reely.dump"
        _run(cluster, "pg_dump", "--format=custom", f"--file={dump}", old)
        _run(cluster, "createdb", name)
        _run(cluster, "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={name}", str(dump))
        return config.model_copy(update={"database_url": cluster.url(name)})

    yield restore
    cluster.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _after(person: Person, device: Device, app: Flask, clock: TestClock) -> tuple[Person, Device]:
    """The same person and device, who do not know that the server is another one."""
    same = Person(app, clock, person.email, person.access, person.refresh)
    return same, Device(same, device.key, device.id)


def test_people_and_their_leases_outlive_the_database(
    app: Flask,
    ada: Person,
    laptop: Device,
    clock: TestClock,
    restored: Callable[[], Config],
    start: Callable[[Config], Flask],
) -> None:
    give_tier(ada, "pro")
    lease = laptop.lease("the-first", trim=3)
    laptop.spend(lease)
    laptop.settled(lease)
    laptop.spend(lease)  # not reported yet
    before = ada.usage()
    again = start(restored())
    assert again.test_client().get("/health").get_json()["migrations"] == "ok"
    ada, laptop = _after(ada, laptop, again, clock)
    assert ada.usage() == before
    assert laptop.ask("the-first", trim=3).get_json()["lease"] == lease.token
    laptop.held(lease.token)
    results = laptop.settled(lease)["results"]
    assert [result["outcome"] for result in results] == ["duplicate", "applied"]
    assert ada.meter() == {"limit": 100, "settled": 2, "held": 1, "available": 97}
    ada.login()


def test_with_a_lost_lease_key_devices_still_report_and_get_new_leases(
    app: Flask,
    ada: Person,
    laptop: Device,
    clock: TestClock,
    restored: Callable[[], Config],
    start: Callable[[Config], Flask],
) -> None:
    lease = laptop.lease(trim=2)
    laptop.spend(lease)
    config = restored().model_copy(update={"lease_keys": FixedKeys.parse(new_seed())})
    ada, laptop = _after(ada, laptop, start(config), clock)
    with pytest.raises(KeyError):
        laptop.held(lease.token)  # its key is no longer published
    answer = laptop.settled(lease, return_rest=True, wants={"trim": 1})
    assert [result["outcome"] for result in answer["results"]] == ["applied"]
    laptop.held(answer["lease"])
    assert ada.meter() == {"limit": 5, "settled": 1, "held": 1, "available": 3}
