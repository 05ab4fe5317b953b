"""Words become sentences at their marks, or at pauses where there are no marks."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.hooks.captions import parse_transcript
from desktop.hooks.sentences import punctuated, sentences_of
from desktop.hooks.speech import SpokenWord, speech_of


def words(text: str, seconds: float = 0.4, pause_after: dict[int, float] | None = None) -> list[SpokenWord]:
    """The words of a text, each lasting `seconds`, with pauses after some of them."""
    made, at = [], 0.0
    for place, word in enumerate(text.split()):
        made.append(SpokenWord(at, at + seconds, word))
        at += seconds + (pause_after or {}).get(place, 0.0)
    return made


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("I came. I saw. I left.", ["I came.", "I saw.", "I left."]),
        ("Dr. Smith met Mr. Jones on St. James St. yesterday.", None),
        ("It grew by 3.5 percent. That is much.", ["It grew by 3.5 percent.", "That is much."]),
        ("It is in vol. 3 of the book.", None),
        ("We, e.g. you and I, met at 3 p.m. on Friday.", None),
        ("The U.S. Senate and J. R. R. Tolkien agreed.", None),
        ('"Why?" she asked. "No!" he said.', ['"Why?" she asked.', '"No!" he said.']),
        (
            "He said, “Go.” Then he left… And that was all.",
            ["He said, “Go.”", "Then he left…", "And that was all."],
        ),
        ("Really?! Yes. 42. ¿Qué pasa? Nada.", ["Really?!", "Yes.", "42.", "¿Qué pasa?", "Nada."]),
        ("What we need is... well, nothing.", None),
        ("So do I. You know that.", ["So do I.", "You know that."]),
    ],
)
def test_sentences_end_where_a_reader_would_say_so(text: str, sentences: list[str] | None) -> None:
    assert [sentence.text for sentence in sentences_of(words(text))] == (sentences or [text])


def test_without_marks_pauses_end_sentences() -> None:
    text = "we went down to the river and then the rain came so we left at once"
    spoken = words(text, pause_after={5: 0.9, 10: 0.4, 2: 0.2})
    assert not punctuated(spoken)
    assert [sentence.text for sentence in sentences_of(spoken)] == [
        "we went down to the river",
        "and then the rain came",
        "so we left at once",
    ]


def test_without_any_pause_runs_still_end() -> None:
    sentences = sentences_of(words("word " * 600))
    assert max(sentence.duration for sentence in sentences) <= 20.0


def test_a_sentence_with_marks_is_not_cut_before_it_lasts_very_long() -> None:
    text = "One. Two. Three. Word " + " ".join(["word"] * 98) + " end."
    assert len(sentences_of(words(text))) == 4
    assert len(sentences_of(words(text, seconds=0.6))) == 5


def test_a_sentence_over_several_captions_is_one() -> None:
    segments = [
        {"start": 0, "end": 2, "text": "This goes"},
        {"start": 2, "end": 4, "text": "on. And this"},
        {"start": 4, "end": 6, "text": "too."},
    ]
    sentences = sentences_of(speech_of(parse_transcript(json.dumps(segments).encode())).words)
    assert [sentence.text for sentence in sentences] == ["This goes on.", "And this too."]
    assert [(sentence.sure_start, sentence.sure_end) for sentence in sentences] == [
        (True, False),
        (False, True),
    ]
    assert 2 < sentences[0].end < 4


def test_chinese_and_japanese_sentences_need_no_spaces() -> None:
    segments = [{"start": 0, "end": 6, "text": "今天很好。我们走吧！你来吗？"}]
    sentences = sentences_of(speech_of(parse_transcript(json.dumps(segments).encode())).words)
    assert [sentence.text for sentence in sentences] == ["今天很好。", "我们走吧！", "你来吗？"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["so", "Dr.", "yes.", "What?", "I", "a", "3.", "word,", "U.S.", "“no.”"]),
            st.floats(0, 3),
            st.floats(0, 2),
        ),
        max_size=60,
    )
)
def test_no_word_is_lost_and_sentences_stay_in_order(parts: list[tuple[str, float, float]]) -> None:
    at, spoken = 0.0, []
    for text, lasting, pause in parts:
        spoken.append(SpokenWord(at, at + lasting, text))
        at += lasting + pause
    sentences = sentences_of(spoken)
    kept = [word for sentence in sentences for word in sentence.words]
    assert kept == spoken[: len(kept)]
    assert all(word.start == word.end for word in spoken[len(kept) :])  # only what has no time is left over
    for one, two in pairwise(sentences):
        assert one.start < one.end <= two.start
        assert two.pause == pytest.approx(two.start - one.end)
