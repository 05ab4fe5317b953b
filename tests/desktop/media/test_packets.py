"""The packet index agrees with what decoders show, for every kind of file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop.media.packets import read_packets
from desktop.media.probe import probe
from tests.desktop.corpus import PICTURES, RECIPES, SOUNDS_ONLY, Corpus, decode_sound


@pytest.mark.parametrize("name", PICTURES)
def test_the_index_has_every_picture_at_the_time_a_decoder_shows_it(corpus: Corpus, name: str) -> None:
    path = corpus.path(name)
    video = read_packets(path).video
    assert video is not None
    zero = probe(path).start
    shown = [time - zero for time, _ in corpus.frames(name)]
    assert [video.seconds(int(tick)) for tick in video.starts] == shown
    assert video.key[0]
    times = video.frame_times()
    assert len(times) == len(shown)
    assert times.starts == pytest.approx([float(time) for time in shown], abs=1e-9)
    assert times.end > shown[-1]


def test_keyframes_of_open_groups_are_told_from_clean_ones(corpus: Corpus) -> None:
    counts = {}
    for name in ("h264-closed", "h264-open", "h264-open-ts", "hevc-open", "vp9"):
        video = read_packets(corpus.path(name)).video
        assert video is not None
        counts[name] = (int(video.key.sum()), int(video.clean.sum()))
    assert counts == {
        "h264-closed": (8, 8),
        "h264-open": (8, 1),
        "h264-open-ts": (8, 1),
        "hevc-open": (8, 1),
        "vp9": (8, 8),
    }


@pytest.mark.parametrize("name", ["h264-mkv", "vp9", "audio-m4a", "audio-mp3", "h264-open-ts"])
def test_sound_packets_are_placed_to_the_sample(corpus: Corpus, name: str) -> None:
    path = corpus.path(name)
    index = read_packets(path)
    audio = index.info.audios[0]
    positions = index.streams[audio.index].sample_positions(audio.sample_rate)
    assert len(set(np.diff(positions[1:-1]).tolist())) == 1, "packets of one length"
    start, _ = decode_sound(path)
    presented = positions[0] + index.streams[audio.index].delay
    assert presented == pytest.approx(round((start - index.info.start) * audio.sample_rate), abs=24)


@pytest.mark.parametrize("name", sorted(RECIPES))
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    spans=st.lists(
        st.tuples(st.floats(0, 6), st.floats(0, 2)).map(lambda at: (at[0], at[0] + at[1])),
        min_size=1,
        max_size=3,
    )
)
def test_parts_of_a_file_are_indexed_as_they_are_in_the_whole(
    corpus: Corpus, name: str, spans: list[tuple[float, float]]
) -> None:
    whole, part = read_packets(corpus.path(name)), read_packets(corpus.path(name), spans=spans)
    for index, packets in whole.streams.items():
        own = part.streams[index]
        if len(own) < len(packets):
            assert np.all(np.diff(own.dts) > 0), "in the file's order, none twice"
        rows, own_rows = (
            set(zip(*(column.tolist() for column in columns), strict=True))
            for columns in (
                (one.pts, one.dts, one.duration, one.key, one.clean, one.shown, one.size)
                for one in (packets, own)
            )
        )
        for start, end in spans:
            first, last = packets.tick_at(start - 0.3), packets.tick_at(end)
            assert {row for row in rows if first <= row[0] <= last} <= own_rows
            for tick in (packets.tick_at(start), last):
                before = int(packets.starts.searchsorted(tick))
                own_before = int(own.starts.searchsorted(tick))
                assert [*packets.starts[before : before + 1]] == [*own.starts[own_before : own_before + 1]]
                if before:
                    assert packets.end_of(before - 1) == own.end_of(own_before - 1)


def test_of_a_file_with_a_table_only_the_parts_are_read(corpus: Corpus) -> None:
    for name in ("h264-closed", "audio-m4a"):
        whole = read_packets(corpus.path(name)).streams
        part = read_packets(corpus.path(name), spans=[(3.0, 3.2)]).streams
        assert all(len(part[index]) < 0.7 * len(packets) for index, packets in whole.items())


def test_progress_reaches_the_end_and_never_goes_back(corpus: Corpus) -> None:
    heard: list[float] = []
    read_packets(corpus.path("h264-closed"), progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


@pytest.mark.parametrize("name", [*PICTURES, *SOUNDS_ONLY])
def test_the_probe_tells_streams_and_length(corpus: Corpus, name: str) -> None:
    recipe, info = RECIPES[name], probe(corpus.path(name))
    assert (info.video is not None) == recipe.has_picture
    if recipe.sound_file is None and recipe.has_picture:
        assert len(info.audios) == recipe.tracks
    seconds = 6 - 1.31 if name == "h264-edit-list" else 6
    assert info.duration == pytest.approx(seconds + (0.5 if name == "h264-late-sound" else 0), abs=0.1)


def test_the_probe_tells_what_the_picture_looks_like(corpus: Corpus) -> None:
    rotated, hdr = (probe(corpus.path(name)).video for name in ("h264-rotated", "hevc-hdr"))
    wide = probe(corpus.path("h264-anamorphic")).video
    assert rotated is not None
    assert hdr is not None
    assert wide is not None
    assert (rotated.rotation, rotated.display_size) == (270, (180, 320))
    assert (hdr.bit_depth, hdr.color.is_hdr, hdr.color.primaries, hdr.color.matrix) == (10, True, 9, 9)
    assert float(wide.sample_aspect) == pytest.approx(4 / 3)
    assert wide.display_size == (427, 180)


def test_a_cover_picture_is_no_video(corpus: Corpus, tmp_path: Path) -> None:
    path = corpus.path("audio-cover")
    info = probe(path)
    assert info.videos == ()
    assert [other.kind for other in info.others] == ["cover"]
