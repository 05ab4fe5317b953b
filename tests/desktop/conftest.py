"""What the rooms' tests share."""

from __future__ import annotations

import pytest

from tests.desktop.corpus import Corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Media files of every kind, made when they are first asked for."""
    return Corpus(tmp_path_factory.mktemp("corpus"))
