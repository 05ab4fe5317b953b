"""A corpus of small media files of every kind that the cutter meets, generated at test time.

Every picture carries its number (`tests.media_codes`); the sound is a noise that is the same every time and
never repeats, so that a piece of it tells its place to the sample. Picture n and sample s belong to the
recording's time n / fps and s / rate. Files are made when a test first asks for them, once a session.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from tests.media_codes import CELLS, STRIP, frame_cells, read_frame_number

FPS = Fraction(25)
SECONDS = 6
WIDTH, HEIGHT = 320, 180
RATE = 48_000

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """How a file is made: ffmpeg's options after the inputs picture (0), sound (1) and another sound (2)."""

    file: str
    options: tuple[str, ...]
    source: str | None = None
    """Made from another file of the corpus instead of the recording."""
    before: tuple[str, ...] = ()
    """Options in front of that file."""
    scene: str = ""
    """Filters after the scene, before the encoder."""
    sound_file: str | None = None
    """Where the sound is, if in a file of its own."""
    sound_slack: int = 0
    """Samples by which the container leaves the sound's place open: half a millisecond in Matroska, where
    packets are of different lengths (Vorbis) and so cannot be counted."""
    two_passes: bool = False
    """The encoder reads everything first, without which libvpx codes no hidden pictures."""
    fps: Fraction = FPS
    has_picture: bool = True
    tracks: int = 1


_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-pix_fmt", "yuv420p", "-threads", "1")
_AAC = ("-c:a", "aac", "-b:a", "128k")
_OPUS = ("-c:a", "libopus", "-b:a", "96k")
_BOTH = ("-map", "[scene]", "-map", "1:a")
_GOP = "keyint=20:min-keyint=20:scenecut=0:bframes=3:b-adapt=0:b-pyramid=normal:ref=3"
_FRAGMENTS = ("-movflags", "+frag_keyframe+delay_moov+default_base_moof+global_sidx+skip_trailer")
_VFR = ("-fps_mode", "passthrough", "-enc_time_base", "1:90000")
_MASTERING = (
    ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400"
)
_AV1_MASTERING = (
    "mastering-display=G(0.265,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000.0,0.0001)"
    ":content-light=1000,400"
)
_HDR = ",setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=limited"
_X265 = "log-level=error:keyint=20:min-keyint=20:scenecut=0:bframes=3:pools=1:frame-threads=1"

