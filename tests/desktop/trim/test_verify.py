"""A clip that is not what was planned does not pass."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from desktop.errors import Exit
from desktop.trim.compare import Checksum, CopiedPart
from desktop.trim.verify import Expectation, SoundExpectation, VerificationError, verify_clip
from tests.desktop.trim.conftest import Cut

FRAME = Fraction(1, 25)
ONE_SECOND = Expectation(
    picture_times=[FRAME * number for number in range(25)],
    duration=Fraction(1),
    sounds=[SoundExpectation((Fraction(0), Fraction(0)), (Fraction(1), Fraction(1)))],
)


@pytest.fixture(scope="module")
def clip(cut: Cut, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of picture and sound."""
    path = tmp_path_factory.mktemp("verify") / "clip.mp4"
    return cut("h264-closed", (1.0, 2.0)).temporary.rename(path)


def remuxed(clip: Path, folder: Path, *options: str) -> Path:
    path = folder / "changed.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", clip, *options, path]
    subprocess.run(command, check=True)
    return path


def test_what_was_planned_passes(clip: Path) -> None:
    verify_clip(clip, ONE_SECOND)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plan: replace(plan, picture_times=plan.picture_times[:-1]), "25 pictures instead of 24"),
        (lambda plan: replace(plan, picture_times=[t * 2 for t in plan.picture_times]), "off its time"),
        (lambda plan: replace(plan, duration=Fraction(3, 4)), "long instead of 0.750"),
        (lambda plan: replace(plan, sounds=[]), "1 tracks of sound instead of 0"),
        (
            lambda plan: replace(plan, sounds=[SoundExpectation((FRAME, FRAME), (Fraction(1), Fraction(1)))]),
            "track 1 begins",
        ),
        (
            lambda plan: replace(
                plan, sounds=[SoundExpectation((Fraction(0), Fraction(0)), (Fraction(0), FRAME))]
            ),
            "track 1 ends",
        ),
    ],
)
def test_a_clip_that_differs_from_its_plan_is_told(
    clip: Path, change: Callable[[Expectation], Expectation], words: str
) -> None:
    with pytest.raises(VerificationError, match=words) as failure:
        verify_clip(clip, change(ONE_SECOND))
    assert (failure.value.code, failure.value.exit) == ("clip-verification-failed", Exit.MEDIA)


def held(clip: Path, track: int, count: int | None = None) -> CopiedPart:
    """What the first packets of a track hold."""
    with av.open(str(clip)) as container:
        data = [bytes(packet) for packet in container.demux(container.streams[track]) if packet.size][:count]
    checksum = Checksum()
    for one in data:
        checksum.add(one)
    return checksum.part()


def test_copies_are_compared_byte_by_byte(clip: Path) -> None:
    pictures, sound = held(clip, 0, 20), held(clip, 1)
    (heard,) = ONE_SECOND.sounds
    copied = replace(ONE_SECOND, parts=(pictures, 5), sounds=[replace(heard, copied=sound)])
    verify_clip(clip, copied)
    other = replace(pictures, checksum=pictures.checksum ^ 1)
    with pytest.raises(VerificationError, match="not what the source holds"):
        verify_clip(clip, replace(copied, parts=(other, 5)))
    other = replace(sound, checksum=sound.checksum ^ 1)
    with pytest.raises(VerificationError, match="not what the source holds"):
        verify_clip(clip, replace(copied, sounds=[replace(heard, copied=other)]))
    with pytest.raises(VerificationError, match="not all that was copied"):
        verify_clip(clip, replace(copied, parts=(pictures, 5, held(clip, 0, 3))))


def test_an_index_at_the_end_is_told(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="index is not in front"):
        verify_clip(remuxed(clip, tmp_path, "-c", "copy"), ONE_SECOND)


def test_a_lost_sample_at_the_end_is_told(clip: Path, tmp_path: Path) -> None:
    shorter = remuxed(
        clip, tmp_path, "-c:v", "copy", "-af", "atrim=end_sample=47999", "-movflags", "+faststart"
    )
    with pytest.raises(VerificationError, match="track 1 ends"):
        verify_clip(shorter, ONE_SECOND)


@pytest.mark.parametrize("at", [0.3, 0.9])
def test_bytes_that_do_not_decode_are_told(clip: Path, tmp_path: Path, at: float) -> None:
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + int((len(data) - data.index(b"mdat")) * at)
    data[start : start + 4000] = bytes(4000)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data)
    with pytest.raises(VerificationError):
        verify_clip(damaged, ONE_SECOND)


def test_a_file_that_is_cut_off_is_told(clip: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.mp4"
    half.write_bytes(clip.read_bytes()[:2000])
    with pytest.raises(VerificationError):
        verify_clip(half, ONE_SECOND)
