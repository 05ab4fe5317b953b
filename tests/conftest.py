"""What every test lives under: its own home, and nothing left behind."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

if sys.platform == "linux" and not os.environ.get("DISPLAY") and shutil.which("Xvfb") is None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # else pytest-xvfb brings a display

pytest_plugins = ["tests.youtube.fixtures"]

# Threads that belong to libraries, live for the whole process, and hold nothing of ours.
_LASTING_THREADS = ("pytest_timeout", "ThreadPoolExecutor-global")


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


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves a thread, a child process, an open file, or a Qt timer behind.

    Fixtures of a wider scope start their things before the first test's own set-up, so they are not counted.
    """
    process = psutil.Process()
    threads = set(threading.enumerate())
    children = {child.pid for child in process.children(recursive=True)}
    files = _open_files(process)
    yield
    left = _leftovers(process, threads, children, files)
    if left:
        gc.collect()
        left = _leftovers(process, threads, children, files)
    if left:
        pytest.fail(f"{request.node.name} left behind: {'; '.join(left)}")


def _leftovers(
    process: psutil.Process, threads: set[threading.Thread], children: set[int], files: set[str]
) -> list[str]:
    left = [
        f"thread {thread.name}"
        for thread in threading.enumerate()
        if thread not in threads and thread.is_alive() and not thread.name.startswith(_LASTING_THREADS)
    ]
    for child in process.children(recursive=True):
        if child.pid not in children:
            try:
                left.append(f"process {child.pid} ({' '.join(child.cmdline()[:3])}, {child.status()})")
            except psutil.NoSuchProcess:
                continue
    left += [f"open file {path}" for path in _open_files(process) - files]
    return left


def _open_files(process: psutil.Process) -> set[str]:
    """Open files that may be ours: the system's read-only data (icon, font and MIME caches) is not."""
    return {file.path for file in process.open_files() if not file.path.startswith("/usr/share/")}
