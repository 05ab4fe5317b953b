"""How a film moves: where it is cut, and how much changes from one picture to the next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from desktop.media.container import file_url
from desktop.media.ffmpeg import running

STEP = 2.0
"""Seconds between two values of motion."""

_HEIGHT = 90  # lines that are compared; cuts are no finer
_THRESHOLD = 10.0  # per cent of change, as FFmpeg's scdet counts it; 8 to 14 is usual
_TIME = re.compile(rb"pts_time:([0-9.]+)")
_CHANGE = re.compile(rb"lavfi\.scd\.mafd=([0-9.]+)")
_CUT = re.compile(rb"lavfi\.scd\.time=([0-9.]+)")


@dataclass(frozen=True, eq=False)
class Film:
    """`shots` are the seconds of the file at which another shot begins, in order.

    `motion` is the mean difference of neighbouring pictures in per cent of full brightness, cuts left out: a
    value for every `STEP` seconds from the film's beginning on. Both are empty where there is no picture.
    """

    shots: tuple[float, ...]
    motion: NDArray[np.float64]


def watch(path: Path) -> Film:
    """Look through a film at a low resolution.

    Pictures that no other one refers to are left out, so a time may be a picture or two late. Raises
    ReelyError `ffmpeg-failed`, `ffmpeg-missing`.
    """
    film = ffmpeg.input(file_url(path), skip_frame="noref", an=None, sn=None, dn=None).video
    watched = (
        film.filter("scale", -2, _HEIGHT, flags="fast_bilinear")
        .filter("scdet", threshold=_THRESHOLD)
        .filter("metadata", mode="print", file="pipe:1")
    )
    shots: list[float] = []
    changes: list[tuple[float, float]] = []
    time = 0.0
    with running(ffmpeg.output(watched, "-", format="null", fps_mode="passthrough")) as process:
        for line in process.stdout:
            if found := _TIME.search(line):
                time = float(found[1])
            elif found := _CHANGE.search(line):
                changes.append((time, float(found[1])))
            elif found := _CUT.search(line):
                shots.append(float(found[1]))
                changes.pop()
        process.finish()
    return Film(tuple(shots), _means(changes))


def _means(changes: list[tuple[float, float]]) -> NDArray[np.float64]:
    """The mean change of each step; of a step without any, that of the one before it."""
    if not changes:
        return np.empty(0)
    times, values = np.array(changes).T
    steps = (times / STEP).astype(np.intp)
    counts = np.bincount(steps)
    means = np.bincount(steps, values) / np.maximum(counts, 1)
    known = np.flatnonzero(counts)
    return np.asarray(means[known[np.maximum(np.searchsorted(known, np.arange(len(means)), "right") - 1, 0)]])
