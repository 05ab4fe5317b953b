"""Thirty seconds of a two-hour link at 1080p: bytes against what covers them, and wall time against yt-dlp.

The stand-in for YouTube gives each connection 2 MB/s. Its pictures have a camera's noise and so the bit rate
that real videos have, 5 Mbit/s; once more with those that the tests use, which have a tenth of it. Both sides
start with the link and end with a clip. yt-dlp's `--download-sections` copies from a keyframe on, as our mode
`copy` does; with `--force-keyframes-at-cuts` it encodes anew to begin exactly, as our default mode promises.

    python benchmarks/bench_ranges.py [--runs 3]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import imageio_ffmpeg

from desktop.jobs.supervisor import Supervisor
from desktop.source.jobs import ExtractJob, FetchedMedia, FetchJob
from desktop.source.links import VideoLink, parse_source
from desktop.source.models import Source
from desktop.source.segment_index import read_index
from desktop.source.ytdlp import deno_path
from desktop.trim.cut import TrimJob, TrimResult
from desktop.trim.edit import Edit, MediaInput, Mode, Segment
from desktop.worker import worker_command
from side_by_side import compare, machine, timed
from tests.youtube import YouTube
from tests.youtube.catalogue import TWO_HOURS
from tests.youtube.media import Media, encoded_media, noisy_media
from tests.youtube.repetition import streams_of

START, END = 4321.5, 4351.5
ITAGS = (137, 140)
SPEED = 2_000_000
"""Bytes a second and connection."""


def covering(youtube: YouTube) -> tuple[int, int]:
    """Bytes of the streams' heads with their indexes, and of the fragments that hold any of the seconds."""
    heads = pieces = 0
    for itag in ITAGS:
        stream = streams_of(youtube.media, TWO_HOURS.seconds)[itag]
        index = read_index(b"".join(stream.read(0, 1 << 20)), stream.size)
        heads += index.head
        pieces += sum(piece.size for piece in index.pieces if piece.start < END and piece.end > START)
    return heads, pieces


class Bench:
    """Both sides against one stand-in, each run in a folder of its own with nothing cached."""

    def __init__(self, youtube: YouTube, folder: Path) -> None:
        self._youtube, self._folder = youtube, folder
        self._number = 0
        self.fetched: list[int] = []

    def _fresh(self) -> Path:
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        return folder

    def ours(self, mode: Mode) -> float:
        """Wall seconds from the link to the clip; nothing runs when the clock starts."""
        folder = self._fresh()
        began = time.perf_counter()
        with Supervisor(worker_command()) as jobs:
            jobs.prepare("extract", "fetch", "trim")
            link = parse_source(self._youtube.url(TWO_HOURS))
            assert isinstance(link, VideoLink)
            source = jobs.run(ExtractJob(link=link, cache=folder), Source)
            fetching = FetchJob(
                source=source, segments=((START, END),), from_keyframes=mode is Mode.COPY, cache=folder
            )
            media = jobs.run(fetching, FetchedMedia)
            trimming = TrimJob(
                media=MediaInput(video=media.video, audio=media.audio, origin=media.origin),
                edit=Edit(segments=(Segment(start=START, end=END),), mode=mode),
                targets=(folder / "clip.mp4",),
            )
            jobs.run(trimming, TrimResult)
            seconds = time.perf_counter() - began
        if mode is not Mode.COPY:
            self.fetched.append(media.bytes_fetched)
        shutil.rmtree(folder)
        return seconds

    def peer(self, *options: str) -> float:
        """Wall seconds of yt-dlp for the same."""
        folder = self._fresh()
        command = [
            *(sys.executable, "-m", "yt_dlp", "--ignore-config", "--compat-options", "no-certifi"),
            *("--ffmpeg-location", imageio_ffmpeg.get_ffmpeg_exe(), "--cache-dir", str(folder / "cache")),
            *("--js-runtimes", f"deno:{deno_path()}", "-f", "+".join(map(str, ITAGS))),
            *("--download-sections", f"*{START}-{END}", *options, "-o", str(folder / "clip.%(ext)s")),
            self._youtube.url(TWO_HOURS),
        ]
        spent = timed(command, {**os.environ, "DENO_DIR": str(folder / "deno")})
        assert list(folder.glob("clip.*")), "yt-dlp made no clip"
        shutil.rmtree(folder)
        return spent.seconds


def measure(what: str, media: Media, runs: int) -> None:
    """Print the figures of both and their ratios."""
    with tempfile.TemporaryDirectory() as folder, YouTube(media) as youtube:
        os.environ.update(youtube.env)
        youtube.behave(bytes_per_second=SPEED)
        bench = Bench(youtube, Path(folder))
        rows = [
            (mode.value, compare(partial(bench.ours, mode), bench.peer, runs=runs))
            for mode in (Mode.COPY, Mode.SMART)
        ]
        forced = partial(bench.peer, "--force-keyframes-at-cuts")
        exact = compare(partial(bench.ours, Mode.SMART), forced, runs=1, warm_up=0)
        rows.append(("smart, yt-dlp exact, too", exact))
        heads, pieces = covering(youtube)
    [fetched] = set(bench.fetched)
    print(
        f"30 s of a two-hour link, {what}: {fetched:,} bytes fetched; head and index {heads:,}, "
        f"covering fragments {pieces:,}; {(fetched - heads) / pieces:.3f} x  [{machine()}]"
    )
    for name, (mine, theirs, compared) in rows:
        print(f"the same, mode {name}: {mine:.2f} s; yt-dlp {theirs:.2f} s; {compared}  [{machine()}]")


def main() -> None:
    """Measure both kinds of pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    measure("5 Mbit/s", noisy_media(), runs)
    measure("0.3 Mbit/s", encoded_media(), runs)


if __name__ == "__main__":
    main()
