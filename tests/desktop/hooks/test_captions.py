"""Captions of every format give the same words, and hostile ones give a clear error or nothing."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.errors import ReelyError
from desktop.hooks.captions import LARGEST, parse_transcript, read_transcript
from desktop.hooks.models import Origin
from desktop.hooks.speech import speech_of
from desktop.hooks.transcript import LATEST, Transcript
from tests.youtube.catalogue import Cue, Track
from tests.youtube.timedtext import timedtext

TRACK = Track(
    "en",
    "English",
    automatic=False,
    cues=(
        Cue(1.0, 3.5, "It was a <dark> & stormy night."),
        Cue(3.5, 5.0, "Who's there? she asked."),
        Cue(7.25, 9.0, "Nobody."),
    ),
)
AUTOMATIC = Track(
    "en",
    "English",
    automatic=True,
    cues=(
        Cue(0.5, 2.5, "well it was quite a dark night"),
        Cue(2.5, 4.75, "and nobody knew who was there"),
        Cue(4.75, 6.0, "until someone knocked"),
    ),
)


def said(transcript: Transcript) -> str:
    return " ".join(word.text for word in speech_of(transcript).words)


def captions(track: Track, form: str) -> bytes:
    written = timedtext(track, form)
    assert written is not None
    return written[1].encode()


@pytest.mark.parametrize("form", ["json3", "vtt", "srv3", "srv1", "srt"])
def test_every_format_gives_the_words_with_their_times(form: str) -> None:
    transcript = parse_transcript(captions(TRACK, form))
    assert [(cue.start, cue.end) for cue in transcript.cues] == [(1.0, 3.5), (3.5, 5.0), (7.25, 9.0)]
    assert transcript.cues[1].text == "Who's there? she asked."
    assert "stormy night." in transcript.cues[0].text
    assert "&amp;" not in transcript.cues[0].text


@pytest.mark.parametrize("form", ["json3", "vtt", "srv3"])
def test_automatic_captions_have_a_time_for_each_word(form: str) -> None:
    words = speech_of(parse_transcript(captions(AUTOMATIC, form))).words
    assert " ".join(word.text for word in words) == " ".join(cue.text for cue in AUTOMATIC.cues)
    assert all(word.sure_start for word in words)
    assert words[0].start == 0.5
    assert words[1].start == pytest.approx(0.5 + 2.0 * 5 / 31, abs=0.002)
    assert all(word.end <= following.start for word, following in pairwise(words))


ROLLING_VTT = """WEBVTT
Kind: captions
Language: en

00:00:00.000 --> 00:00:02.000 align:start position:0%

hello<00:00:00.500><c> there</c><00:00:01.000><c> my</c><00:00:01.500><c> friends</c>

00:00:02.000 --> 00:00:02.010 align:start position:0%
hello there my friends


00:00:02.010 --> 00:00:04.000 align:start position:0%
hello there my friends
how<00:00:02.500><c> are</c><00:00:03.000><c> you</c>

00:00:04.000 --> 00:00:04.010 align:start position:0%
how are you


00:00:04.010 --> 00:00:06.000 align:start position:0%
how are you
fine<00:00:05.000><c> thanks</c>
"""

ROLLING_SRT = """1
00:00:00,000 --> 00:00:02,000
hello there my friends

2
00:00:02,000 --> 00:00:04,000
hello there my friends
how are you

3
00:00:04,000 --> 00:00:06,000
how are you
fine thanks

