"""A smart cut of 10 s from 20 s of 1080p in VP9, AV1 and HEVC against PyPI `smartcut`: wall time.

`SMARTCUT` names the peer's command (from a virtual environment of its own); else only ours is measured.
Both ends lie between keyframes, which come every 5 s. A peer that is not done after `PATIENCE` seconds is
stopped: its ratio is then an upper bound. Codecs can be named as arguments.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import imageio_ffmpeg
from bench_smart import own_cut

from side_by_side import Ratio, machine

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PART = (3.32, 13.32)
PATIENCE = 300.0
RUNS = 3
OPUS = ("-c:a", "libopus")
SOURCES: dict[str, tuple[str, ...]] = {
    "vp9": ("source.webm", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1",
            "-b:v", "4M", "-g", "125", *OPUS),
    "av1": ("source.webm", "-c:v", "libsvtav1", "-preset", "12", "-crf", "35", "-g", "125", *OPUS),
    "hevc": ("source.mp4", "-c:v", "libx265", "-preset", "ultrafast", "-crf", "26", "-x265-params",
             "log-level=error:keyint=125:min-keyint=125:scenecut=0", "-c:a", "aac"),
}  # fmt: skip


def main() -> None:
    """Print the figures of both and their ratio, codec by codec."""
    smartcut = os.environ.get("SMARTCUT")
    for codec in sys.argv[1:] or SOURCES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            source = make_source(folder, SOURCES[codec])
            ours = own_cut(source, folder, PART)
            keep = ",".join(str(edge) for edge in PART)
            peer = [smartcut, str(source), str(folder / "peer.mp4"), "--keep", keep] if smartcut else None
            measure(codec, ours, peer, folder)


def make_source(folder: Path, recipe: Sequence[str]) -> Path:
    """20 s of a moving test picture with noise, and sound."""
    source = folder / recipe[0]
    picture = ["-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=25:d=20"]
    sound = ["-f", "lavfi", "-i", "anoisesrc=d=20:a=0.2:r=48000,lowpass=4000"]
    coding = ["-vf", "noise=alls=6:allf=t,format=yuv420p", *recipe[1:]]
    subprocess.run([FFMPEG, "-v", "error", *picture, *sound, *coding, source], check=True)
    return source


def measure(codec: str, ours: Sequence[str], peer: Sequence[str] | None, folder: Path) -> None:
    """Run both in turn; once only where the peer needs too long."""
    pairs: list[tuple[float, float]] = []
    late = False
    while len(pairs) < RUNS and not late:
        mine = seconds(ours, folder)
        theirs = seconds(peer, folder) if peer else 0.0
        late = theirs >= PATIENCE
        pairs.append((mine, theirs))
    middle = median(mine for mine, _ in pairs)
    words = f"smart cut of 10 s, 1080p {codec}, wall: {middle:.2f} s"
    if peer:
        ratios = sorted(mine / theirs for mine, theirs in pairs)
        theirs = median(theirs for _, theirs in pairs)
        sign = ">" if late else ""
        words += f"; smartcut {sign}{theirs:.2f} s; {Ratio(median(ratios), ratios[0], ratios[-1])}"
    print(f"{words}  [{machine()}]", flush=True)


def seconds(command: Sequence[str], folder: Path) -> float:
    """How long a command takes, at most `PATIENCE`. Raises CalledProcessError with what it said."""
    started = time.perf_counter()
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return PATIENCE
    finally:
        for clip in (*folder.glob("*ours*"), *folder.glob("peer*")):
            clip.unlink()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
