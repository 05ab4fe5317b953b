"""The parent's side of jobs: start children, pass their progress on, stop them, notice when they die."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil
from pydantic import BaseModel, TypeAdapter, ValidationError

from desktop.errors import Exit, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Failure, Job, Message, Progress, Result

Answer = TypeVar("Answer", bound=BaseModel)

_MESSAGE: TypeAdapter[Progress | Result | Failure] = TypeAdapter(Message)

_STDERR_TAIL = 64 * 1024  # bytes of a failed child's standard error that are kept for the log
# For glibc (mallopt(3)), ignored elsewhere: what is large comes from the system and goes back when freed.
# Left to itself glibc raises the limit as it goes, and tables of long files stay where nothing else fits.
# For numpy's OpenBLAS: half of importing numpy is starting threads for large matrices, which no job has.
CHILD_ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "262144",
    "MALLOC_TRIM_THRESHOLD_": "262144",
    "OPENBLAS_NUM_THREADS": "1",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",  # it looks for them in every package that is installed
}
_LARGE = 512 * 1024 * 1024  # bytes of memory with which a child is not kept


class Supervisor:
    """Runs jobs, each in a child process that does nothing else meanwhile.

    `command` starts a child that calls `run_child`; kinds of jobs that follow it are what the child makes
    itself ready for. `log` gets what a failed child printed on stderr.

    Within a `with` block a child that has done its job is kept for the next one: starting one takes longer
    than many a job. A child whose job failed, was cancelled or crashed is never used again.
    """

    def __init__(self, command: Sequence[str], log: Callable[[str], None] = lambda _text: None) -> None:
        self._command = list(command)
        self._log = log
        self._lock = threading.Lock()
        self._keeps = False
        self._idle: _Child | None = None

    def __enter__(self) -> Self:
        self._keeps = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._keeps = False
            child, self._idle = self._idle, None
        if child is not None:
            child.end()

    def prepare(self, *kinds: str) -> None:
        """Have a child ready soon that has imported what jobs of these kinds need. Returns at once."""
        with self._lock:
            if self._keeps and self._idle is None:
                self._idle = _Child([*self._command, *kinds])

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
        child = self._take()
        done = False
        try:
            with token.watching(child.kill):
                last = child.do(job, progress)
            token.raise_if_cancelled()
            done = isinstance(last, Result)
        finally:
            if not (done and self._keep(child)):
                words = child.end()
        match last:
            case Result(data=data):
                return answer.model_validate(data)
            case Failure() as failure:
                self._log(words)
                raise failure.to_error()
            case None:
                self._log(words)
                raise _crashed(child.exit_code)

    def _take(self) -> _Child:
        with self._lock:
            child, self._idle = self._idle, None
        if child is not None and not child.is_usable:
            child.end()
            child = None
        return child or _Child(self._command)

    def _keep(self, child: _Child) -> bool:
        """Whether the child is kept for the next job."""
        with self._lock:
            if not self._keeps or self._idle is not None or not child.is_usable:
                return False
            self._idle = child
            return True


class _Child:
    """A child process, the leader of a process group of its own, and what it says on standard error."""

    def __init__(self, command: Sequence[str]) -> None:
        flags: dict[str, Any] = {}
        if os.name == "posix":
            flags["start_new_session"] = True  # so that one signal ends all of the group
        else:
            flags["creationflags"] = 0x08000200  # CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
        with ExitStack() as opened:
            self._errors = opened.enter_context(tempfile.TemporaryFile())
            self._said_before = 0  # bytes on standard error when the job began
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=os.environ | CHILD_ENVIRONMENT,
                **flags,
            )
            opened.pop_all()

    @property
    def is_usable(self) -> bool:
        """Whether it lives and has not grown too large to be kept."""
        try:
            return (
                self._process.poll() is None and psutil.Process(self._process.pid).memory_info().rss < _LARGE
            )
        except psutil.Error:
            return False

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    def do(self, job: Job, progress: Callable[[Progress], None]) -> Result | Failure | None:
        """Send the job and read lines until it is done: the result or failure, or None if there was none.

        Standard input stays open: its end tells the child that its parent is gone.
        """
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        assert self._process.stdout is not None  # noqa: S101
        self._said_before = os.fstat(self._errors.fileno()).st_size
        try:
            self._process.stdin.write(job.model_dump_json().encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        for line in self._process.stdout:
            try:
                message = _MESSAGE.validate_json(line)
            except ValidationError:
                continue  # a line cut short by the child's end
            if not isinstance(message, Progress):
                return message
            progress(message)
        return None

    def kill(self) -> None:
        """End the child and all that it started, at once. Safe to call again, from any thread."""
        if os.name == "posix":
            # The group outlives a crashed leader for as long as any of its members does.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        with contextlib.suppress(OSError):
            self._process.kill()

    def end(self) -> str:
        """Kill it and let go of it; the end of what it said on standard error since its last job began."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        with self._errors as errors:
            size = errors.seek(0, os.SEEK_END)
            errors.seek(max(self._said_before, size - _STDERR_TAIL))
            return errors.read().decode("utf-8", "replace")


def _crashed(code: int | None) -> ReelyError:
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return ReelyError(
        "job-crashed",
        f"The part of Reely that did this work ended unexpectedly ({how}).",
        "Nothing was lost or counted. Try again; if it happens again with this source, please report it.",
        Exit.MEDIA,
    )
