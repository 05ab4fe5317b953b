"""Finding the ffmpeg executable, and never leaving one running."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import ffmpeg
import imageio_ffmpeg
import pytest

from desktop.errors import ReelyError
from desktop.media.ffmpeg import find_ffmpeg, running


def executable(path: Path) -> Path:
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o755)
    return path


def test_the_setting_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = executable(tmp_path / "my ffmpeg")
    monkeypatch.setenv("REELY_FFMPEG", str(chosen))
    assert find_ffmpeg() == chosen


def test_a_setting_that_names_nothing_is_told_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELY_FFMPEG", str(tmp_path / "nothing"))
    with pytest.raises(ReelyError) as failure:
        find_ffmpeg()
    assert failure.value.code == "ffmpeg-missing"


def test_the_one_next_to_the_frozen_app_comes_before_the_package_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    neighbour = executable(tmp_path / ("ffmpeg.exe" if os.name == "nt" else "ffmpeg"))
    assert find_ffmpeg() == Path(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "reely"))
    assert find_ffmpeg() == neighbour


def endless() -> ffmpeg.nodes.OutputStream:
    """A picture that never ends."""
    return ffmpeg.input("color=s=64x64", f="lavfi").output("pipe:1", f="rawvideo")


def test_an_encoder_ends_with_the_block_that_runs_it() -> None:
    # That nothing is left running is checked for every test (tests/conftest.py).
    def give_up_halfway() -> None:
        with running(endless()) as process:
            assert process.stdout.read(4096)
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        give_up_halfway()


def test_a_failed_encoder_is_told_in_its_last_words() -> None:
    output = ffmpeg.input("file:/nowhere/at all.mp4").output("pipe:1", f="null")
    with running(output) as process:
        process.stdout.read()
        with pytest.raises(ReelyError, match="No such file") as failure:
            process.finish()
    assert failure.value.code == "ffmpeg-failed"
