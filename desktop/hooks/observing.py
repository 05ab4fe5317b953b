"""What can be heard and seen of a source beside its words, as curves, marks, and where shots begin."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np

from desktop.errors import ReelyError
from desktop.hooks.face_detector import FaceDetector, faces_curve
from desktop.hooks.job import Observable
from desktop.hooks.signals import motion
from desktop.hooks.signals.curve import Curve
from desktop.hooks.signals.loudness import loudness_curve
from desktop.hooks.sound_events import SoundListener
from desktop.hooks.speech import SoundMark
from desktop.media import loudness, shots
from desktop.media.probe import probe

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LOOKED_THROUGH = 540
"""Lines; looking through a larger picture for shots takes longer than it is worth."""
_AT_ONCE = 2
"""Most of it is done by processes and libraries that leave Python alone."""


@dataclass(frozen=True)
class Observed:
    """Curves, marks and shots on the source's clock, and what could not be had."""

    curves: tuple[Curve, ...] = ()
    sounds: tuple[SoundMark, ...] = ()
    shots: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


class Observation:
    """Observes beside other work: begins at once, `result` waits for the end.

    `detector` and `listener` look for faces and listen for laughter, where their models are there.
    """

    def __init__(
        self, files: Observable, detector: FaceDetector | None = None, listener: SoundListener | None = None
    ) -> None:
        self._files = files
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="observing")
        picture, sound = files.picture, files.sound
        # What takes longest goes first.
        self._film = self._begin(_film, picture)
        self._marks = self._begin(listener.marks, sound, files.origin) if listener else None
        self._faces = self._begin(faces_curve, picture, detector) if detector else None
        self._loudness = self._begin(loudness.momentary_loudness, sound)

    def _begin(self, measure: Callable[..., T], path: Path | None, *more: object) -> Future[T] | None:
        return None if path is None else self._pool.submit(measure, path, *more)

    def result(self) -> Observed:
        """What was observed; a file that cannot be measured is a note, no failure."""
        notes: list[str] = []
        film = _outcome(self._film, "The shots could not be found.", notes)
        marks = _outcome(self._marks, "Nobody could listen for laughter.", notes)
        faces = _outcome(self._faces, "Nobody could look for faces.", notes)
        levels = _outcome(self._loudness, "The loudness could not be measured.", notes)
        self._pool.shutdown()
        curves: list[Curve] = []
        if levels is not None and len(levels):
            curves.append(loudness_curve(levels, loudness.STEP, -self._ahead(self._files.sound)))
        ahead = self._ahead(self._files.picture)
        if film is not None and len(film.motion):
            starts = np.arange(len(film.motion), dtype=np.float64) * shots.STEP - ahead
            curves.append(Curve(motion.NAME, "per cent", starts, starts + shots.STEP, film.motion))
        if faces is not None and len(faces.values):
            curves.append(replace(faces, starts=faces.starts - ahead, ends=faces.ends - ahead))
        return Observed(
            curves=tuple(curves),
            sounds=marks or (),
            shots=tuple(time - ahead for time in film.shots) if film is not None else (),
            notes=tuple(notes),
        )

    def _ahead(self, path: Path | None) -> float:
        """Seconds from the file's start to where the source's clock is 0."""
        origin: Fraction | None = self._files.origin
        return 0.0 if origin is None or path is None else float(origin - probe(path).start)


def _film(path: Path) -> shots.Film | None:
    """None where the picture is too large to be looked through."""
    video = probe(path).video
    if video is None or min(video.width, video.height) > _LOOKED_THROUGH:
        return None
    return shots.watch(path)


def _outcome(future: Future[T] | None, otherwise: str, notes: list[str]) -> T | None:
    if future is None:
        return None
    try:
        return future.result()
    except ReelyError as error:
        logger.info("not observed: %s", error.message)
        notes.append(otherwise)
        return None