RECIPES: dict[str, Recipe] = {
    "h264-closed": Recipe(
        "closed gop.mp4", (*_BOTH, *_X264, "-x264-params", f"{_GOP}:open-gop=0", *_AAC)
    ),
    "h264-open": Recipe("open gop.mp4", (*_BOTH, *_X264, "-x264-params", f"{_GOP}:open-gop=1", *_AAC)),
    "h264-open-ts": Recipe("open gop.ts", (*_BOTH, *_X264, "-x264-params", f"{_GOP}:open-gop=1", *_AAC)),
    "h264-open-fields": Recipe(
        "open gop interlaced.mkv",
        (*_BOTH, *_X264, "-pix_fmt", "yuv420p10le", "-flags", "+ilme+ildct",
         "-x264-params", "keyint=15:min-keyint=15:scenecut=0:bframes=2:b-pyramid=none:ref=2:tff=1:open-gop=1",
         *_AAC),
        scene=",setfield=tff",
    ),
    "h264-hdr": Recipe(
        "h264 hdr.mp4",
        ("-map", "0", *_X264, "-pix_fmt", "yuv420p10le", "-x264-params", f"{_GOP}:open-gop=1",
         "-c:a", "copy"),
        source="hevc-hdr",
    ),
    "h264-closed-ts": Recipe("closed gop.ts", ("-map", "0", "-c", "copy"), source="h264-closed"),
    "h264-baseline": Recipe(
        "baseline.mp4",
        (*_BOTH, *_X264, "-profile:v", "baseline",
         "-x264-params", "keyint=20:min-keyint=20:scenecut=0:slices=3:sps-id=1", *_AAC),
    ),
    "h264-10bit": Recipe(
        "ten bits.mkv",
        (*_BOTH, *_X264, "-pix_fmt", "yuv420p10le", "-x264-params", _GOP, *_AAC),
    ),
    "h264-mkv": Recipe("h264.mkv", (*_BOTH, *_X264, "-x264-params", _GOP, *_AAC)),
    "h264-29.97": Recipe(
        "ntsc.mp4",
        (*_BOTH, *_X264, "-x264-params", _GOP, "-ar", "44100", *_AAC),
        fps=Fraction(30000, 1001),
        scene=",setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=full",
    ),
    "h264-vfr": Recipe(
        "vfr.mp4",
        (*_BOTH, *_X264, "-x264-params", _GOP, *_VFR, *_AAC),
        scene=",select='not(mod(n*7,5))+not(mod(n,3))+lt(mod(n,40),9)'",
    ),
    "h264-edit-list": Recipe(
        "edit list.mp4", ("-map", "0", "-c", "copy"), source="h264-closed", before=("-ss", "1.31")
    ),
    "h264-rotated": Recipe(
        "rotated.mov", ("-map", "0", "-c", "copy"), source="h264-closed", before=("-display_rotation", "90")
    ),
    "h264-anamorphic": Recipe(
        "anamorphic.mp4", (*_BOTH, *_X264, "-x264-params", _GOP, *_AAC), scene=",setsar=4/3"
    ),
    "h264-two-tracks": Recipe(
        "two tracks.mkv",
        (*_BOTH, "-map", "2:a", *_X264, "-x264-params", _GOP, *_AAC, "-metadata:s:a:1", "language=deu"),
                tracks=2,
    ),
    "h264-late-sound": Recipe(
        "late sound.mp4",
        ("-map", "0:v", "-map", "1:a", "-c", "copy"),
        source="h264-closed",
        before=("-itsoffset", "0.5", "-i", "closed gop.mp4"),
    ),
    "h264-silent": Recipe(
        "no sound.mp4", ("-map", "[scene]", *_X264, "-x264-params", _GOP, "-an"), tracks=0
    ),
    "hevc": Recipe("hevc.mp4", (*_BOTH, "-c:v", "libx265", "-preset", "ultrafast", "-crf", "20",
                                "-x265-params", f"{_X265}:open-gop=0", "-tag:v", "hvc1", *_AAC)),
    "hevc-open": Recipe("hevc open.mp4", (*_BOTH, "-c:v", "libx265", "-preset", "ultrafast", "-crf", "20",
                                          "-x265-params", f"{_X265}:open-gop=1", *_AAC)),
    "hevc-radl": Recipe("hevc radl.mp4", (*_BOTH, "-c:v", "libx265", "-preset", "ultrafast", "-crf", "20",
                                          "-x265-params", f"{_X265}:open-gop=0:radl=2", "-tag:v",
                                          "hev1", *_AAC)),
    "hevc-ts": Recipe("hevc.ts", ("-map", "0", "-c", "copy"), source="hevc-open"),
    "hevc-hdr": Recipe("hdr.mp4", (*_BOTH, "-c:v", "libx265", "-preset", "ultrafast", "-crf", "20",
                                   "-x265-params", _X265 + _MASTERING, "-pix_fmt", "yuv420p10le", *_AAC),
                       scene=_HDR),
    "vp9": Recipe("vp9.webm", (*_BOTH, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8",
                               "-b:v", "0", "-crf", "30", "-g", "20", *_OPUS)),
    "vp9-hidden": Recipe(
        "vp9 hidden.mp4",
        (*_BOTH, "-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "5", "-b:v", "300k", "-g", "40",
         "-auto-alt-ref", "1", "-lag-in-frames", "16", *_AAC), two_passes=True),
    "vp9-hdr": Recipe(
        "vp9 hdr.webm",
        ("-map", "0", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "0",
         "-crf", "30", "-g", "20", *_OPUS), source="hevc-hdr"),
    "vp8": Recipe(
        "vp8.webm",
        (*_BOTH, "-c:v", "libvpx", "-deadline", "good", "-cpu-used", "16", "-b:v", "900k", "-g", "20",
         "-auto-alt-ref", "1", "-lag-in-frames", "8", "-c:a", "libvorbis"), sound_slack=24),
    "av1": Recipe("av1.webm", (*_BOTH, "-c:v", "libsvtav1", "-preset", "12", "-crf", "25", "-g", "20",
                               "-svtav1-params", "lp=1", *_OPUS)),
    "av1-hdr": Recipe(
        "av1 hdr.mp4",
        (*_BOTH, "-c:v", "libsvtav1", "-preset", "12", "-crf", "25", "-g", "20", "-pix_fmt", "yuv420p10le",
         "-svtav1-params", f"lp=1:{_AV1_MASTERING}", *_AAC), scene=_HDR),
    "av1-aom": Recipe(
        "av1 aom.mp4",
        (*_BOTH, "-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-crf", "30", "-g", "20",
         *_AAC)),
    "h264-interlaced": Recipe(
        "interlaced.mp4",
        (*_BOTH, *_X264, "-flags", "+ilme+ildct", "-x264-params", f"{_GOP}:tff=1", *_AAC),
        scene=",setfield=tff",
    ),
    "mpeg2": Recipe("mpeg2.ts", (*_BOTH, "-c:v", "mpeg2video", "-q:v", "3", "-g", "15", "-bf", "2",
                                 "-c:a", "mp2", "-b:a", "192k")),
    "mpeg2-program": Recipe("mpeg2.mpg", ("-map", "0", "-c", "copy", "-f", "vob"), source="mpeg2"),
    "mpeg2-fields": Recipe(
        "mpeg2 fields.mkv",
        (*_BOTH, "-c:v", "mpeg2video", "-q:v", "3", "-g", "12", "-bf", "2", "-flags", "+ilme+ildct+cgop",
         "-sc_threshold", "1000000000", *_AAC),
        scene=",setfield=tff",
    ),
    "mpeg4": Recipe("mpeg4.mp4", (*_BOTH, "-c:v", "mpeg4", "-q:v", "3", "-g", "20", "-bf", "2", *_AAC)),
    "mpeg4-avi": Recipe("mpeg4.avi", (*_BOTH, "-c:v", "mpeg4", "-q:v", "3", "-g", "20",
                                      "-c:a", "libmp3lame", "-b:a", "192k")),
    "dash-video": Recipe(
        "dash.mp4", ("-map", "[scene]", *_X264, "-x264-params", _GOP, *_FRAGMENTS), sound_file="dash-audio"
    ),
    "dash-audio": Recipe(
        "dash.m4a",
        ("-map", "1:a", *_AAC, *_FRAGMENTS, "-frag_duration", "2000000", "-f", "mp4"),
        has_picture=False,
    ),
    "webm-video": Recipe(
        "pair.webm",
        ("-map", "[scene]", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "20"),
        sound_file="webm-audio",
    ),
    "webm-audio": Recipe("sound.webm", ("-map", "1:a", *_OPUS), has_picture=False),
    "audio-m4a": Recipe("sound.m4a", ("-map", "1:a", *_AAC), has_picture=False),
    "audio-cover": Recipe(
        "cover.m4a",
        ("-map", "1:a", "-filter_complex", "color=red:s=64x64,trim=end_frame=1[cover]", "-map", "[cover]",
         "-c:v", "mjpeg", "-disposition:v", "attached_pic", *_AAC),
        has_picture=False,
    ),
    "audio-mp3": Recipe(
        "sound.mp3", ("-map", "1:a", "-c:a", "libmp3lame", "-b:a", "192k"), has_picture=False
    ),
    "audio-flac": Recipe("sound.flac", ("-map", "1:a", "-c:a", "flac"), has_picture=False),
}  # fmt: skip

