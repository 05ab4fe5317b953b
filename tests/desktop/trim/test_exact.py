"""Exact cuts: the very pictures and samples between in and out, from whatever file."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop.media.probe import probe
from desktop.trim.edit import Clip
from tests.desktop.corpus import (
    JOINED_OTHERWISE,
    PICTURES,
    RECIPES,
    SOUNDS_ONLY,
    Corpus,
    decode_frames,
    decode_sound,
    lag_of,
)
from tests.desktop.trim.conftest import Cut

# `REELY_CUTS=200` makes this a long run over random cuts; the usual run repeats a few fixed ones.
CUTS = int(os.environ.get("REELY_CUTS", "0"))
random_cuts = settings(
    max_examples=CUTS or 2,
    derandomize=not CUTS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
TIMES = st.floats(0, 5.8, allow_nan=False).map(lambda time: round(time, 3))
SEGMENTS = st.tuples(TIMES, TIMES).map(sorted).filter(lambda pair: pair[1] - pair[0] > 0.08).map(tuple)


def expected_frames(corpus: Corpus, name: str, start: float, end: float) -> list[tuple[Fraction, int]]:
    """Times on the source's clock and numbers of the pictures in [start, end)."""
    zero = probe(corpus.path(name)).start
    slack = Fraction(1, 1_000_000)
    return [
        (time - zero, number)
        for time, number in corpus.frames(name)
        if start - slack <= time - zero < end - slack
    ]


