"""Frame numbers and beeps can be read back, and damage is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.media_codes import (
    BEEP_CYCLE,
    CELLS,
    NUMBER_BITS,
    STRIP,
    UnreadableCodeError,
    beep_track,
    frame_cells,
    read_beeps,
    read_frame_number,
)

SIZES = ((426, 240), (640, 360), (1920, 1080), (320, 180), (608, 1080))
NUMBERS = st.integers(0, 2**NUMBER_BITS - 1)


def drawn(
    number: int, width: int, height: int, seed: int = 0
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A noisy grey picture with the strip of `number`, its edges blurred as scaling blurs them."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    cells = Image.frombytes("L", (CELLS, 1), frame_cells(number))
    strip = cells.resize((width, round(height * STRIP)), Image.Resampling.NEAREST)
    picture = Image.fromarray(noise)
    picture.paste(strip)
    small = picture.resize((width // 2, height // 2), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))


@given(number=NUMBERS, size=st.sampled_from(SIZES[:2]), seed=st.integers(0, 9))
def test_a_frame_number_is_read_back_from_a_blurred_picture(
    number: int, size: tuple[int, int], seed: int
) -> None:
    assert read_frame_number(drawn(number, *size, seed)) == number


@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_readable_in_grey_and_in_colour(size: tuple[int, int]) -> None:
    grey = drawn(98_765, *size)

    assert read_frame_number(grey) == 98_765
    assert read_frame_number(np.repeat(grey[..., None], 3, axis=2)) == 98_765


@given(number=NUMBERS, place=st.integers(2, CELLS - 1))
def test_a_flipped_cell_is_noticed(number: int, place: int) -> None:
    cells = bytearray(frame_cells(number))
    cells[place] ^= 255
    picture = np.repeat(np.repeat(np.frombuffer(cells, np.uint8)[None], 20, axis=0), 10, axis=1)

    with pytest.raises(UnreadableCodeError):
        read_frame_number(np.pad(picture, ((0, 180), (0, 0))))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_plain_picture_has_no_number(level: int) -> None:
    with pytest.raises(UnreadableCodeError):
        read_frame_number(np.full((240, 426), level, dtype=np.uint8))


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to"):
        frame_cells(2**NUMBER_BITS)


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_beeps_tell_where_and_which_second_they_are(rate: int) -> None:
    beeps = read_beeps(beep_track(33.0, rate), rate)

    assert [beep.second for beep in beeps] == [second % BEEP_CYCLE for second in range(33)]
    assert max(abs(beep.at - second) for second, beep in enumerate(beeps)) < 0.0005


@settings(max_examples=40)
@given(start=st.integers(0, 20 * 44100), length=st.integers(44100, 5 * 44100))
def test_a_clip_has_just_the_beeps_of_its_range(start: int, length: int) -> None:
    rate = 44100
    clip = beep_track(25.0, rate)[start : start + length]

    heard = [
        (round(start / rate + beep.at), beep)
        for beep in read_beeps(clip, rate)
        if beep.at > 0.001  # not the rest of one that began before the clip
    ]

    whole = [
        second
        for second in range(26)
        if start / rate < second - 0.001 and second + 0.1 < (start + len(clip)) / rate
    ]
    assert set(whole) <= {second for second, _ in heard}
    for second, beep in heard:
        assert beep.second == second % BEEP_CYCLE
        assert beep.at == pytest.approx(second - start / rate, abs=0.0005)


def test_silence_has_no_beeps() -> None:
    assert read_beeps(np.zeros(44100), 44100) == []
    assert read_beeps(np.zeros(0), 44100) == []
