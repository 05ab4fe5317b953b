"""The media the stand-in serves: real itags, real layouts, coded pictures and beeps.

MP4s are `ftyp moov sidx (moof mdat)*`, a fragment a GOP of 5 s (audio: 10 s); WebMs have their Cues before
the clusters; itag 18 is a plain MP4 with its index in front. Pictures and sound carry the codes of
`tests.media_codes`. Everything is encoded once per machine.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from tests import media_codes

FPS = 24
GOP_SECONDS = 5
SECONDS = 60
_PIECE = 64 * 1024
_CACHE = "reely-test-media"


@dataclass(frozen=True)
class Format:
    """One of YouTube's formats. `codecs` is the RFC 6381 string that the player response tells."""

    itag: int
    container: str
    codecs: str
    width: int = 0
    height: int = 0
    audio_rate: int = 0

    @property
    def kind(self) -> str:
        """`video`, `audio` or `muxed`."""
        if self.width and self.audio_rate:
            return "muxed"
        return "video" if self.width else "audio"

    @property
    def mime(self) -> str:
        return f'{"audio" if self.kind == "audio" else "video"}/{self.container}; codecs="{self.codecs}"'

    @property
    def file_name(self) -> str:
        return f"{self.itag}.{self.container}"


FORMATS = (
    Format(18, "mp4", "avc1.4D401E, mp4a.40.2", 640, 360, 44100),
    Format(133, "mp4", "avc1.4D4015", 426, 240),
    Format(134, "mp4", "avc1.4D401E", 640, 360),
    Format(135, "mp4", "avc1.4D401E", 854, 480),
    Format(136, "mp4", "avc1.4D401F", 1280, 720),
    Format(137, "mp4", "avc1.4D4028", 1920, 1080),
    Format(242, "webm", "vp9", 426, 240),
    Format(243, "webm", "vp9", 640, 360),
    Format(140, "mp4", "mp4a.40.2", audio_rate=44100),
    Format(251, "webm", "opus", audio_rate=48000),
)


@dataclass(frozen=True)
class Rendition:
    """A format of a video as a file. Ranges are first and last byte, as the player response has them."""

    format: Format
    path: Path
    seconds: float
    init_range: tuple[int, int] | None
    index_range: tuple[int, int] | None

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def read(self, first: int, count: int) -> Iterator[bytes]:
        """`count` bytes from byte `first` on, in pieces of a convenient size."""
        with self.path.open("rb") as file:
            file.seek(first)
            while count and (piece := file.read(min(_PIECE, count))):
                count -= len(piece)
                yield piece

    @property
    def bit_rate(self) -> int:
        return round(self.size * 8 / self.seconds)


@dataclass(frozen=True)
class Media:
    """All renditions of one recording, by itag."""

    seconds: float
    renditions: dict[int, Rendition]

    @property
    def frames(self) -> int:
        return round(self.seconds * FPS)


def encoded_media(seconds: int = SECONDS, cache: Path | None = None) -> Media:
    """The recording of `seconds`, encoded now or taken from the cache.

    The cache folder (default: in the system's temporary folder) is keyed by everything that shapes the
    bytes, so a changed recipe never meets old files; it is filled under another name and renamed, so runs
    may race.
    """
    return _made(seconds, _commands(seconds), FORMATS, cache)


def noisy_media(seconds: int = SECONDS, cache: Path | None = None) -> Media:
    """The recording with a real camera's noise, and with the bit rate of real videos (5 Mbit/s).

    Only in 1080p with sound: to measure with, for it takes longer to encode. Cached as `encoded_media`.
    """
    formats = [form for form in FORMATS if form.itag in {137, 140}]
    return _made(seconds, _noisy_commands(seconds), formats, cache)


def _made(seconds: int, commands: list[list[str]], formats: Iterable[Format], cache: Path | None) -> Media:
    root = cache or Path(tempfile.gettempdir()) / f"{_CACHE}-{_user()}"
    folder = root / _recipe_hash(commands)
    if not folder.is_dir():
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix="building-", dir=root))
        try:
            _encode(building, seconds, commands)
            try:
                building.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return Media(
        seconds=float(seconds),
        renditions={form.itag: _rendition(form, folder / form.file_name, seconds) for form in formats},
    )


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


