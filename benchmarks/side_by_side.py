"""Two ways of doing the same thing, measured in turn: a ratio holds where the machine's speed drifts."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil


@dataclass(frozen=True)
class Spent:
    """One run of a command: wall seconds, peak memory in bytes, what it said, and processors' seconds.

    By `timed`, the memory is that of its largest process; by `watched`, the largest sum of all of them.
    """

    seconds: float
    peak_memory: int
    said: str = ""
    work: float = 0.0


@dataclass(frozen=True)
class Ratio:
    """Ours over the peer's, pair by pair: the median, and the smallest and largest pair."""

    middle: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} x ({self.lowest:.2f} to {self.highest:.2f})"


def timed(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Spent:
    """Run a command to its end. Raises CalledProcessError with what it said if it failed."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, [str(part) for part in command], said)
    return Spent(seconds, _largest(usage), said.decode(errors="replace"))


def watched(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, *, every: float = 0.02
) -> Spent:
    """As `timed`, with the largest sum over the process and all that it started, shared pages each time.

    Memory is looked at `every` so many seconds, which takes some milliseconds itself.
    """
    started, peak, before = time.perf_counter(), 0, _work_of_children()
    with tempfile.TemporaryFile() as heard:
        process = psutil.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=heard, stderr=subprocess.STDOUT
        )
        while process.poll() is None:
            peak = max(peak, _memory_of(process))
            time.sleep(every)
        seconds = time.perf_counter() - started
        heard.seek(0)
        said = heard.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, [str(part) for part in command], said)
    return Spent(seconds, peak, said.decode(errors="replace"), _work_of_children() - before)


def _work_of_children() -> float:
    """Processors' seconds of all children that have ended, and theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _memory_of(process: psutil.Process) -> int:
    """Resident bytes of the process and all that it started."""
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it ended just now
    return total


def _largest(usage: resource.struct_rusage) -> int:
    """`ru_maxrss` is the largest of the process and those it waited for, in KiB on Linux (getrusage(2))."""
    return usage.ru_maxrss * 1024


def compare(
    ours: Callable[[], float], peer: Callable[[], float], *, runs: int = 5, warm_up: int = 1
) -> tuple[float, float, Ratio]:
    """The medians of both and the ratio, over `runs` pairs measured in turn after `warm_up` pairs."""
    for _ in range(warm_up):
        ours()
        peer()
    pairs = [(ours(), peer()) for _ in range(runs)]
    ratios = sorted(mine / theirs for mine, theirs in pairs)
    return (
        median(mine for mine, _ in pairs),
        median(theirs for _, theirs in pairs),
        Ratio(median(ratios), ratios[0], ratios[-1]),
    )


def machine() -> str:
    """This machine in a few words, for beside the figures."""
    cpu = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in cpu.read_text().splitlines() if "model name" in line]
    return f"{os.cpu_count()} cores, {names[0] if names else 'unknown CPU'}"
