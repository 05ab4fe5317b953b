"""Time codes: what is printed can be read again, and what is no time is refused."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.errors import Exit
from desktop.timecode import TimecodeError, format_length, format_timecode, parse_timecode


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("83.25", 83.25),
        ("0", 0),
        (".5", 0.5),
        ("5.", 5),
        ("7,5", 7.5),
        ("01:23.250", 83.25),
        ("1:02:03.004", 3723.004),
        ("90:00", 5400),
        ("  00:10  ", 10),
        ("-10", 90),
        ("-0:01.5", 98.5),
        ("100", 100),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert parse_timecode(text, None if seconds > 100 else 100.0) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "abc", "1:2:3:4", "1:75", "1:60:00", "--3", "+3", "1e3", "nan", "inf", "1.2.3", "00:10 x",
        "-101", "100.01", "٣", "1" * 40, "12\n13",
    ],
)  # fmt: skip
def test_what_is_no_time_on_the_source_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(TimecodeError) as caught:
        parse_timecode(text, 100.0)
    assert caught.value.code == "bad-timecode"
    assert caught.value.exit is Exit.USAGE
    assert len(caught.value.message) < 80


def test_counting_from_the_end_needs_a_length() -> None:
    with pytest.raises(TimecodeError, match="length is not known"):
        parse_timecode("-3")


def test_the_error_survives_the_way_between_processes() -> None:
    error = TimecodeError("“x” is not a time.")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.message, again.code) == (TimecodeError, error.message, error.code)


@given(st.floats(0, 400_000), st.integers(0, 6))
def test_what_is_printed_is_read_again_within_half_a_digit(seconds: float, decimals: int) -> None:
    text = format_timecode(seconds, decimals)
    assert abs(parse_timecode(text) - seconds) <= 0.5 * 10**-decimals + 1e-9
    assert format_timecode(parse_timecode(text), decimals) == text


@given(st.floats(0.001, 400_000))
def test_the_printed_end_of_a_source_is_not_after_its_end(duration: float) -> None:
    assert 0 <= parse_timecode(format_timecode(duration), duration) <= duration


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_counting_from_the_end_is_the_mirror_image(duration: float, back: float) -> None:
    text = f"-{format_timecode(back)}"
    if back > duration + 0.001:
        with pytest.raises(TimecodeError):
            parse_timecode(text, duration)
    elif back < duration - 0.001:
        assert parse_timecode(text, duration) == pytest.approx(duration - back, abs=0.0006)


@given(st.text(max_size=60))
def test_nothing_typed_can_raise_anything_else(text: str) -> None:
    try:
        value = parse_timecode(text, 100.0)
    except TimecodeError:
        return
    assert 0 <= value <= 100


@pytest.mark.parametrize("seconds", [-0.001, float("nan"), float("inf")])
def test_what_is_no_time_is_not_printed(seconds: float) -> None:
    with pytest.raises(ValueError, match="no time"):
        format_timecode(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (65, "1 min 5 s"),
        (3599.6, "1 h"),
        (7380, "2 h 3 min"),
    ],
)
def test_a_length_is_told_in_words(seconds: float, text: str) -> None:
    assert format_length(seconds) == text
