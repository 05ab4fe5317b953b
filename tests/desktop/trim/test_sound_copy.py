"""Sound of smart cuts is the source's own packets wherever those can be cut to the sample."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given

from desktop.media.packets import read_packets
from desktop.media.probe import probe
from desktop.trim.copied import SoundCopy
from desktop.trim.cut import TrimJob, trim
from desktop.trim.edit import Clip, Edit, MediaInput, Mode, Segment
from desktop.trim.media import Sound
from desktop.trim.plan import plan_cut
from tests.desktop.corpus import RATE, SECONDS, SOUNDS_ONLY, Corpus, decode_sound, recording_sound
from tests.desktop.trim.conftest import Cut
from tests.desktop.trim.test_exact import SEGMENTS, expected_frames, random_cuts, source_sound

WITH_PICTURES = ["h264-closed", "h264-closed-ts", "h264-mkv", "h264-29.97", "h264-edit-list", "dash-video"]

# The energy of the error: one sample too early or too late is 0.3, so much do the recording's neighbouring
# samples differ. Decoders of AAC and AC-3 fill up with noise of their own (up to 0.04).
TOLERATED = 0.1


def payloads(path: Path, track: int = 0) -> list[bytes]:
    """The sound packets of a track, less the headers that transport streams put in front of AAC."""
    with av.open(str(path)) as container:
        data = [bytes(packet) for packet in container.demux(audio=track) if packet.size]
    return [one[7:] if one[0] == 0xFF and one[1] & 0xF6 == 0xF0 else one for one in data]


def heard_at(corpus: Corpus, name: str, clip: Clip, start: Fraction) -> float:
    """How far the clip's sound is from the source's from `start` on: the energy of the error, 0..1."""
    source = corpus.sound_path(name)
    assert source is not None
    rate = probe(source).audios[0].sample_rate
    begins, heard = decode_sound(clip.temporary)
    assert begins == 0
    wanted = source_sound(corpus, name)[round(start * rate) :][: len(heard)]
    assert len(heard) - len(wanted) <= 1
    heard = heard[: len(wanted)]
    if np.abs(wanted).max(initial=0) < 0.05:
        return 0.0
    return float(np.sum((heard - wanted) ** 2) / np.sum(wanted**2))


@pytest.mark.parametrize("name", [*WITH_PICTURES, *SOUNDS_ONLY])
@random_cuts
@given(segment=SEGMENTS)
def test_copied_sound_is_the_sources_to_the_sample(
    corpus: Corpus, cut: Cut, name: str, segment: tuple[float, float]
) -> None:
    start = Fraction(segment[0]).limit_denominator(1000)
    if name not in SOUNDS_ONLY:
        wanted = expected_frames(corpus, name, *segment)
        if not wanted or segment[1] > probe(corpus.path(name)).duration:
            return
        start = wanted[0][0]
    clip = cut(name, segment, mode=Mode.SMART)
    source = corpus.sound_path(name)
    assert source is not None
    if clip.mode is Mode.SMART:
        copied = payloads(clip.temporary)
        whole = payloads(source)
        first = whole.index(copied[0])
        assert copied == whole[first : first + len(copied)]
        assert heard_at(corpus, name, clip, start) < TOLERATED
    if name in SOUNDS_ONLY:
        assert (clip.mode, clip.reencoded_seconds, clip.notes) == (Mode.SMART, 0.0, ())
    clip.temporary.unlink()


def test_sound_lasts_as_long_as_the_sources_last_pictures(corpus: Corpus, cut: Cut) -> None:
    clip = cut("h264-closed", (4.6, 5.921083), mode=Mode.SMART)  # its last picture is shown until 5.96
    assert clip.end == pytest.approx(5.96)
    _, heard = decode_sound(clip.temporary)
    assert len(heard) == round(clip.duration * RATE)
    clip.temporary.unlink()


@pytest.mark.parametrize("name", ["h264-closed", "audio-m4a"])
def test_joined_sound_is_encoded_anew_since_packets_cannot_be_joined_to_the_sample(
    corpus: Corpus, cut: Cut, name: str
) -> None:
    clip = cut(name, (1.0, 2.5), (3.1, 4.6), mode=Mode.SMART)
    assert not set(payloads(clip.temporary)) & set(payloads(corpus.path(name)))
    assert clip.mode is (Mode.SMART if name == "h264-closed" else Mode.EXACT)
    assert [note for note in clip.notes if "joined" in note] == [*clip.notes]


@pytest.mark.parametrize(
    ("coding", "suffix"),
    [
        (("-c:a", "aac", "-b:a", "64k", "-ac", "6"), ".mp4"),
        (("-c:a", "ac3"), ".mp4"),
        (("-c:a", "eac3"), ".mp4"),
        (("-c:a", "alac"), ".m4a"),
        (("-c:a", "flac"), ".mkv"),
        (("-c:a", "libopus", "-frame_duration", "40"), ".mkv"),
        (("-c:a", "libmp3lame", "-b:a", "48k"), ".mkv"),
        (("-c:a", "libmp3lame", "-q:a", "4", "-ar", "44100"), ".mp4"),
    ],
)
def test_every_codec_that_mp4_carries_is_copied_to_the_sample(
    tmp_path: Path, coding: tuple[str, ...], suffix: str
) -> None:
    source = tmp_path / f"source{suffix}"
    recording_sound(0).tofile(tmp_path / "sound.f32")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-f", "f32le", "-ar", str(RATE)]
    subprocess.run([*command, "-ac", "1", "-i", tmp_path / "sound.f32", *coding, source], check=True)
    for number, (start, end) in enumerate([(0.0, 1.0), (1.2345, 2.0), (3.001, float(SECONDS) - 0.2)]):
        job = TrimJob(
            media=MediaInput(video=None, audio=source),
            edit=Edit(segments=(Segment(start=start, end=end),)),
            targets=(tmp_path / f"{number}.m4a",),
        )
        (clip,) = trim(job, lambda stage, fraction: None).clips
        assert (clip.mode, clip.notes) == (Mode.SMART, ())
        rate = probe(source).audios[0].sample_rate
        begins, heard = decode_sound(clip.temporary)
        _, whole = decode_sound(source)
        wanted = whole[round(start * rate) : round(end * rate)]
        assert begins == 0
        assert abs(len(heard) - len(wanted)) <= 1
        both = min(len(heard), len(wanted))
        error = np.sum((heard[:both] - wanted[:both]) ** 2) / np.sum(wanted**2)
        assert error < TOLERATED


def test_sound_with_a_hole_is_not_copied(corpus: Corpus) -> None:
    path = corpus.path("audio-m4a")
    index = read_packets(path)
    audio = index.info.audios[0]
    packets = index.streams[audio.index]
    edit = Edit(segments=(Segment(start=1.0, end=3.0),))
    (clip,) = plan_cut(edit, None, [packets])
    copy = SoundCopy.of(Sound(path, audio, packets), clip)
    assert copy.is_exact()
    holed = copy.positions.copy()
    holed[100:] += 5
    assert not SoundCopy(copy.sound, clip, holed, np.append(holed[1:], holed[-1] + 1024)).is_exact()
    late = SoundCopy(copy.sound, clip, copy.positions + 60_000, copy.ends + 60_000)
    assert not late.is_exact(), "it begins after the clip"