def source_sound(corpus: Corpus, name: str, track: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The track as a plain decoder plays it, with silence from the source's zero to its start."""
    path = corpus.sound_path(name)
    assert path is not None
    start, samples = decode_sound(path, track)
    late = round((start - probe(corpus.path(name)).start) * probe(path).audios[track].sample_rate)
    return np.concatenate((np.zeros(max(0, late), np.float32), samples[max(0, -late) :]))


def check_sound(
    corpus: Corpus, name: str, clip: Clip, parts: list[tuple[Fraction, Fraction]], track: int = 0
) -> None:
    """The clip's sound is that of `parts` (start, end on the source's clock), to the sample."""
    path = corpus.sound_path(name)
    assert path is not None
    rate = probe(path).audios[track].sample_rate
    whole = source_sound(corpus, name, track)
    start, heard = decode_sound(clip.temporary, track)
    assert start == 0
    total = sum((end - begin for begin, end in parts), Fraction(0))
    assert abs(len(heard) - total * rate) <= 1
    at = Fraction(0)
    for begin, end in parts:
        wanted = whole[round(begin * rate) : round(end * rate)]
        got = heard[round(at * rate) : round((at + end - begin) * rate)]
        at += end - begin
        if np.abs(wanted).max(initial=0) > 0.05:
            lag = lag_of(got, wanted, 2400)
            assert abs(lag) <= RECIPES[name].sound_slack, f"the sound of {begin} to {end} is not in its place"


@pytest.mark.parametrize("name", PICTURES if CUTS else sorted({*PICTURES} - JOINED_OTHERWISE))
@random_cuts
@given(segment=SEGMENTS)
def test_an_exact_cut_has_the_pictures_and_samples_between_in_and_out(
    corpus: Corpus, cut: Cut, name: str, segment: tuple[float, float]
) -> None:
    wanted = expected_frames(corpus, name, *segment)
    if not wanted or segment[1] > probe(corpus.path(name)).duration:
        return
    clip = cut(name, segment)
    shown = decode_frames(clip.temporary)
    assert [number for _, number in shown] == [number for _, number in wanted]
    first = wanted[0][0]
    assert [time for time, _ in shown] == [time - first for time, _ in wanted]
    assert clip.frames == len(wanted)
    assert Fraction(clip.start).limit_denominator(10**6) == first.limit_denominator(10**6)
    for track in range(RECIPES[name].tracks):
        end = first + Fraction(clip.duration).limit_denominator(10**7)
        check_sound(corpus, name, clip, [(first, end)], track)
    clip.temporary.unlink()


@pytest.mark.parametrize("name", ["h264-open", "h264-vfr", "vp9", "dash-video"])
def test_joined_segments_follow_each_other_without_gap_or_overlap(
    corpus: Corpus, cut: Cut, name: str
) -> None:
    segments = [(4.02, 5.3), (0.31, 1.0), (0.35, 2.44)]
    clip = cut(name, *segments)
    wanted = [expected_frames(corpus, name, *segment) for segment in segments]
    shown = decode_frames(clip.temporary)
    assert [number for _, number in shown] == [number for part in wanted for _, number in part]
    starts = [time for time, _ in shown]
    assert starts[0] == 0
    parts, at = [], 0
    for part in wanted:
        stop = starts[at + len(part)] if at + len(part) < len(starts) else Fraction(clip.duration)
        parts.append((part[0][0], part[0][0] + stop - starts[at]))
        assert [time - starts[at] for time in starts[at : at + len(part)]] == [
            time - part[0][0] for time, _ in part
        ]
        at += len(part)
    for track in range(RECIPES[name].tracks):
        check_sound(corpus, name, clip, parts, track)


@pytest.mark.parametrize("name", SOUNDS_ONLY)
@random_cuts
@given(segment=SEGMENTS)
def test_sound_alone_is_cut_to_the_sample(
    corpus: Corpus, cut: Cut, name: str, segment: tuple[float, float]
) -> None:
    clip = cut(name, segment)
    start, end = (Fraction(time).limit_denominator(1000) for time in segment)
    assert (clip.frames, clip.duration) == (0, float(end - start))
    check_sound(corpus, name, clip, [(start, end)])
    clip.temporary.unlink()


def test_the_last_picture_is_reached_when_out_is_the_end(corpus: Corpus, cut: Cut) -> None:
    clip = cut("h264-closed", (5.5, 6.0))
    assert [number for _, number in decode_frames(clip.temporary)] == list(range(138, 150))


def test_what_the_picture_looks_like_is_kept(corpus: Corpus, cut: Cut) -> None:
    kept = {
        "sample_aspect",
        "rotation",
        "display_matrix",
        "color",
        "bit_depth",
        "width",
        "height",
        "interlaced",
    }
    for name in ("h264-rotated", "h264-anamorphic", "h264-29.97", "hevc-hdr", "h264-interlaced"):
        before = probe(corpus.path(name)).video
        after = probe(cut(name, (1.0, 1.5)).temporary).video
        assert before is not None
        assert after is not None
        assert after.model_dump(include=kept) == before.model_dump(include=kept)


def test_what_an_hdr_screen_needs_to_know_is_kept(corpus: Corpus, cut: Cut) -> None:
    def told(path: Path) -> dict[str, bytes]:
        with av.open(str(path)) as container:
            data: Any = next(container.decode(video=0)).side_data
            return {part.type.name: bytes(part) for part in data if "SEI" not in part.type.name}

    before = told(corpus.path("hevc-hdr"))
    assert set(before) == {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"}
    assert told(cut("hevc-hdr", (1.0, 1.5)).temporary) == before


def test_clips_have_the_sample_entries_that_play_everywhere(cut: Cut) -> None:
    tags = {"h264-mkv": "avc1", "vp9": "avc1", "hevc-hdr": "hvc1"}
    for name, tag in tags.items():
        video = probe(cut(name, (1.0, 1.3)).temporary).video
        assert video is not None
        assert video.codec_tag == tag


@pytest.mark.parametrize(("name", "size"), [("h264-closed", (160, 90)), ("h264-rotated", (90, 50))])
def test_a_height_limit_holds_for_the_picture_as_shown(
    corpus: Corpus, cut: Cut, name: str, size: tuple[int, int]
) -> None:
    video = probe(cut(name, (1.0, 1.3), max_height=90).temporary).video
    assert video is not None
    assert (video.width, video.height) == size
    assert video.display_size[1] == 90


def test_languages_of_tracks_are_kept(cut: Cut) -> None:
    clip = probe(cut("h264-two-tracks", (1.0, 1.5)).temporary)
    assert [audio.language for audio in clip.audios] == [None, "deu"]
