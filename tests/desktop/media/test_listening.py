"""Listening to a file and watching it: one channel at any rate, loudness, and where shots begin."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from desktop.errors import ReelyError
from desktop.media.loudness import SILENCE, STEP, momentary_loudness
from desktop.media.mono import mono_blocks
from desktop.media.shots import STEP as MOTION_STEP
from desktop.media.shots import watch

RATE = 16_000


def make(path: Path, *arguments: str) -> Path:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *arguments, str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def two_tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 s of a loud tone, 2 s of silence, 2 s of one that is 20 dB softer; stereo at 44.1 kHz."""
    loud, soft = "aevalsrc=0.5*sin(2*PI*1000*t)", "aevalsrc=0.05*sin(2*PI*1000*t)"
    return make(
        tmp_path_factory.mktemp("tones") / "tones.m4a",
        "-f", "lavfi", "-i", f"{loud}:d=2:s=44100",
        "-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono:d=2",
        "-f", "lavfi", "-i", f"{soft}:d=2:s=44100",
        "-filter_complex", "[0][1][2]concat=n=3:v=0:a=1,aformat=channel_layouts=stereo",
    )  # fmt: skip


@pytest.mark.parametrize("seconds", [0.1, 1.0, 60.0])
def test_the_sound_comes_in_blocks_that_follow_each_other(two_tones: Path, seconds: float) -> None:
    blocks = list(mono_blocks(two_tones, RATE, seconds=seconds))
    assert {len(block) for block in blocks[:-1]} <= {int(seconds * RATE)}
    sound = np.concatenate(blocks)
    assert len(sound) == pytest.approx(6 * RATE, abs=RATE // 10)
    loudness = [float(np.sqrt(np.mean(sound[a * RATE + 800 : (a + 1) * RATE - 800] ** 2))) for a in range(6)]
    assert loudness == pytest.approx([0.354, 0.354, 0.0, 0.0, 0.0354, 0.0354], abs=0.01)


def test_sound_that_begins_later_than_the_picture_keeps_its_place(tmp_path: Path) -> None:
    late = make(
        tmp_path / "late.mkv",
        "-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=4", "-itsoffset", "1.5",
        "-f", "lavfi", "-i", "sine=1000:d=2", "-c:a", "pcm_s16le",
    )  # fmt: skip
    sound = np.concatenate(list(mono_blocks(late, RATE)))
    first = int(np.argmax(np.abs(sound) > 0.02))
    assert first / RATE == pytest.approx(1.5, abs=0.02)


def test_without_sound_there_are_no_blocks_and_no_loudness(tmp_path: Path) -> None:
    mute = make(tmp_path / "mute.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=1")
    assert list(mono_blocks(mute, RATE)) == []
    with pytest.raises(ReelyError, match="encoder stopped"):
        momentary_loudness(mute)


def test_loudness_follows_ebu_r128(two_tones: Path) -> None:
    values = momentary_loudness(two_tones)
    assert len(values) == pytest.approx(6 / STEP, abs=2)
    loud, silent, soft = (float(np.median(values[a:b])) for a, b in ((6, 19), (27, 39), (47, 59)))
    assert loud == pytest.approx(-9.0, abs=0.3), "a tone of -9 dBFS on each of two channels"
    assert soft == pytest.approx(loud - 20.0, abs=0.5)
    assert silent == SILENCE


def test_shots_are_found_where_the_film_is_cut(tmp_path: Path) -> None:
    film = make(
        tmp_path / "film.mp4",
        "-f", "lavfi", "-i", "color=red:s=160x90:r=25:d=3", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4",
        "-f", "lavfi", "-i", "mandelbrot=s=160x90:r=25,trim=duration=2",
        "-filter_complex", "[0][1][2]concat=n=3,format=yuv420p", "-c:v", "libx264", "-preset", "ultrafast",
    )  # fmt: skip
    assert watch(film).shots == pytest.approx((3.0, 7.0), abs=0.1)


def test_one_long_shot_has_no_cuts(tmp_path: Path) -> None:
    film = make(
        tmp_path / "film.mp4", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=5", "-pix_fmt", "yuv420p"
    )
    assert watch(film).shots == ()


def test_motion_tells_where_much_moves_and_not_where_it_is_cut(tmp_path: Path) -> None:
    film = make(
        tmp_path / "film.mp4",
        "-f", "lavfi", "-i", "color=red:s=160x90:r=25:d=4",
        "-f", "lavfi", "-i", "color=blue:s=160x90:r=25:d=4",
        "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4",
        "-filter_complex", "[0][1][2]concat=n=3,format=yuv420p", "-c:v", "libx264", "-preset", "ultrafast",
    )  # fmt: skip
    motion = watch(film).motion
    assert len(motion) == pytest.approx(12 / MOTION_STEP, abs=1)
    still, moving = motion[: int(8 / MOTION_STEP)], motion[int(8 / MOTION_STEP) :]
    assert max(still) < 0.1
    assert min(moving) > 0.3


def test_a_sound_without_a_picture_has_neither_shots_nor_motion(two_tones: Path) -> None:
    with pytest.raises(ReelyError, match="encoder stopped"):
        watch(two_tones)
