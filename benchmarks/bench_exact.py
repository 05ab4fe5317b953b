"""An exact cut of 10 s from the sample against plain ffmpeg with the same encoder settings, wall time.

The peer seeks and encodes; it neither indexes, verifies nor fsyncs. The ratio is what certainty costs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg

from desktop.jobs.supervisor import Supervisor
from desktop.trim.cut import TrimJob, TrimResult
from desktop.trim.edit import Edit, MediaInput, Mode, Segment
from desktop.worker import worker_command
from side_by_side import compare, machine, timed

SAMPLE = Path(sys.prefix) / "share" / "reely" / "sample.mp4"


def main() -> None:
    """Print the figures of both and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        supervisor = Supervisor(worker_command())
        job = TrimJob(
            media=MediaInput(video=SAMPLE, audio=SAMPLE),
            edit=Edit(segments=(Segment(start=7.0, end=17.0),), mode=Mode.EXACT),
            targets=(Path(folder) / "ours.mp4",),
        )

        def ours() -> float:
            started = time.perf_counter()
            [made] = supervisor.run(job, TrimResult).clips
            seconds = time.perf_counter() - started
            made.temporary.unlink()
            return seconds

        def peer() -> float:
            command = [
                imageio_ffmpeg.get_ffmpeg_exe(),
                "-v",
                "error",
                "-y",
                "-ss",
                "7",
                "-t",
                "10",
                "-i",
                SAMPLE,
            ]
            encoding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "17", "-bf", "3", "-c:a", "aac"]
            return timed([*command, *encoding, Path(folder) / "peer.mp4"]).seconds

        mine, theirs, ratio = compare(ours, peer, runs=3)
    print(f"exact cut of 10 s, 720p H.264: {mine:.2f} s; ffmpeg {theirs:.2f} s; {ratio}  [{machine()}]")


if __name__ == "__main__":
    main()
