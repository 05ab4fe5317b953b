"""What can be heard and seen of a source beside its words, as curves, marks, and where shots begin."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np

from desktop.errors import Cancelled, ReelyError
from desktop.hooks.face_detector import FaceDetector, faces_curve
from desktop.hooks.job import Observable
from desktop.hooks.signals import motion
from desktop.hooks.signals.curve import Curve
from desktop.hooks.signals.loudness import loudness_curve
from desktop.hooks.sound_events import SoundListener
from desktop.hooks.speech import SoundMark
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Report
from desktop.media import loudness, shots
from desktop.media.probe import probe

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LOOKED_THROUGH = 540
"""Lines; looking through a larger picture for shots takes longer than it is worth."""
_AT_ONCE = 2
"""Most of it is done by processes and libraries that leave Python alone."""
_PATIENCE = 20.0
"""Seconds that a picture may be on its way when all else is done; what came stays for the next time."""

FetchPicture = Callable[[Callable[[float], None], CancelToken], Path]
"""Brings a picture, tells how much of it has come (0..1), and stops when it is told to."""


@dataclass(frozen=True)
class Observed:
    """Curves, marks and shots on the source's clock, and what could not be had."""

    curves: tuple[Curve, ...] = ()
    sounds: tuple[SoundMark, ...] = ()
    shots: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


class Observation:
    """Observes beside other work: begins at once, `result` waits for the end; leaving the block stops it.

    `detector` and `listener` look for faces and listen for laughter, where their models are there. Without
    `files.picture`, `fetch` brings one.
    """

    def __init__(
        self,
        files: Observable,
        detector: FaceDetector | None = None,
        listener: SoundListener | None = None,
        fetch: FetchPicture | None = None,
    ) -> None:
        self._files = files
        self._stop = CancelToken()
        self._fraction, self._told = 0.0, threading.Condition()
        # Who fetches works little.
        self._pool = ThreadPoolExecutor(_AT_ONCE + (fetch is not None), thread_name_prefix="observing")
        sound = files.sound
        self._picture = self._begin(fetch, self._came, self._stop) if fetch else None
        # What takes longest goes first, and what has to wait for the picture last.
        film = self._begin_to_look(_film) if fetch is None else None
        self._marks = self._begin(listener.marks, sound, files.origin) if listener and sound else None
        faces = self._begin_to_look(faces_curve, detector) if detector and fetch is None else None
        self._loudness = self._begin(loudness.momentary_loudness, sound) if sound else None
        self._film = self._begin_to_look(_film) if fetch else film
        self._faces = self._begin_to_look(faces_curve, detector) if detector and fetch else faces

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.cancel()
        self._pool.shutdown(cancel_futures=True)

    def _begin(self, measure: Callable[..., T], *more: object) -> Future[T]:
        return self._pool.submit(measure, *more)

    def _begin_to_look(self, look: Callable[..., T], *more: object) -> Future[T] | None:
        if self._picture is not None:
            coming = self._picture
            return self._begin(lambda: look(coming.result(), *more))
        return None if self._files.picture is None else self._begin(look, self._files.picture, *more)

    def _came(self, fraction: float) -> None:
        with self._told:
            self._fraction = fraction
            self._told.notify_all()

    def result(self, report: Report = lambda _stage, _fraction: None) -> Observed:
        """What was observed; what cannot be measured is a note, no failure.

        `report` is told what is waited for.
        """
        notes: list[str] = []
        seen = self._wait_for_picture(report)
        film = _outcome(self._film, "The shots could not be found.", notes if seen is None else [])
        marks = _outcome(self._marks, "Nobody could listen for laughter.", notes)
        faces = _outcome(self._faces, "Nobody could look for faces.", notes if seen is None else [])
        levels = _outcome(self._loudness, "The loudness could not be measured.", notes)
        self._pool.shutdown()
        notes += [seen] if seen else []
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

    def _wait_for_picture(self, report: Report) -> str | None:
        """Until it is there; why it is not, as a note."""
        coming = self._picture
        if coming is None:
            return None
        coming.add_done_callback(lambda _done: self._came(1.0))
        until = time.monotonic() + _PATIENCE
        with self._told:
            while not coming.done() and (left := until - time.monotonic()) > 0:
                report("downloading the picture", self._fraction)
                self._told.wait(left)
        if not coming.done():
            self._stop.cancel()
        try:
            coming.result()
        except Cancelled:
            return f"The picture did not come within {_PATIENCE:.0f} s, so it was not looked through."
        except ReelyError as error:
            logger.info("no picture: %s", error.code)
            return (
                error.message
                if error.code == "picture-not-fetched"
                else f"The picture did not come: {error.message}"
            )
        return None

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
