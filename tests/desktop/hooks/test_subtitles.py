"""Saved subtitles are short enough to be read, and say every word when it is said."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from desktop.hooks.captions import parse_transcript
from desktop.hooks.models import Origin
from desktop.hooks.subtitles import MOST_CHARACTERS, MOST_SECONDS, subtitles
from desktop.hooks.transcript import Cue, Transcript, Word
from desktop.hooks.writing import to_srt


def cue_of(words: list[tuple[str, float, float]], space: str = " ") -> Cue:
    """A cue of words, each with the pause before it and its length in seconds."""
    made, at = [], 10.0
    for text, pause, length in words:
        made.append(Word(start=at + pause, end=at + pause + length, text=text))
        at += pause + length
    return Cue(start=made[0].start, end=at, text=space.join(word.text for word in made), words=tuple(made))


cues = st.builds(
    cue_of,
    st.lists(
        st.tuples(st.text("abcdefgh.,?", min_size=1, max_size=14), st.floats(0, 3), st.floats(0.05, 2)),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([" ", ""]),
)


@given(cues)
def test_every_word_stands_in_one_short_subtitle_at_its_own_time(cue: Cue) -> None:
    made = list(subtitles([cue]))
    assert [word for each in made for word in each.words] == list(cue.words)
    for each, following in itertools.pairwise(made):
        assert each.start <= each.end <= following.start
    for each in made:
        assert len(each.text) <= MOST_CHARACTERS
        assert each.end - each.start <= MOST_SECONDS
        assert each.start == each.words[0].start


def test_sentences_and_pauses_begin_another_one() -> None:
    words = [(text, 0.1, 0.3) for text in ("Who", "was", "it?", "Nobody", "that", "I", "know", "of.")]
    words.insert(6, ("would", 1.5, 5.0))
    assert [each.text for each in subtitles([cue_of(words)])] == [
        "Who was it?",
        "Nobody that I",
        "would know of.",
    ]


def test_an_abbreviation_ends_no_subtitle() -> None:
    words = [(text, 0.1, 1.2) for text in ("Then", "Mr.", "Jones", "came.", "Nobody", "saw", "him.")]
    assert [each.text for each in subtitles([cue_of(words)])] == ["Then Mr. Jones came.", "Nobody saw him."]


def test_a_word_that_came_in_pieces_is_not_divided() -> None:
    cue = cue_of([("long", 0, 3.0), ("mistakes", 0, 3.0), ("of", 0, 0.6), ("the", 0, 0.2), ("co", 0, 0.1)])
    pieces = (*cue.words, Word(start=cue.end, end=cue.end + 3, text="-pilot"))
    whole = Cue(start=cue.start, end=cue.end + 3, text=f"{cue.text}-pilot", words=pieces)
    assert [each.text for each in subtitles([whole])] == ["long mistakes of the co-pilot"]


def test_what_is_short_or_has_no_times_of_words_stays_as_it_is() -> None:
    short = cue_of([("One.", 0, 1), ("Two.", 0, 1)])
    timeless = Cue(start=0, end=60, text="word " * 80 + "word")
    other = cue_of([("said", 0, 9)]).model_copy(update={"text": "something else was written"})
    assert list(subtitles([short, timeless, other])) == [short, timeless, other]


def test_a_saved_file_has_them() -> None:
    cue = cue_of([(f"word{number}", 0.05, 0.4) for number in range(60)])
    transcript = Transcript(origin=Origin.SPEECH, cues=(cue,), language="en")
    again = parse_transcript(to_srt(transcript).encode(), Origin.CAPTIONS)
    assert len(again.cues) > 4
    assert max(len(each.text) for each in again.cues) <= MOST_CHARACTERS
    assert " ".join(each.text for each in again.cues) == cue.text