_STRIPS, _SOUND = "strips.grey", "sound.f32"


def _commands(seconds: int) -> list[list[str]]:
    """The arguments of FFmpeg, one run after another, from `_STRIPS` and `_SOUND` to the formats' files."""
    return [
        [*_picture_inputs(seconds), *_h264_outputs()],
        [*_picture_inputs(seconds), *_vp9_outputs()],
        ["-f", "f32le", "-ar", "48000", "-ac", "1", "-i", _SOUND, *_audio_outputs()],
        [
            *("-i", "134.mp4", "-i", "140.mp4", "-map", "0:v", "-map", "1:a", "-c", "copy"),
            *("-movflags", "+faststart", "18.mp4"),
        ],
    ]


def _noisy_commands(seconds: int) -> list[list[str]]:
    [form] = [form for form in FORMATS if form.itag == 137]
    rate = ["-b:v", "5M", "-maxrate", "6M", "-bufsize", "10M"]
    scene = _scene(form.width, form.height).replace("[scene]", ",noise=alls=14:allf=t[scene]")
    return [
        [*_picture_inputs(seconds), "-filter_complex", scene, *_h264_output("[scene]", form, rate)],
        ["-f", "f32le", "-ar", "48000", "-ac", "1", "-i", _SOUND, *_aac_output()],
    ]


def _recipe_hash(commands: list[list[str]]) -> str:
    recipe = [imageio_ffmpeg.get_ffmpeg_version(), inspect.getsource(media_codes), repr(commands)]
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:16]


def _encode(folder: Path, seconds: int, commands: list[list[str]]) -> None:
    strips, sound = folder / _STRIPS, folder / _SOUND
    strips.write_bytes(b"".join(media_codes.frame_cells(number) for number in range(seconds * FPS)))
    media_codes.beep_track(seconds, 48000).astype("<f4").tofile(sound)
    for arguments in commands:
        _ffmpeg(folder, *arguments)
    strips.unlink()
    sound.unlink()


def _picture_inputs(seconds: int) -> list[str]:
    # Colours and points are given, for left alone they are drawn by lot and every run has other bytes.
    colours = "n=4:c0=0x16d6ef:c1=0x6a5acd:c2=0xf4a261:c3=0x1d7fd1:x0=80:y0=45:x1=240:y1=135:seed=7"
    strip = f"{media_codes.CELLS}x1"
    return [
        *("-f", "rawvideo", "-pix_fmt", "gray", "-s", strip, "-r", str(FPS), "-i", _STRIPS),
        *("-f", "lavfi", "-i", f"gradients=s=320x180:r={FPS}:type=spiral:speed=0.01:d={seconds}:{colours}"),
    ]


def _scene(width: int, height: int) -> str:
    """A filter graph up to `[scene]`: a slow play of colours under the strip of cells."""
    strip = round(height * media_codes.STRIP)
    return (
        f"[0]scale={width}:{strip}:flags=neighbor,format=yuv420p[strip];"
        f"[1]scale={width}:{height}:flags=fast_bilinear,format=yuv420p[picture];"
        "[picture][strip]overlay=0:0:format=yuv420[scene]"
    )


def _h264_outputs() -> list[str]:
    wanted = sorted((form for form in FORMATS if 133 <= form.itag <= 137), key=lambda form: -form.height)
    # Each size is scaled from the next larger one, which costs least.
    chain, source, outputs = [_scene(wanted[0].width, wanted[0].height)], "[scene]", []
    for form, smaller in zip(wanted, [*wanted[1:], None], strict=True):
        if smaller is None:
            label = source
        else:
            label = f"[v{form.itag}]"
            chain.append(
                f"{source}split=2{label}[to{smaller.itag}];[to{smaller.itag}]"
                f"scale={smaller.width}:{smaller.height}:flags=fast_bilinear[at{smaller.itag}]"
            )
            source = f"[at{smaller.itag}]"
        outputs += _h264_output(label, form, ["-crf", "32"])
    return ["-filter_complex", ";".join(chain), *outputs]


