"""Where a film is cut: times at which one picture has little in common with the one before it."""

from __future__ import annotations

import re
from pathlib import Path

import ffmpeg

from desktop.media.container import file_url
from desktop.media.ffmpeg import running

_HEIGHT = 90  # lines that are compared; cuts are no finer
_THRESHOLD = 10.0  # per cent of change, as FFmpeg's scdet counts it; 8 to 14 is usual
_FOUND = re.compile(rb"lavfi\.scd\.time=([0-9.]+)")


def shot_times(path: Path) -> list[float]:
    """Seconds of the file at which another shot begins, in order; empty where there is no picture.

    Pictures that no other one refers to are left out, so a time may be a picture or two late. Raises
    ReelyError `ffmpeg-failed`, `ffmpeg-missing`.
    """
    film = ffmpeg.input(file_url(path), skip_frame="noref", an=None, sn=None, dn=None).video
    watched = (
        film.filter("scale", -2, _HEIGHT, flags="fast_bilinear")
        .filter("scdet", threshold=_THRESHOLD)
        .filter("metadata", mode="print", key="lavfi.scd.time", file="pipe:1")
    )
    with running(ffmpeg.output(watched, "-", format="null", fps_mode="passthrough")) as process:
        times = [float(found[1]) for line in process.stdout if (found := _FOUND.search(line))]
        process.finish()
    return times
