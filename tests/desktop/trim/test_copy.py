"""Copied cuts: more than was asked for, from a keyframe on, and the truth about how much more."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given

from desktop.errors import ReelyError
from desktop.media.packets import read_packets
from desktop.media.probe import probe
from desktop.trim.edit import Mode
from tests.desktop.corpus import (
    HEIGHT,
    PICTURES,
    RECIPES,
    SOUNDS_ONLY,
    Corpus,
    decode_frames,
    decode_sound,
    lag_of,
)
from tests.desktop.trim.conftest import Cut
from tests.desktop.trim.test_exact import SEGMENTS, expected_frames, random_cuts, source_sound
from tests.media_codes import read_frame_number


@pytest.mark.parametrize("name", [name for name in PICTURES if name != "vp8"])
@random_cuts
@given(segment=SEGMENTS)
def test_a_copied_cut_covers_what_was_asked_from_a_keyframe_on_and_says_how_early(
    corpus: Corpus, cut: Cut, name: str, segment: tuple[float, float]
) -> None:
    wanted = expected_frames(corpus, name, *segment)
    if not wanted or segment[1] > probe(corpus.path(name)).duration:
        return
    clip = cut(name, segment, mode=Mode.COPY)
    shown = decode_frames(clip.temporary)
    numbers = [number for _, number in shown]
    assert shown[0][0] == 0
    assert set(numbers) >= {number for _, number in wanted}
    assert numbers == sorted(set(numbers)), "pictures are in order, none twice"
    assert clip.frames == len(numbers)
    covered = expected_frames(corpus, name, clip.start, clip.end)
    if clip.start >= 0:  # an edit list may hide pictures that a copy brings to light
        assert numbers == [number for _, number in covered]
        assert clip.early == pytest.approx(max(0.0, segment[0] - clip.start), abs=1e-6)
    assert clip.early <= 2.0, "the corpus has a keyframe every 0.8 s, or 20 pictures"
    assert clip.reencoded_seconds == 0
    check_sound_roughly(corpus, name, clip.temporary, clip.start)
    clip.temporary.unlink()


def check_sound_roughly(corpus: Corpus, name: str, path: object, start: float) -> None:
    """Sound and picture of a copy belong together within 5 ms."""
    for track in range(RECIPES[name].tracks):
        source = corpus.sound_path(name)
        assert source is not None
        rate = probe(source).audios[track].sample_rate
        begins, heard = decode_sound(path, track)  # type: ignore[arg-type]
        whole = source_sound(corpus, name, track)
        first = round((start + float(begins)) * rate)
        if first < 0 or np.abs(whole[first : first + len(heard)]).max(initial=0) < 0.05:
            continue
        assert abs(lag_of(heard, whole[first : first + len(heard)], 4800)) <= 0.005 * rate


@pytest.mark.parametrize("name", SOUNDS_ONLY)
def test_sound_alone_is_copied_to_the_packet(corpus: Corpus, cut: Cut, name: str) -> None:
    clip = cut(name, (1.234, 3.21), mode=Mode.COPY)
    assert clip.duration == pytest.approx(1.976)
    check_sound_roughly(corpus, name, clip.temporary, 1.234)


def test_a_joined_copy_begins_where_it_can_be_joined_however_far_that_is(cut: Cut) -> None:
    """In this file only the first keyframe is such that pictures before it can be of anything."""
    clip = cut("h264-open", (0.1, 0.5), (5.0, 5.5), mode=Mode.COPY)
    numbers = [number for _, number in decode_frames(clip.temporary)]
    second = numbers.index(0, 1)
    assert numbers[:second] == list(range(second))
    assert numbers[second:] == list(range(len(numbers) - second))
    assert second > 12
    assert numbers[-1] >= 137


def test_copied_pictures_are_the_very_bytes_of_the_source(corpus: Corpus, cut: Cut) -> None:
    clip = cut("h264-closed", (1.7, 3.0), mode=Mode.COPY)
    source, copy = read_packets(corpus.path("h264-closed")).video, read_packets(clip.temporary).video
    assert source is not None
    assert copy is not None
    first = int(np.flatnonzero(source.key & (source.pts == int(Fraction(8, 5) / source.time_base)))[0])
    assert copy.size.tolist() == source.size[first : first + len(copy)].tolist()


@pytest.mark.parametrize("name", ["h264-open", "h264-open-ts", "hevc", "vp9", "av1", "mpeg2"])
def test_copied_pictures_decode_to_the_very_pixels_of_the_source(corpus: Corpus, cut: Cut, name: str) -> None:
    def pictures(path: Path) -> dict[int, str]:
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]
        return {
            read_frame_number(frame[:HEIGHT]): hashlib.sha256(frame.tobytes()).hexdigest() for frame in frames
        }

    source = pictures(corpus.path(name))
    for start in (1.0, 1.8, 2.59):
        copy = pictures(cut(name, (start, start + 1.3), mode=Mode.COPY).temporary)
        assert copy == {number: source[number] for number in copy}


@pytest.mark.parametrize("name", ["h264-closed", "hevc", "vp9"])
def test_copies_are_joined_where_nothing_refers_back(corpus: Corpus, cut: Cut, name: str) -> None:
    clip = cut(name, (4.1, 5.0), (1.9, 2.7), mode=Mode.COPY)
    numbers = [number for _, number in decode_frames(clip.temporary)]
    second = numbers.index(min(numbers))
    for part, (start, end) in ((numbers[:second], (4.1, 5.0)), (numbers[second:], (1.9, 2.7))):
        assert part == list(range(part[0], part[-1] + 1))
        assert set(part) >= {number for _, number in expected_frames(corpus, name, start, end)}


def test_pictures_that_mp4_cannot_carry_are_refused_with_the_way_out(corpus: Corpus, cut: Cut) -> None:
    with pytest.raises(ReelyError) as refusal:
        cut("vp8", (1.0, 2.0), mode=Mode.COPY)
    assert refusal.value.code == "copy-not-possible"
    assert "exact" in refusal.value.hint
