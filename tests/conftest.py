"""What every test lives under: its own home, and nothing left behind."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.leaks import Belongings

if sys.platform == "linux" and not os.environ.get("DISPLAY") and shutil.which("Xvfb") is None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # else pytest-xvfb brings a display

pytest_plugins = ["tests.youtube.fixtures", "tests.stripe.fixtures"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own: no test reads or writes the user's files, keyring or proxy settings."""
    folder = tmp_path / "reely-home"
    monkeypatch.setenv("REELY_HOME", str(folder))
    for name in ("REELY_SERVER_URL", "REELY_OFFLINE", "REELY_PASSWORD", "REELY_FFMPEG"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return folder


@pytest.fixture(autouse=True, scope="module")
def nothing_unclosed() -> Iterator[None]:
    """What a file of tests forgot to close is told there, not in whatever test the collector runs next."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves a thread, a child process, an open file, or a Qt timer behind.

    Fixtures of a wider scope start their things before the first test's own set-up, so they are not counted.
    """
    qt = "qapp" in request.fixturenames
    before = Belongings.now(qt=qt)
    yield
    left = Belongings.now(qt=qt).left_since(before)
    if left:
        gc.collect()
        left = Belongings.now(qt=qt).left_since(before)
    if left:
        pytest.fail(f"{request.node.name} left behind: {'; '.join(left)}")
