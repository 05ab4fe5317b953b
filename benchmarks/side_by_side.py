"""Two ways of doing the same thing, measured in turn: a ratio holds where the machine's speed drifts."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Spent:
    """One run of a command: wall seconds, and the peak memory of its largest process in bytes."""

    seconds: float
    peak_memory: int


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
    return Spent(seconds, _largest(usage))


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