4
00:00:06,000 --> 00:00:08,000
fine thanks
and goodbye
"""


def test_rolling_captions_say_each_word_once() -> None:
    assert said(parse_transcript(ROLLING_VTT.encode())) == "hello there my friends how are you fine thanks"
    assert said(parse_transcript(ROLLING_SRT.encode())) == (
        "hello there my friends how are you fine thanks and goodbye"
    )


def test_what_people_repeat_is_kept() -> None:
    lines = [
        "No, no.",
        "No, no.",
        "I have a dream.",
        "A dream today.",
        "Today is a day.",
        "We go on.",
        "We go far.",
    ]
    segments = [{"start": 2.0 * k, "end": 2.0 * k + 2, "text": line} for k, line in enumerate(lines)]
    transcript = parse_transcript(json.dumps({"segments": segments}).encode())
    assert said(transcript) == " ".join(lines)


def test_our_own_json_keeps_all_that_it_says() -> None:
    data = {
        "duration": 60.0,
        "title": "A talk",
        "language": "en",
        "chapters": [{"start": 0, "end": 30, "title": "One"}, {"start": 9, "end": 3, "title": "backwards"}],
        "segments": [
            {
                "start": 1,
                "end": 2,
                "text": "Hello there.",
                "words": [
                    {"start": 1.0, "end": 1.4, "text": "Hello"},
                    {"start": 1.5, "end": 1.9, "text": "there."},
                ],
            }
        ],
    }
    transcript = parse_transcript(json.dumps(data).encode())
    assert (transcript.duration, transcript.title, transcript.language) == (60.0, "A talk", "en")
    assert [chapter.title for chapter in transcript.chapters] == ["One"]
    assert [(word.start, word.end, word.text) for word in speech_of(transcript).words] == [
        (1.0, 1.4, "Hello"),
        (1.5, 1.9, "there."),
    ]


def test_sounds_lyrics_and_speakers_are_no_words() -> None:
    segments = [
        {"start": 0, "end": 2, "text": "[Music]"},
        {"start": 2, "end": 4, "text": ">> JOHN: Hello (Laughter) there."},
        {"start": 4, "end": 6, "text": "♪ la la la ♪"},
        {"start": 6, "end": 8, "text": "(that is) what I mean"},
    ]
    speech = speech_of(parse_transcript(json.dumps(segments).encode()))
    assert " ".join(word.text for word in speech.words) == "Hello there. (that is) what I mean"
    assert speech.words[0].turn
    assert [(mark.start, mark.sound) for mark in speech.sounds] == [
        (0, "music"),
        (2, "laughter"),
        (4, "music"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_every_usual_encoding_is_read(encoding: str) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nCafé, señor, für Sie – “gut”\n"
    assert said(parse_transcript(text.encode(encoding))) == "Café, señor, für Sie – “gut”"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "transcript-unreadable"),
        (b"\x00\x01\x02" * 400, "transcript-unreadable"),
        (b"just a few words", "transcript-unreadable"),
        (b"{", "transcript-unreadable"),
        (b"[" * 100_000, "transcript-unreadable"),
        (b'{"pages": []}', "transcript-unreadable"),
        (b'{"segments": {"start": 1}}', "transcript-unreadable"),
        (b'{"segments": [{"start": "soon", "text": "hi"}]}', "transcript-unreadable"),
        (b"<html><body>Sign in</body></html>", "transcript-unreadable"),
        (b"<timedtext><body><p t='1'", "transcript-unreadable"),
        (
            b'<!DOCTYPE t [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><timedtext><p t="1">&b;</p></timedtext>',
            "transcript-unreadable",
        ),
        (b" " * (LARGEST + 1), "transcript-too-large"),
    ],
)
def test_what_is_no_transcript_is_refused_in_plain_words(content: bytes, code: str) -> None:
    with pytest.raises(ReelyError) as caught:
        parse_transcript(content)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ReelyError) as caught:
        read_transcript(tmp_path / "none.srt")
    assert caught.value.code == "transcript-not-found"


def test_markup_is_taken_out_and_odd_times_do_no_harm() -> None:
    srt = (
        "1\n00:00:05,000 --> 00:00:04,000\n<font color=red>{\\an8}backwards</font>\n\n"
        "2\n00:00:01,000 --> 00:00:01,000\n<script>alert(1)</script>nothing\n\n"
        "3\n9999:00:00,000 --> 9999:00:01,000\nfar away\n\n"
        "4\n00:00:02,000 --> 00:00:09,000\n5 < 6 and a\u202eb\x1b[31m\n"
    )
    transcript = parse_transcript(srt.encode())
    assert [cue.text for cue in transcript.cues] == ["alert(1)nothing", "5 < 6 and ab", "backwards"]
    words = speech_of(transcript).words
    assert all(0 <= word.start <= word.end <= LATEST for word in words)


def refused_or_read(content: bytes) -> Transcript:
    """The transcript; one without words if it was refused in the one way that there is."""
    try:
        return parse_transcript(content)
    except ReelyError as error:
        if error.code != "transcript-unreadable":
            raise
        return Transcript(origin=Origin.FILE, cues=())


NUMBERS = st.one_of(st.floats(), st.integers(-(10**9), 10**9), st.text(max_size=3), st.none(), st.booleans())
TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(["Hello. ", "[Music]", "♪", "no? yes!", "ok\x00ok"]))


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "start": NUMBERS,
                "end": NUMBERS,
                "text": TEXTS | st.none(),
                "words": st.lists(
                    st.fixed_dictionaries({}, optional={"start": NUMBERS, "end": NUMBERS, "text": TEXTS}),
                    max_size=4,
                ),
            },
        ),
        max_size=12,
    )
)
def test_whatever_a_file_claims_words_run_forwards(segments: list[dict[str, object]]) -> None:
    transcript = refused_or_read(json.dumps({"segments": segments}).encode())
    words = speech_of(transcript).words
    for word in words:
        assert 0 <= word.start <= word.end <= LATEST
        assert word.text.strip()
    for word, following in pairwise(words):
        assert word.end <= following.start


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_transcript_or_a_clear_refusal(content: bytes) -> None:
    for head in (b"", b"WEBVTT\n\n00:01.000 --> 00:02.000\n", b'{"events": [', b"<timedtext><p t='1' d='2'>"):
        refused_or_read(head + content)