PICTURES = [name for name, recipe in RECIPES.items() if recipe.has_picture]
JOINED_OTHERWISE = {
    "h264-hdr", "h264-open-fields", "hevc-open", "hevc-radl", "hevc-ts", "vp9-hidden", "av1-hdr", "av1-aom",
    "mpeg2-fields", "mpeg4",
}  # fmt: skip
"""What is like another file, but for how copied pictures and encoded ones are joined."""
SOUNDS_ONLY = [name for name, recipe in RECIPES.items() if not recipe.has_picture]


class Corpus:
    """The files, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._frames: dict[str, list[tuple[Fraction, int]]] = {}

    def path(self, name: str) -> Path:
        """The file `name`, made if need be."""
        recipe = RECIPES[name]
        path = self.folder / recipe.file
        if not path.exists():
            self._make(recipe, path)
        return path

    def sound_path(self, name: str) -> Path | None:
        """Where the sound of `name` is: in the file itself, in another one, or nowhere."""
        recipe = RECIPES[name]
        if recipe.sound_file is not None:
            return self.path(recipe.sound_file)
        return self.path(name) if recipe.tracks else None

    def frames(self, name: str) -> list[tuple[Fraction, int]]:
        """What a plain decoder sees in the file: (seconds of the file, picture number), in order."""
        if name not in self._frames:
            self._frames[name] = decode_frames(self.path(name))
        return self._frames[name]

    def _make(self, recipe: Recipe, path: Path) -> None:
        if recipe.source is not None:
            inputs = [*recipe.before[:2], "-i", self.path(recipe.source).name]
            inputs += recipe.before[2:]
            if "-itsoffset" in recipe.before:
                inputs = ["-i", self.path(recipe.source).name, *recipe.before]
            self._ffmpeg(*inputs, *recipe.options, path.name)
            return
        recording = self._recording(recipe)
        if recipe.two_passes:
            self._ffmpeg(*recording, *recipe.options, "-pass", "1", "-f", "null", "-")
            recording = [*recording, "-pass", "2"]
        self._ffmpeg(*recording, *recipe.options, path.name)

    def _recording(self, recipe: Recipe) -> list[str]:
        strips, first, second = (self.folder / name for name in ("strips", "sound.f32", "sound2.f32"))
        frames = int(SECONDS * recipe.fps)
        strips.write_bytes(b"".join(frame_cells(number) for number in range(frames)))
        if not first.exists():
            recording_sound(0).tofile(first)
            recording_sound(1).tofile(second)
        strip = round(HEIGHT * STRIP)
        scene = (
            f"[0:v]scale={WIDTH}:{strip}:flags=neighbor,format=yuv420p[strip];"
            f"testsrc2=s={WIDTH}x{HEIGHT}:r={recipe.fps},format=yuv420p[picture];"
            f"[picture][strip]overlay=0:0:shortest=1{recipe.scene}[scene]"
        )
        sound = ("-f", "f32le", "-ar", str(RATE), "-ac", "1")
        picture = [
            "-f",
            "rawvideo",
            "-pix_fmt",
            "gray",
            "-s",
            f"{CELLS}x1",
            "-r",
            str(recipe.fps),
            "-i",
            "strips",
        ]
        graph = ["-filter_complex", scene] if recipe.has_picture else []
        return [*picture, *sound, "-i", "sound.f32", *sound, "-i", "sound2.f32", *graph]

    def _ffmpeg(self, *arguments: str) -> None:
        done = subprocess.run(
            [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the corpus could not be made: {done.stderr[-2000:]}")


def recording_sound(track: int) -> Samples:
    """The recording's sound, -1..1, mono: noise below about 6 kHz, another one for each track."""
    noise = np.random.default_rng(7 + track).standard_normal(SECONDS * RATE)
    smooth = np.convolve(noise, np.ones(6) / 6, "same")
    return (0.25 * smooth).astype(np.float32)


