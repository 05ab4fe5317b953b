"""The installed app makes itself the one that opens `reely:` links; a checkout does not."""

from __future__ import annotations

import configparser
import shlex
import stat
import sys
from pathlib import Path

import pytest

from desktop.scheme import desktop_entry, register_in_freedesktop, register_scheme


@pytest.mark.parametrize(
    "path", ["/opt/reely/reely", "/home/ada/My Apps/reely", '/odd/"quoted" $HOME `id` 100% \\ back/reely']
)
def test_the_entry_starts_the_app_whatever_its_path_is_called(path: str) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(desktop_entry(Path(path)))
    entry = parser["Desktop Entry"]
    unescaped = entry["Exec"].replace("\\\\", "\\")
    program, *arguments = shlex.split(unescaped.replace("\\`", "`").replace("\\$", "$"))
    assert program.replace("%%", "%") == path
    assert arguments == ["app", "%u"]
    assert entry["MimeType"] == "x-scheme-handler/reely;"


def test_the_desktop_is_told_which_app_it_is(tmp_path: Path) -> None:
    told = tmp_path / "told"
    tool = tmp_path / "bin" / "xdg-mime"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" > "{told}"\n')
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    environment = {"XDG_DATA_HOME": str(tmp_path / "data"), "PATH": f"{tool.parent}:/usr/bin:/bin"}
    entry = register_in_freedesktop(Path("/opt/reely/reely"), environment)
    assert entry == tmp_path / "data" / "applications" / "reely.desktop"
    assert 'Exec="/opt/reely/reely" app %u' in entry.read_text()
    assert told.read_text() == "default reely.desktop x-scheme-handler/reely\n"
    before = entry.stat().st_mtime_ns
    register_in_freedesktop(Path("/opt/reely/reely"), environment)
    assert entry.stat().st_mtime_ns == before, "what is right is not written again"


def test_a_checkout_registers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    register_scheme()
    assert list(tmp_path.rglob("*.desktop")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the entry is Linux's")
def test_a_folder_that_cannot_be_written_is_no_failure_of_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(blocked))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    register_scheme()
    assert blocked.is_file()
