"""The parent's side of a job: start the child, pass its progress on, stop it, notice when it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from typing import IO, Any, TypeVar

import psutil
from pydantic import BaseModel, ValidationError

from desktop.errors import Exit, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import MESSAGE, Failure, Job, Progress, Result

Answer = TypeVar("Answer", bound=BaseModel)

_STDERR_TAIL = 64 * 1024  # bytes of a failed child's standard error that are kept for the log


class Supervisor:
    """Runs jobs, each in a child process of its own.

    `command` starts a child that calls `run_child`; `log` gets what a failed child printed on stderr.
    """

    def __init__(self, command: Sequence[str], log: Callable[[str], None] = lambda _text: None) -> None:
        self._command = list(command)
        self._log = log

    def run(
        self,
        job: Job,
        answer: type[Answer],
        *,
        progress: Callable[[Progress], None] = lambda _progress: None,
        token: CancelToken | None = None,
    ) -> Answer:
        """Do the job and wait for it. Progress comes on the calling thread.

        Raises `Cancelled` within half a second of `token.cancel()`, the job's own `ReelyError`, or
        `ReelyError` with code `job-crashed` when the child died without a word. In every case nothing
        that the job started is still running on return.
        """
        token = token or CancelToken()
        token.raise_if_cancelled()
        with tempfile.TemporaryFile() as errors:
            child = _start(self._command, errors)
            try:
                with token.watching(lambda: _kill_tree(child)):
                    last = _converse(child, job, progress)
            finally:
                _kill_tree(child)
                child.wait()
                for pipe in (child.stdin, child.stdout):
                    if pipe:
                        with contextlib.suppress(BrokenPipeError):
                            pipe.close()
            token.raise_if_cancelled()
            match last:
                case Result(data=data):
                    return answer.model_validate(data)
                case Failure() as failure:
                    self._log(_tail(errors))
                    raise failure.to_error()
                case None:
                    self._log(_tail(errors))
                    raise _crashed(child.returncode)


def _start(command: Sequence[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    flags: dict[str, Any] = {}
    if os.name == "posix":
        flags["start_new_session"] = True  # a process group of its own, so that one signal ends all of it
    else:
        flags["creationflags"] = 0x08000200  # CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, **flags)


def _converse(
    child: subprocess.Popen[bytes], job: Job, progress: Callable[[Progress], None]
) -> Result | Failure | None:
    """Send the job, read lines to the end; the last result or failure, or None if there was none.

    Standard input stays open: its end tells the child that its parent is gone.
    """
    assert child.stdin is not None  # noqa: S101 - asked for in _start
    assert child.stdout is not None  # noqa: S101
    try:
        child.stdin.write(job.model_dump_json().encode() + b"\n")
        child.stdin.flush()
    except BrokenPipeError:
        return None
    last: Result | Failure | None = None
    for line in child.stdout:
        try:
            message = MESSAGE.validate_json(line)
        except ValidationError:
            continue  # a line cut short by the child's end
        if isinstance(message, Progress):
            progress(message)
        else:
            last = message
            break
    return last


def _kill_tree(child: subprocess.Popen[bytes]) -> None:
    """End the child and all that it started, at once. Safe to call again, from any thread."""
    if os.name == "posix":
        # The group outlives a crashed leader for as long as any of its members does.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(child.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    with contextlib.suppress(OSError):
        child.kill()


def _tail(errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _STDERR_TAIL))
    return errors.read().decode("utf-8", "replace")


def _crashed(code: int | None) -> ReelyError:
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return ReelyError(
        "job-crashed",
        f"The part of Reely that did this work ended unexpectedly ({how}).",
        "Nothing was lost or counted. Try again; if it happens again with this source, please report it.",
        Exit.MEDIA,
    )
