"""What can be heard and seen of a source beside its words: loudness as a curve, and where shots begin."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from desktop.errors import ReelyError
from desktop.hooks.job import Observable
from desktop.hooks.signals.curve import Curve
from desktop.hooks.signals.loudness import loudness_curve
from desktop.media.loudness import STEP, momentary_loudness
from desktop.media.probe import probe
from desktop.media.shots import shot_times

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Observed:
    """Curves and shots on the source's clock, and what could not be had."""

    curves: tuple[Curve, ...] = ()
    shots: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


class Observation:
    """Observes beside other work: begins at once, `result` waits for the end."""

    def __init__(self, files: Observable) -> None:
        self._files = files
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="observing")
        self._loudness = files.sound and self._pool.submit(momentary_loudness, files.sound)
        self._shots = files.picture and self._pool.submit(shot_times, files.picture)

    def result(self) -> Observed:
        """What was observed; a file that cannot be measured is a note, no failure."""
        notes: list[str] = []
        values = _outcome(self._loudness, "The loudness could not be measured.", notes)
        shots = _outcome(self._shots, "The shots could not be found.", notes)
        self._pool.shutdown()
        curves: tuple[Curve, ...] = ()
        if values is not None and len(values):
            curves = (loudness_curve(values, STEP, -self._ahead(self._files.sound)),)
        ahead = self._ahead(self._files.picture)
        return Observed(curves, tuple(time - ahead for time in shots or ()), tuple(notes))

    def _ahead(self, path: Path | None) -> float:
        """Seconds from the file's start to where the source's clock is 0."""
        origin = self._files.origin
        return 0.0 if origin is None or path is None else float(origin - probe(path).start)


def _outcome(future: Future[T] | Path | None, otherwise: str, notes: list[str]) -> T | None:
    if not isinstance(future, Future):
        return None
    try:
        return future.result()
    except ReelyError as error:
        logger.info("not observed: %s", error.message)
        notes.append(otherwise)
        return None
