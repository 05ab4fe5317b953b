"""The waveform: every column tells what the samples under it do, at every zoom, wherever the sound begins."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.media.peaks import BIN, Peaks, make_peaks, peaks_from_bytes, peaks_to_bytes, read_excerpt

RATE = 48_000
EXACT = 1.5 / 127
"""How well a signed byte tells a sample."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Files with a sound that is silent but for `[2, 3)` s, with a tone at 0.5 on the left channel."""
    folder = tmp_path_factory.mktemp("sound")
    signal = "if(between(t,2,2.9999999),0.5*sin(2*PI*1000*t),0)|0"

    def make(name: str, *options: str) -> Path:
        path = folder / name
        if not path.exists():
            source = f"aevalsrc='{signal}':s={RATE}:d=6"
            ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source]
            subprocess.run([*ffmpeg, *options, path], check=True)
        return path

    return make


def test_each_column_tells_the_lowest_highest_and_loudest(sound: Callable[..., Path]) -> None:
    peaks = make_peaks(sound("plain.wav"))
    assert peaks is not None
    assert peaks.rate == RATE
    columns = peaks.swings(0, 60, 0.1)
    assert columns[20:30, 0] == pytest.approx(-0.5, abs=EXACT)
    assert columns[20:30, 1] == pytest.approx(0.5, abs=EXACT)
    # A sine on one of two channels.
    assert columns[21:29, 2] == pytest.approx(0.5 / 2, abs=EXACT)
    assert not columns[:19].any()
    assert not columns[31:].any()


@given(
    st.lists(st.integers(-127, 127), min_size=1, max_size=700),
    st.integers(-3000, 3000),
    st.integers(-4000, 50_000),
    st.floats(0.3 * BIN, 5000),
)
def test_at_every_zoom_a_column_holds_all_its_bins_and_at_most_their_neighbours(
    highs: list[int], first: int, begin: int, samples: float
) -> None:
    bins = np.array([(min(0, high), high, abs(high)) for high in highs], np.int8)
    peaks = Peaks.of(RATE, first, bins)
    column = samples / RATE
    number = int(begin / samples)
    for k, (_low, high, loud) in enumerate(peaks.swings(number, 20, column)):
        start, end = (number + k) * samples - first, (number + k + 1) * samples - first
        whole = bins[max(0, int(np.ceil(start / BIN))) : max(0, int(end // BIN)), 1]
        # A coarse bin may reach over a column's edges, by less than the column is wide.
        near = bins[
            max(0, int((start - samples) // BIN)) : max(0, int(np.ceil((end + samples) / BIN)) + 1), 1
        ]
        if end > 0 and start < len(bins) * BIN and whole.size:
            assert high * 127 >= whole.max() - 1e-3
        assert high * 127 <= near.max(initial=0) + 1e-3
        assert 0 <= loud * 127 <= 127.01


def test_a_level_is_never_coarser_than_the_columns() -> None:
    bins = np.zeros((64 * 4**4, 3), np.int8)
    bins[1000] = (-100, 100, 100)
    peaks = Peaks.of(RATE, 0, bins)
    for power in range(5):
        column = BIN * 4**power
        swings = peaks.swings(0, len(bins) * BIN // column, column / RATE)
        assert np.flatnonzero(swings[:, 1]).tolist() == [1000 * BIN // column]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("late.mkv", ("-af", "asetpts=PTS+2/TB", "-c:a", "pcm_s16le")),  # its clock starts with the sound
        ("lossy.m4a", ("-c:a", "aac")),
        ("lossy.ogg", ("-c:a", "libopus")),
    ],
)
def test_the_sound_stands_where_it_is_heard(
    name: str, options: tuple[str, ...], sound: Callable[..., Path]
) -> None:
    peaks = make_peaks(sound(name, *options))
    assert peaks is not None
    highs = peaks.swings(0, 3000, 0.002)[:, 1]
    loud = np.flatnonzero(highs > 0.25) * 0.002
    assert loud[0] == pytest.approx(2.0, abs=0.01)
    assert loud[-1] == pytest.approx(3.0, abs=0.01)


def test_a_gap_in_the_sound_is_silence_and_what_follows_stays_in_its_place(
    sound: Callable[..., Path],
) -> None:
    path = sound("gap.mkv", "-af", "aselect='lt(t,1)+gte(t,1.9)'", "-c:a", "pcm_s16le")
    peaks = make_peaks(path)
    assert peaks is not None
    loud = np.flatnonzero(peaks.swings(0, 600, 0.01)[:, 1] > 0.25)
    assert (loud[0], loud[-1]) == pytest.approx((200, 299), abs=1)


def test_single_samples_can_be_had_where_bins_are_too_coarse(sound: Callable[..., Path]) -> None:
    path = sound("plain.wav")
    excerpt = read_excerpt(path, 1.999, 2.001)
    assert excerpt is not None
    assert (excerpt.first, excerpt.rate) == (round(1.999 * RATE), RATE)
    assert excerpt.holds(1.999, 2.001)
    assert not excerpt.holds(1.998, 2.0)
    rows = excerpt.swings(excerpt.first, 96, 1 / RATE)
    assert np.flatnonzero(rows[:, 1] > 0.001).tolist() == [n for n in range(48, 96) if n % 48 and n % 48 < 24]


def test_a_file_without_sound_has_no_waveform(tmp_path: Path) -> None:
    path = tmp_path / "silent film.mp4"
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=1"]
    subprocess.run([*ffmpeg, path], check=True)
    assert make_peaks(path) is None


def test_what_was_written_is_read_again_and_nothing_else() -> None:
    peaks = Peaks.of(RATE, -312, np.arange(300, dtype=np.int8).reshape(100, 3))
    content = peaks_to_bytes(peaks)
    again = peaks_from_bytes(content)
    assert again is not None
    assert (again.rate, again.first) == (RATE, -312)
    assert np.array_equal(again.levels[0], peaks.levels[0])
    assert [peaks_from_bytes(c) for c in (b"", content[:-1], content + b"x", b"x" + content[1:])] == [
        None
    ] * 4


def test_progress_only_grows_and_ends_at_one(sound: Callable[..., Path]) -> None:
    told: list[float] = []
    make_peaks(sound("plain.wav"), None, told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