def _h264_output(label: str, form: Format, rate: list[str]) -> list[str]:
    return [
        *("-map", label, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", *rate),
        *("-g", str(FPS * GOP_SECONDS), "-keyint_min", str(FPS * GOP_SECONDS), "-sc_threshold", "0"),
        *("-fflags", "+bitexact"),
        *("-movflags", "+frag_keyframe+delay_moov+default_base_moof+global_sidx+skip_trailer"),
        form.file_name,
    ]


def _vp9_outputs() -> list[str]:
    large, small = sorted((form for form in FORMATS if form.codecs == "vp9"), key=lambda form: -form.height)
    graph = (
        f"{_scene(large.width, large.height)};[scene]split=2[large][rest];"
        f"[rest]scale={small.width}:{small.height}:flags=fast_bilinear[small]"
    )
    outputs = ["-filter_complex", graph]
    for label, form in (("[large]", large), ("[small]", small)):
        outputs += [
            *("-map", label, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1"),
            *("-b:v", "0", "-crf", "40", "-g", str(FPS * GOP_SECONDS), "-keyint_min", str(FPS * GOP_SECONDS)),
            *("-cues_to_front", "1", "-cluster_time_limit", str(GOP_SECONDS * 1000)),
            *("-fflags", "+bitexact", form.file_name),
        ]
    return outputs


def _audio_outputs() -> list[str]:
    return [
        *_aac_output(),
        *("-c:a", "libopus", "-b:a", "64k", "-ar", "48000", "-ac", "2"),
        *("-cues_to_front", "1", "-cluster_time_limit", "10000", "-fflags", "+bitexact", "251.webm"),
    ]


def _aac_output() -> list[str]:
    return [
        *("-c:a", "aac", "-b:a", "96k", "-ar", "44100", "-ac", "2"),
        *("-movflags", "+delay_moov+default_base_moof+global_sidx+skip_trailer"),
        *("-frag_duration", "10000000", "140.mp4"),
    ]


def _ffmpeg(folder: Path, *arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the test media could not be encoded: {done.stderr[-2000:]}")


def _rendition(form: Format, path: Path, seconds: float) -> Rendition:
    init_range = index_range = None
    if form.kind != "muxed":
        init_range, index_range = (_mp4_ranges if form.container == "mp4" else _webm_ranges)(path)
    return Rendition(form, path, seconds, init_range, index_range)


def mp4_boxes(path: Path) -> Iterator[tuple[str, int, int]]:
    """Type, first byte and size of each top-level box (ISO/IEC 14496-12, 4.2)."""
    with path.open("rb") as file:
        at = 0
        while header := file.read(8):
            size, kind = struct.unpack(">I4s", header)
            yield kind.decode("ascii"), at, size
            at += size
            file.seek(at)


def _mp4_ranges(path: Path) -> tuple[tuple[int, int], tuple[int, int]]:
    for kind, at, size in mp4_boxes(path):
        if kind == "sidx":
            return (0, at - 1), (at, at + size - 1)
    raise ValueError(f"{path.name} has no sidx")


_EBML_SEGMENT, _EBML_CUES, _EBML_CLUSTER = 0x18538067, 0x1C53BB6B, 0x1F43B675


def _webm_ranges(path: Path) -> tuple[tuple[int, int], tuple[int, int]]:
    """Init range (up to the Cues) and index range (the Cues), by the EBML element headers (RFC 8794)."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        start = at
        element, at = _ebml_number(data, at, keep_marker=True)
        size, at = _ebml_number(data, at, keep_marker=False)
        if element == _EBML_SEGMENT:
            continue
        if element == _EBML_CUES:
            return (0, start - 1), (start, at + size - 1)
        if element == _EBML_CLUSTER:
            break
        at += size
    raise ValueError(f"{path.name} has no Cues before its clusters")


def _ebml_number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep_marker else value & (1 << 7 * length) - 1), at + length
