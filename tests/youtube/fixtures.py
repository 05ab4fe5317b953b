"""The stand-in as pytest fixtures: name this module in `pytest_plugins` of `tests/conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.youtube.media import Media, encoded_media
from tests.youtube.server import YouTube


@pytest.fixture(scope="session")
def youtube_media() -> Media:
    """The recording that the stand-in serves; encoded once and kept in the system's temporary folder."""
    return encoded_media()


@pytest.fixture
def youtube(youtube_media: Media) -> Iterator[YouTube]:
    """A running stand-in of the test's own, well-behaved until told otherwise."""
    with YouTube(youtube_media) as running:
        yield running
    assert not running.log.faults, f"the stand-in itself failed: {running.log.faults!r}"
