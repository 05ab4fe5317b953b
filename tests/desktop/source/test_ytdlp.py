"""yt-dlp is opened without a word of its own, with the JavaScript runtime where there is one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from desktop.source.extract import deno_path, extract
from desktop.source.jobs import ExtractJob
from desktop.source.links import VideoLink
from desktop.source.ytdlp import Sentences, opened_ytdlp
from tests.desktop.source.conftest import silent
from tests.youtube import YouTube
from tests.youtube.catalogue import PLAIN


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a frozen app."""
    folder = tmp_path / "app"
    folder.mkdir()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(folder / "_internal"), raising=False)
    monkeypatch.setattr(sys, "executable", str(folder / "reely"))
    return folder


def test_the_runtime_comes_with_its_package() -> None:
    path = deno_path()
    assert path is not None
    assert path.is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="the name ends in .exe there")
@pytest.mark.parametrize("place", ["_internal/bin/deno", "deno"])
def test_the_frozen_app_has_its_own(frozen: Path, place: str) -> None:
    assert deno_path() is None
    inside = frozen / place
    inside.parent.mkdir(parents=True, exist_ok=True)
    inside.touch()
    assert deno_path() == inside


def test_without_a_runtime_the_streams_that_need_none_remain(
    online: YouTube, cache: Path, frozen: Path
) -> None:
    job = ExtractJob(link=VideoLink(url=online.url(PLAIN), video_id=PLAIN.id), cache=cache)
    assert extract(job, silent).streams


def test_nothing_is_printed_and_warnings_are_kept(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sentences = Sentences()
    with opened_ytdlp(cache, sentences, patience=1) as ydl:
        ydl.to_screen("a word")
        ydl.report_warning("a warning")
        ydl.to_stderr("an error")
    assert sentences.warnings == ["a warning"]
    assert capfd.readouterr() == ("", "")
