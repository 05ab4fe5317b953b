"""What the containers are made of exists, and what they are told is what the server reads."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from license_server import config as configuration

FOLDER = Path("packaging/server")


def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
    return found


def test_everything_that_is_copied_is_there_and_let_in() -> None:
    copied = [
        source
        for line in re.findall(
            r"^COPY (?!--from)(.*)$", (FOLDER / "Dockerfile").read_text("utf-8"), re.MULTILINE
        )
        for source in line.split()[:-1]
    ]
    let_in = [
        line[1:]
        for line in (FOLDER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    ]
    assert {"license_server", "requirements/server.lock"} <= set(copied)
    for source in copied:
        assert Path(source).exists(), source
        assert any(fnmatch.fnmatch(source, pattern) for pattern in let_in), source
    assert set(let_in) == set(copied)


def test_the_lock_of_the_server_has_all_that_gunicorn_needs_and_nothing_of_the_desktop() -> None:
    lock = Path("requirements/server.lock").read_text("utf-8")
    packages = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert {"flask", "gunicorn", "psycopg-binary", "redis", "stripe"} <= packages
    assert not {"av", "pyside6-essentials", "yt-dlp"} & packages


def test_every_variable_of_the_compose_file_is_one_that_the_server_reads() -> None:
    read = {*configuration._VARIABLES.values(), "WEB_CONCURRENCY"}
    ours = [service for service in _compose()["services"].values() if service["image"] == "reely-server"]
    assert len(ours) == 3
    for service in ours:
        assert set(service["environment"]) <= read
        assert {"DATABASE_URL", "REDIS_URL", "REELY_ENV"} <= set(service["environment"])
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_only_the_server_is_reached_from_outside_and_only_from_this_machine() -> None:
    compose = _compose()
    published = {
        name: service["ports"] for name, service in compose["services"].items() if "ports" in service
    }
    assert published == {"server": ["127.0.0.1:8000:8000"]}
    assert compose["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis"):
        assert compose["services"][name]["networks"] == ["inside"]
