"""The composition root of a job's child process: which function does which kind of job."""

from __future__ import annotations

import sys

from desktop.jobs.child import JobFunction, Registry, run_child
from desktop.jobs.protocol import Job

# Each loader imports its room only when a job of its kind is to be done: a child starts in the time
# that its own work needs, and static imports let the frozen build find them.


def _extract() -> tuple[type[Job], JobFunction]:
    from desktop.source.extract import extract
    from desktop.source.jobs import ExtractJob

    return ExtractJob, extract


def _open_file() -> tuple[type[Job], JobFunction]:
    from desktop.source.jobs import OpenFileJob
    from desktop.source.local import open_file

    return OpenFileJob, open_file


def _fetch() -> tuple[type[Job], JobFunction]:
    from desktop.source.fetch import fetch
    from desktop.source.jobs import FetchJob

    return FetchJob, fetch


def _trim() -> tuple[type[Job], JobFunction]:
    from desktop.trim.cut import TrimJob, trim

    return TrimJob, trim


def _waveform() -> tuple[type[Job], JobFunction]:
    from desktop.waveform.job import WaveformJob
    from desktop.waveform.make import make_waveform

    return WaveformJob, make_waveform


def _hooks() -> tuple[type[Job], JobFunction]:
    from desktop.hooks.job import HooksJob
    from desktop.hooks.run import find_hooks

    return HooksJob, find_hooks


def _transcript() -> tuple[type[Job], JobFunction]:
    from desktop.hooks.job import TranscriptJob
    from desktop.hooks.transcribe import transcribe

    return TranscriptJob, transcribe


def _rerank_hooks() -> tuple[type[Job], JobFunction]:
    from desktop.hooks.llm.job import RerankJob
    from desktop.hooks.llm.run import rerank_hooks

    return RerankJob, rerank_hooks


def _try_model() -> tuple[type[Job], JobFunction]:
    from desktop.hooks.llm.job import TryModelJob
    from desktop.hooks.llm.run import try_model

    return TryModelJob, try_model


JOBS: Registry = {
    "extract": _extract,
    "open-file": _open_file,
    "fetch": _fetch,
    "hooks": _hooks,
    "rerank-hooks": _rerank_hooks,
    "transcript": _transcript,
    "trim": _trim,
    "try-model": _try_model,
    "waveform": _waveform,
}


def worker_command() -> list[str]:
    """How to start a child: the frozen app starts itself."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "worker"]
    return [sys.executable, "-m", "desktop.worker"]


def main() -> int:
    """Do the jobs on standard input. The arguments after the name are kinds of jobs to be ready for."""
    kinds = sys.argv[2:] if sys.argv[1:2] == ["worker"] else sys.argv[1:]
    return run_child(JOBS, [kind for kind in kinds if kind in JOBS])


if __name__ == "__main__":
    sys.exit(main())