def decode_frames(path: Path) -> list[tuple[Fraction, int]]:
    """(presentation time in seconds of the file, number) of every picture that a plain decoder shows."""
    found = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            picture = frame.to_ndarray(format="gray")
            if frame.pts is None or frame.time_base is None:
                raise AssertionError("a picture without a time")
            found.append((frame.pts * frame.time_base, read_frame_number(picture)))
    return found


def decode_sound(path: Path, track: int = 0) -> tuple[Fraction, Samples]:
    """When a track starts, in seconds of the file, and its mono samples as a plain decoder plays them.

    The samples are cut to the length that the container tells.
    """
    with av.open(str(path)) as container:
        stream = container.streams.audio[track]
        frames = list(container.decode(stream))
        start = Fraction(frames[0].pts or 0) * Fraction(frames[0].time_base or 1)
        resampler = av.AudioResampler(format="flt", layout="mono")
        pieces = [part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)]
        length = None
        if stream.duration is not None and stream.time_base is not None:
            length = round(stream.duration * stream.time_base * stream.rate)
    return start, np.concatenate(pieces)[:length].astype(np.float32)


def lag_of(heard: Samples, recorded: Samples, reach: int) -> int:
    """By how many samples `heard` is later than `recorded`, found within +-`reach` (correlation's peak)."""
    size = 1 << int(np.ceil(np.log2(len(heard) + len(recorded) + 2 * reach)))
    correlation = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(recorded, size)), size)
    lags = np.concatenate((np.arange(reach + 1), np.arange(-reach, 0)))
    return int(lags[np.argmax(correlation[lags])])
