"""The child's side of jobs: read one from standard input, do it, answer with JSON lines, wait for the next.

The child's life is tied to its parent's: standard input stays open while the parent lives, and when it
ends, the child and everything that it started end too. A job that fails ends the child as well, so that
nothing of it meets the next one. Standard output belongs to the protocol alone;
whatever libraries print there is sent to standard error.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

import psutil
from pydantic import BaseModel

from desktop.errors import Exit, ReelyError, internal_error
from desktop.jobs.progress import ProgressWriter
from desktop.jobs.protocol import Failure, Job, Progress, Report, Result

JobFunction = Callable[[Any, Report], BaseModel]
"""`fn(job, report) -> result`; raises ReelyError for every failure that a user can meet."""

Registry = Mapping[str, Callable[[], tuple[type[Job], JobFunction]]]
"""For each kind of job a loader of its model and function, so that a child imports only what it does."""


_CONSOLE = "conhost.exe"
"""What Windows starts beside a process, and ends with it; the process would not outlive it."""


def end_process_tree() -> None:
    """Kill everything that this process started, then this process. Does not return."""
    if _leads_a_group():
        os.killpg(os.getpid(), signal.SIGKILL)
    _end_children()
    os._exit(1)


def run_child(registry: Registry, ahead: Sequence[str] = ()) -> int:
    """Do the jobs whose JSON comes a line each on standard input. Returns the process's exit code.

    `ahead` are kinds of jobs whose imports are made while there is nothing else to do.
    """
    protocol_out = _claim_stdout()
    write_lock = threading.Lock()

    def emit(message: Progress | Result | Failure) -> None:
        with write_lock:
            protocol_out.write(message.model_dump_json() + "\n")
            protocol_out.flush()

    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(lines,), name="parent-watch", daemon=True).start()
    loader = _Loader(registry)
    threading.Thread(target=loader.load, args=(ahead,), name="imports", daemon=True).start()
    while True:
        code = _do(lines.get(), loader, emit)
        if code:
            return code


def _do(line: bytes, loader: _Loader, emit: Callable[[Progress | Result | Failure], None]) -> int:
    """Do one job and tell what came of it; 0 if it succeeded, then nothing that it started is left."""
    try:
        job, function = loader.decode(line)
        result = function(job, ProgressWriter(emit))
        _end_children()
        emit(Result(data=result.model_dump(mode="json")))
    except ReelyError as error:
        emit(Failure.of(error))
        return int(error.exit)
    except OSError as error:
        traceback.print_exc()
        emit(Failure.of(_from_os_error(error)))
        return int(Exit.DISK)
    except Exception as error:  # noqa: BLE001 - the boundary of the process: told as a failure with a code
        traceback.print_exc()
        emit(Failure.of(internal_error(error)))
        return int(Exit.MEDIA)
    return 0


class _Loader:
    """Imports what jobs need: one kind after the other, for two threads may meet half of a module."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = threading.Lock()

    def load(self, kinds: Sequence[str]) -> None:
        """Import ahead; what cannot be imported is told when it is needed."""
        for kind in kinds:
            try:
                with self._lock:
                    self._registry[kind]()
            except Exception:  # noqa: BLE001 - the same happens to the job, which tells it
                traceback.print_exc()

    def decode(self, line: bytes) -> tuple[Job, JobFunction]:
        kind = Job.model_validate_json(line, extra="ignore").kind
        with self._lock:
            model, function = self._registry[kind]()
        return model.model_validate_json(line), function


def _claim_stdout() -> TextIO:
    """Keep the real standard output for the protocol; later writes to file descriptor 1 go to stderr."""
    protocol_fd = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(protocol_fd, "w", encoding="utf-8", newline="\n")


def _read_lines(lines: queue.SimpleQueue[bytes]) -> None:
    """Pass on what the parent says, and end with it."""
    # The raw descriptor: a thread that waits inside sys.stdin would hold its lock at interpreter shutdown.
    waiting = b""
    while data := os.read(0, 64 * 1024):
        *whole, waiting = (waiting + data).split(b"\n")
        for line in whole:
            lines.put(line)
    end_process_tree()


def _leads_a_group() -> bool:
    return os.name == "posix" and os.getpgid(0) == os.getpid()


def _end_children() -> None:
    """Kill everything that this process started; in a group of its own also what its children left behind."""
    own = os.getpid()
    if not _leads_a_group():
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.name().lower() != _CONSOLE:
                    process.kill()
        return
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid != own and os.getpgid(pid) == own:
                os.kill(pid, signal.SIGKILL)


def _from_os_error(error: OSError) -> ReelyError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ReelyError(
            "disk-full",
            "The disk is full.",
            "Free some space or choose another folder, then try again. Nothing half-written was kept.",
            Exit.DISK,
        )
    return ReelyError(
        "disk-error",
        f"The disk or folder did not allow it: {error.strerror or error}.",
        "Check that the folder exists and that you may write to it, then try again.",
        Exit.DISK,
    )
