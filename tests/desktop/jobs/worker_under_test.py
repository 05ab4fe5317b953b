"""A child process with jobs that succeed, fail, crash, hang and start processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from functools import partial

from pydantic import BaseModel

from desktop.errors import Exit, ReelyError
from desktop.jobs.child import JobFunction, run_child
from desktop.jobs.protocol import Job, Report


class Act(Job):
    kind: str = "act"
    do: str
    text: str = ""


class Answer(BaseModel):
    text: str


def _start_a_grandchild(report: Report) -> None:
    # One that ignores polite signals, as an encoder in a tight loop may.
    grandchild = subprocess.Popen(
        [
            sys.executable,
            "-c",
            """import signal, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('up', flush=True)
threading.Event().wait()""",
        ],
        stdout=subprocess.PIPE,
    )
    assert grandchild.stdout is not None
    grandchild.stdout.readline()
    report(f"pids {os.getpid()} {grandchild.pid}", 0.5)


def act(job: Act, report: Report) -> Answer:
    match job.do:
        case "echo":
            report("echo", 0.5)
        case "chatter":
            print("a library's greeting")
            os.write(1, b"and a C library's\n")
        case "pid":
            return Answer(text=str(os.getpid()))
        case "leave-a-grandchild":
            _start_a_grandchild(report)
        case "what-is-imported":
            return Answer(text=" ".join(IMPORTED))
        case "refuse":
            raise ReelyError("no-such-thing", "There is no such thing.", "Ask for another.", Exit.SOURCE)
        case "disk-full":
            raise OSError(28, "No space left on device")
        case "fault":
            raise ZeroDivisionError
        case "segfault":
            print("last words", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            _start_a_grandchild(report)
            threading.Event().wait()
        case "crash-with-grandchild":
            _start_a_grandchild(report)
            os.kill(os.getpid(), signal.SIGKILL)
    return Answer(text=job.text)


IMPORTED: list[str] = []


def _loader(kind: str) -> tuple[type[Job], JobFunction]:
    IMPORTED.append(kind)
    return Act, act


if __name__ == "__main__":
    REGISTRY = {kind: partial(_loader, kind) for kind in ("act", "first", "second", "third")}
    sys.exit(run_child(REGISTRY, sys.argv[1:]))
