"""What the project says of itself holds: pinned packages, set-up, documents."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _pinned(lock: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / lock).read_text().splitlines()
    found = (re.match(r"([A-Za-z0-9._-]+)==(\S+)", line) for line in lines)
    return {canonicalize_name(match[1]): match[2] for match in found if match}


@pytest.mark.parametrize("part", ["desktop", "server", "dev"])
def test_every_package_that_is_asked_for_is_pinned_in_a_version_that_fits(part: str) -> None:
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][part]]
    if part == "dev":
        wanted += [*PROJECT["optional-dependencies"]["desktop"], *PROJECT["optional-dependencies"]["server"]]
    pinned = _pinned(f"{part}.lock")
    for requirement in map(Requirement, wanted):
        if requirement.name == "reely" or (requirement.marker and not requirement.marker.evaluate()):
            continue
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in {part}.lock; run `make lock`"
        assert requirement.specifier.contains(version), f"{requirement} is pinned at {version}"


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda path: path.name)
def test_locks_carry_hashes_and_name_no_place(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in entry for entry in entries)


def test_every_document_that_is_linked_exists() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
