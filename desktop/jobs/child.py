"""The child's side of a job: read it from standard input, do it, answer with JSON lines.

The child's life is tied to its parent's: standard input stays open while the parent lives, and when it
ends, the child and everything that it started end too. Standard output belongs to the protocol alone;
whatever libraries print there is sent to standard error.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
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


def end_process_tree() -> None:
    """Kill everything that this process started, then this process. Does not return."""
    if os.name == "posix" and os.getpgid(0) == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    for process in psutil.Process().children(recursive=True):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    os._exit(1)


def run_child(registry: Registry) -> int:
    """Do the one job whose JSON is the first line of standard input. Returns the process's exit code."""
    protocol_out = _claim_stdout()
    write_lock = threading.Lock()

    def emit(message: Progress | Result | Failure) -> None:
        with write_lock:
            protocol_out.write(message.model_dump_json() + "\n")
            protocol_out.flush()

    line = sys.stdin.readline()
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    try:
        job, function = _decode(registry, line)
        result = function(job, ProgressWriter(emit))
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


def _claim_stdout() -> TextIO:
    """Keep the real standard output for the protocol; later writes to file descriptor 1 go to stderr."""
    protocol_fd = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(protocol_fd, "w", encoding="utf-8", newline="\n")


def _end_with_parent() -> None:
    # The raw descriptor: a thread that waits inside sys.stdin would hold its lock at interpreter shutdown.
    while os.read(0, 4096):
        pass
    end_process_tree()


def _decode(registry: Registry, line: str) -> tuple[Job, JobFunction]:
    kind = Job.model_validate_json(line, extra="ignore").kind
    model, function = registry[kind]()
    return model.model_validate_json(line), function


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
