"""What a test may leave running or open, before and after."""

from __future__ import annotations

import gc
import sys
import threading
from dataclasses import dataclass, field
from typing import Any, Self

import psutil

# Threads that belong to libraries, live for the whole process, and hold nothing of ours.
_LASTING_THREADS = ("pytest_timeout",)


@dataclass(frozen=True)
class Belongings:
    """What this process has at a moment: threads, child processes, open files, running Qt timers."""

    threads: frozenset[threading.Thread]
    children: dict[int, str] = field(hash=False)
    files: frozenset[str]
    timers: dict[int, str] = field(hash=False)

    @classmethod
    def now(cls, *, qt: bool = True) -> Self:
        """Looks around; for Qt's timers only where `qt`, since finding them walks every object there is."""
        process = psutil.Process()
        return cls(
            threads=frozenset(threading.enumerate()),
            children=dict(map(_described, process.children(recursive=True))),
            # The system's read-only data (icon, font and MIME caches) is no one's to close.
            files=frozenset(f.path for f in process.open_files() if not f.path.startswith("/usr/share/")),
            timers=_running_timers() if qt else {},
        )

    def left_since(self, before: Belongings) -> list[str]:
        """What is there now and was not `before`, in words."""
        return [
            *(f"thread {t.name}" for t in self.threads - before.threads if _counts(t)),
            *(f"process {words}" for pid, words in self.children.items() if pid not in before.children),
            *(f"open file {path}" for path in self.files - before.files),
            *(f"Qt timer {words}" for key, words in self.timers.items() if key not in before.timers),
        ]


def _counts(thread: threading.Thread) -> bool:
    return thread.is_alive() and not thread.name.startswith(_LASTING_THREADS)


def _described(child: psutil.Process) -> tuple[int, str]:
    try:
        return child.pid, f"{child.pid} ({' '.join(child.cmdline()[:3])}, {child.status()})"
    except psutil.NoSuchProcess:
        return child.pid, f"{child.pid} (ending)"


def _running_timers() -> dict[int, str]:
    """Running timers and animations of Qt by identity; nothing where no test has used Qt yet."""
    core: Any = sys.modules.get("PySide6.QtCore")
    if core is None or core.QCoreApplication.instance() is None:
        return {}
    from shiboken6 import isValid

    running: dict[int, str] = {}
    for thing in gc.get_objects():
        if not isinstance(thing, core.QTimer | core.QAbstractAnimation) or not isValid(thing):
            continue
        active = (
            thing.isActive()
            if isinstance(thing, core.QTimer)
            else thing.state() == core.QAbstractAnimation.State.Running
        )
        if active:
            running[id(thing)] = f"of {thing.parent()!r}"
    return running
