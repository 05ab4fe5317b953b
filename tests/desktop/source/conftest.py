"""What the tests of sources share: a stand-in for extractions that nobody disturbs, each made once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.errors import ReelyError
from desktop.source.extract import extract
from desktop.source.jobs import ExtractJob
from desktop.source.links import VideoLink, parse_source
from desktop.source.models import Source
from tests.youtube import Media, YouTube

Opened = Callable[[str], Source | ReelyError]


def video_link(text: str) -> VideoLink:
    """The link that `text` is known to be."""
    link = parse_source(text)
    assert isinstance(link, VideoLink)
    return link


def silent(stage: str, fraction: float) -> None:
    """A report that nobody reads."""


@pytest.fixture
def online(youtube: YouTube, monkeypatch: pytest.MonkeyPatch) -> YouTube:
    """The test's own stand-in, with an environment that leads to it."""
    for name, value in youtube.env.items():
        monkeypatch.setenv(name, value)
    return youtube


@pytest.fixture(scope="session")
def undisturbed(youtube_media: Media) -> Iterator[YouTube]:
    """A stand-in that always behaves well."""
    with YouTube(youtube_media) as running:
        yield running
    assert not running.log.faults


@pytest.fixture(scope="session")
def opened(undisturbed: YouTube, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Opens a link, once a session: the source, or the error with which it was refused."""
    cache = tmp_path_factory.mktemp("extracted")
    answers: dict[str, Source | ReelyError] = {}

    def open_link(text: str) -> Source | ReelyError:
        if text not in answers:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in undisturbed.env.items():
                    patch.setenv(name, value)
                try:
                    answers[text] = extract(ExtractJob(link=video_link(text), cache=cache), silent)
                except ReelyError as error:
                    answers[text] = error
            # The stand-in outlives the test; its threads end once they have seen that the client has gone.
            for thread in threading.enumerate():
                if "process_request_thread" in thread.name:
                    thread.join(10)
        return answers[text]

    return open_link


@pytest.fixture
def plain(opened: Opened) -> Source:
    """The stand-in's plain video."""
    source = opened("https://youtu.be/PlainVideo1?t=12")
    assert isinstance(source, Source)
    return source


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
