"""From "stage, fraction" to progress with the time left, and from parts to a whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.jobs.protocol import Progress, Report

_PROGRESS_INTERVAL = 0.1  # seconds between two progress lines of one stage


class ProgressWriter:
    """Turns `report(stage, fraction)` into throttled progress lines with the time left.

    The time left is that of a job that goes on at the average speed since it began.
    """

    def __init__(self, emit: Callable[[Progress], None], clock: Callable[[], float] = time.monotonic) -> None:
        from desktop.jobs.protocol import Progress  # noqa: PLC0415 - pydantic; most commands have no progress

        self._progress = Progress
        self._emit = emit
        self._clock = clock
        self._started = clock()
        self._last_time = float("-inf")
        self._stage = ""
        self._fraction = 0.0
        self._lock = threading.Lock()

    def __call__(self, stage: str, fraction: float) -> None:
        with self._lock:
            now = self._clock()
            self._fraction = min(max(self._fraction, fraction), 1.0)
            if stage == self._stage and now - self._last_time < _PROGRESS_INTERVAL and self._fraction < 1:
                return
            self._stage, self._last_time = stage, now
            spent = now - self._started
            eta = spent * (1 - self._fraction) / self._fraction if self._fraction > 0.01 else None
            self._emit(self._progress(stage=stage, fraction=self._fraction, eta_seconds=eta))


def span(report: Report, start: float, end: float) -> Report:
    """A report for a part of the work: its 0..1 becomes `start`..`end` of the whole."""

    def part(stage: str, fraction: float) -> None:
        report(stage, start + (end - start) * fraction)

    return part
