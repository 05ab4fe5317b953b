"""Transcripts that are saved give the same words when they are read, whatever is said in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.errors import Exit, ReelyError
from desktop.hooks.captions import parse_transcript
from desktop.hooks.models import Origin
from desktop.hooks.rolling import without_repetition
from desktop.hooks.transcript import Cue, Transcript, tidy
from desktop.hooks.writing import to_srt, to_txt, to_vtt, write_transcript

HOSTILE = (
    "<b>loud</b> & <script>x</script>",
    "a --> b",
    "00:00:01.000 --> 00:00:02.000",
    "&amp; and &lt;i&gt;",
    "{\\an8}up",
    "<00:00:01.500>late",
    "WEBVTT",
    "NOTE nothing",
    "42",
    "{\\",
    "&#60;b&#62;",
    "one\n\ntwo",
)
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=60),
    st.lists(st.sampled_from([*HOSTILE, "said", "so"]), max_size=4).map(" ".join),
)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Tidy, at whole milliseconds, as everything that Reely reads."""
    rows = draw(st.lists(st.tuples(st.integers(0, 10**8), st.integers(1, 10**5), texts), max_size=8))
    cues = tidy(
        Cue(start=start / 1000, end=(start + length) / 1000, text=text) for start, length, text in rows
    )
    return Transcript(origin=Origin.CAPTIONS, language="pt-BR", cues=without_repetition(cues))


def lines(cues: Sequence[Cue]) -> list[tuple[int, int, str]]:
    """In milliseconds, which is what the formats can say."""
    return [(round(cue.start * 1000), round(cue.end * 1000), cue.text) for cue in cues]


@given(transcripts())
def test_webvtt_read_again_is_the_same(transcript: Transcript) -> None:
    again = parse_transcript(to_vtt(transcript).encode(), Origin.CAPTIONS)
    assert again.language == "pt-BR"
    assert lines(again.cues) == lines(without_repetition(transcript.cues))


@given(transcripts().filter(lambda transcript: transcript.cues))
def test_subrip_read_again_is_the_same(transcript: Transcript) -> None:
    again = parse_transcript(to_srt(transcript).encode(), Origin.CAPTIONS, "pt-BR")
    assert again.language == "pt-BR"
    assert lines(again.cues) == lines(without_repetition(transcript.cues))


@given(transcripts())
def test_plain_text_has_every_word_in_its_order_and_nothing_else(transcript: Transcript) -> None:
    assert to_txt(transcript).split() == " ".join(cue.text for cue in transcript.cues).split()


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_can_become_markup_or_a_cue_of_its_own(text: str) -> None:
    transcript = Transcript(origin=Origin.CAPTIONS, cues=(Cue(start=1, end=2, text=text),))
    for written in (to_srt(transcript), to_vtt(transcript)):
        assert "<b>" not in written
        assert "{\\" not in written
        assert written.count("-->") == 1
        assert len(written.strip().split("\n\n")) <= 2, "one cue, after a head"


def test_a_paragraph_begins_where_nobody_spoke_for_two_seconds() -> None:
    cues = (
        Cue(start=0, end=1, text="One."),
        Cue(start=2, end=3, text="Two."),
        Cue(start=5, end=6, text="Three."),
    )
    assert to_txt(Transcript(origin=Origin.SPEECH, cues=cues)) == "One. Two.\n\nThree.\n"


@pytest.mark.parametrize(
    ("name", "begin"), [("a.srt", "1\n00:00:00,000"), ("b.VTT", "WEBVTT"), ("c.txt", "Hi")]
)
def test_the_name_says_the_format(tmp_path: Path, name: str, begin: str) -> None:
    transcript = Transcript(origin=Origin.SPEECH, cues=(Cue(start=0, end=1, text="Hi"),))
    write_transcript(tmp_path / name, transcript)
    assert (tmp_path / name).read_text("utf-8").startswith(begin)
    assert [each.name for each in tmp_path.iterdir()] == [name], "nothing half-written is left"


def test_another_format_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ReelyError) as refused:
        write_transcript(tmp_path / "a.docx", Transcript(origin=Origin.SPEECH, cues=()))
    assert (refused.value.code, refused.value.exit) == ("transcript-format-unknown", Exit.USAGE)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_replaced_only_where_that_is_asked_for(tmp_path: Path) -> None:
    transcript = Transcript(origin=Origin.SPEECH, cues=(Cue(start=0, end=1, text="Hi"),))
    path = tmp_path / "a.txt"
    path.write_text("mine")
    with pytest.raises(ReelyError) as refused:
        write_transcript(path, transcript)
    assert (refused.value.code, refused.value.exit) == ("file-exists", Exit.DISK)
    assert path.read_text() == "mine"
    write_transcript(path, transcript, overwrite=True)
    assert path.read_text() == "Hi\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ReelyError) as refused:
        write_transcript(tmp_path / "none" / "a.txt", Transcript(origin=Origin.SPEECH, cues=()))
    assert refused.value.code == "cannot-write-file"


def test_others_may_read_the_file_as_any_file_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_transcript(tmp_path / "a.vtt", Transcript(origin=Origin.SPEECH, cues=()))
    assert (tmp_path / "a.vtt").stat().st_mode == (tmp_path / "usual").stat().st_mode
