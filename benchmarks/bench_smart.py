"""A smart cut of 90 s from 120 s of 1080p H.264 against its peers: wall time and peak memory.

Away from keyframes the peer is PyPI `smartcut` (its command in `SMARTCUT`, from a virtual environment of its
own), else ffmpeg that encodes everything; between keyframes it is `ffmpeg -c copy`. The source has a keyframe
every 5 s; making it takes longer than the rest, so one kept from before can be named. Memory is the largest
sum over the process and all that it started, shared pages counted each time.

Ours is measured twice: as a process that starts from nothing, as the peer does, and in the child that the
window keeps ready, where it is the time from asking for the clip to having it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import imageio_ffmpeg

from desktop.jobs.supervisor import CHILD_ENVIRONMENT, Supervisor
from desktop.trim.cut import TrimJob, TrimResult, trim
from desktop.trim.edit import Edit, MediaInput, Segment
from desktop.worker import worker_command
from side_by_side import Ratio, Spent, compare, machine, watched

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
BETWEEN, ON_KEYFRAMES = (12.32, 102.32), (10.0, 100.0)
RUNS = 3


def main() -> None:
    """Print the figures of all and their ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = Path(sys.argv[1]) if len(sys.argv) > 1 else make_source(folder)
        smartcut = os.environ.get("SMARTCUT")
        whole = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "17", "-c:a", "aac"]
        peer, who = ffmpeg_cut(source, folder, BETWEEN, whole), "ffmpeg, everything encoded"
        if smartcut:
            keep = ",".join(str(edge) for edge in BETWEEN)
            peer, who = [smartcut, str(source), str(folder / "peer.mp4"), "--keep", keep], "smartcut"
        measure("smart cut of 90 s, 1080p", own_cut(source, folder, BETWEEN), who, peer, folder)
        copy = ffmpeg_cut(source, folder, ON_KEYFRAMES, ["-c", "copy"])
        ours = own_cut(source, folder, ON_KEYFRAMES)
        measure("the same between keyframes", ours, "ffmpeg -c copy", copy, folder)
        measure_kept_child(source, folder, copy)


def make_source(folder: Path) -> Path:
    """120 s of a moving test picture with noise, and sound."""
    source = folder / "source.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=25:d=120"]
    sound = ["-f", "lavfi", "-i", "anoisesrc=d=120:a=0.2:r=48000,lowpass=4000"]
    coding = [
        "-vf",
        "noise=alls=6:allf=t,format=yuv420p",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "23",
    ]
    coding += ["-x264-params", "keyint=125:min-keyint=125:scenecut=0:bframes=3", "-c:a", "aac"]
    subprocess.run([FFMPEG, "-v", "error", *picture, *sound, *coding, source], check=True)
    return source


def own_cut(source: Path, folder: Path, part: tuple[float, float]) -> list[str]:
    """The command that does the job as the app's child process does it."""
    return [sys.executable, __file__, str(source), str(folder / "ours.mp4"), *(str(edge) for edge in part)]


def ffmpeg_cut(source: Path, folder: Path, part: tuple[float, float], coding: Sequence[str]) -> list[str]:
    """The command that does it with ffmpeg."""
    bounds = ["-ss", str(part[0]), "-t", str(part[1] - part[0])]
    return [FFMPEG, "-v", "error", "-y", *bounds, "-i", str(source), *coding, str(folder / "peer.mp4")]


def measure(what: str, ours: Sequence[str], who: str, peer: Sequence[str], folder: Path) -> None:
    """Run both in turn and print the medians and the ratios, pair by pair."""
    pairs = []
    for number in range(RUNS + 1):
        pair = watched(ours, os.environ | CHILD_ENVIRONMENT), watched(peer)
        if number:  # the first pair warms the file cache
            pairs.append(pair)
        for clip in folder.glob("*ours*"):
            clip.unlink()
    for name, unit, value in (("wall", "s", seconds), ("peak memory", "MB", megabytes)):
        mine, theirs = median(value(own) for own, _ in pairs), median(value(other) for _, other in pairs)
        ratios = sorted(value(own) / value(other) for own, other in pairs)
        ratio = Ratio(median(ratios), ratios[0], ratios[-1])
        print(f"{what}, {name}: {mine:.2f} {unit}; {who} {theirs:.2f} {unit}; {ratio}  [{machine()}]")


def measure_kept_child(source: Path, folder: Path, peer: Sequence[str]) -> None:
    """Print how long the cut on keyframes takes in a child that is there already."""
    job = job_of(source, folder / "kept.mp4", *ON_KEYFRAMES)
    with Supervisor(worker_command()) as jobs:
        jobs.prepare("trim")

        def ours() -> float:
            began = time.perf_counter()
            [clip] = jobs.run(job, TrimResult).clips
            elapsed = time.perf_counter() - began
            assert not clip.notes
            clip.temporary.unlink()
            return elapsed

        mine, theirs, ratio = compare(ours, lambda: watched(peer).seconds, runs=2 * RUNS + 1)
    print(f"the same, child kept: {mine:.2f} s; ffmpeg -c copy {theirs:.2f} s; {ratio}  [{machine()}]")


seconds: Callable[[Spent], float] = lambda run: run.seconds  # noqa: E731
megabytes: Callable[[Spent], float] = lambda run: run.peak_memory / 1e6  # noqa: E731


def cut(source: Path, target: Path, start: float, end: float) -> None:
    """What `own_cut` runs."""
    [clip] = trim(job_of(source, target, start, end), lambda _stage, _fraction: None).clips
    print(clip.model_dump_json())


def job_of(source: Path, target: Path, start: float, end: float) -> TrimJob:
    """One segment of the source, cut in the default mode."""
    return TrimJob(
        media=MediaInput(video=source, audio=source),
        edit=Edit(segments=(Segment(start=start, end=end),)),
        targets=(target,),
    )


if __name__ == "__main__":
    if len(sys.argv) == 5:
        cut(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
    else:
        main()
