"""A transcript as lines: sentences with their times, nothing lost, and cut in the pauses around them."""

from __future__ import annotations

from itertools import pairwise
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.hooks.lines import LONGEST, Line, cut_around, line_at, lines_of
from desktop.hooks.models import Origin
from desktop.hooks.speech import speech_of
from desktop.hooks.transcript import Cue, Transcript, tidy


def transcript(*cues: tuple[float, float, str]) -> Transcript:
    return Transcript(
        origin=Origin.CAPTIONS, cues=tidy(Cue(start=start, end=end, text=text) for start, end, text in cues)
    )


def test_captions_become_sentences_with_what_is_heard_beside_them() -> None:
    lines = lines_of(
        transcript(
            (0, 2, "[Music]"),
            (2, 4, "It was dark. And"),
            (4, 6, "then it rained."),
            (7, 8, "♪ la la ♪"),
            (9, 10, "He (that is, I) laughed."),
        )
    )
    assert [(line.text, line.spoken) for line in lines] == [
        ("[Music]", False),
        ("It was dark.", True),
        ("And then it rained.", True),
        ("♪ la la ♪", False),
        ("He (that is, I) laughed.", True),
    ]
    assert (lines[2].end, lines[3].start) == (6, 7)


@pytest.mark.parametrize(
    ("cues", "texts"),
    [
        (((0, 2, "今天天气很好。我们去"), (2, 4, "公园。")), ["今天天气很好。", "我们去公园。"]),
        (((0, 2, "これは、"), (2, 4, "本です。")), ["これは、本です。"]),
        (((0, 2, "오늘은 날씨가"), (2, 4, "좋습니다.")), ["오늘은 날씨가 좋습니다."]),
        (((0, 2, "مرحبا بكم في"), (2, 4, "البرنامج. أهلا!")), ["مرحبا بكم في البرنامج.", "أهلا!"]),
        (((0, 2, "שלום לכולם."), (2, 4, "מה שלומכם?")), ["שלום לכולם.", "מה שלומכם?"]),
        (((0, 2, "यह एक दिन है। हम"), (2, 4, "चले।")), ["यह एक दिन है।", "हम चले।"]),
    ],
)
def test_every_script_is_written_as_its_readers_write_it(
    cues: tuple[tuple[float, float, str], ...], texts: list[str]
) -> None:
    assert [line.text for line in lines_of(transcript(*cues))] == texts


def test_without_marks_no_line_goes_on_for_long() -> None:
    lines = lines_of(transcript(*((2.0 * k, 2.0 * k + 2, "words without any mark") for k in range(60))))
    assert max(line.end - line.start for line in lines) <= 12
    assert " ".join(line.text for line in lines) == " ".join(["words without any mark"] * 60)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 600),
            st.integers(0, 8),
            st.text(max_size=60)
            | st.sampled_from(["One. Two! Three?", "[Applause]", "♪ x ♪", "a " * 400, "x" * 900]),
        ),
        max_size=12,
    )
)
def test_no_spoken_word_is_lost_and_lines_come_in_order(rows: list[tuple[int, int, str]]) -> None:
    said = transcript(*((start, start + length, text) for start, length, text in rows))
    lines = lines_of(said)
    spoken = "".join("".join(line.text.split()) for line in lines if line.spoken)
    words = "".join("".join(word.text.split()) for word in speech_of(said).words)
    assert sorted(normalize("NFD", spoken)) == sorted(normalize("NFD", words))
    assert all(first.start <= second.start for first, second in pairwise(lines))
    assert all(line.start <= line.end and line.text for line in lines)
    assert all(
        len(line.text) <= max(LONGEST + 1, *map(len, line.text.split())) for line in lines if line.spoken
    )


LINES = (Line(1.0, 2.0, "one"), Line(2.2, 4.0, "two"), Line(9.0, 10.0, "three"))


@pytest.mark.parametrize(
    ("time", "place"), [(0.5, None), (1.0, 0), (2.1, 0), (2.2, 1), (8.9, 1), (9.0, 2), (99.0, 2)]
)
def test_the_line_of_a_time_is_the_one_that_is_said_or_was_said_last(time: float, place: int | None) -> None:
    assert line_at(LINES, time) == place


@pytest.mark.parametrize(
    ("first", "last", "start", "end"),
    [(0, 0, 0.65, 2.1), (1, 1, 2.1, 4.45), (0, 2, 0.65, 10.25), (2, 2, 8.65, 10.25)],
)
def test_lines_are_cut_in_the_pauses_around_them(first: int, last: int, start: float, end: float) -> None:
    assert cut_around(LINES, first, last, 10.5) == pytest.approx((start, end))
