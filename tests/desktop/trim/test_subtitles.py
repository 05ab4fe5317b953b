"""Subtitles and chapters go with the clip: cut to the range, shifted, joined over segments."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import pytest
from av.subtitles.subtitle import AssSubtitle
from hypothesis import given
from hypothesis import strategies as st

from desktop.media.probe import MediaChapter, probe
from desktop.trim.chapters import chapters_of
from desktop.trim.cut import TrimJob, trim
from desktop.trim.edit import Clip, Edit, MediaInput, Mode, Segment
from desktop.trim.plan import ClipPlan, SegmentPlan
from desktop.trim.subtitles import Cue, cues_of, subrip, tagged
from tests.desktop.corpus import Corpus, decode_frames

CUES = [
    Cue(Fraction(1, 2), Fraction(5, 4), "Hello <i>you</i>\n2nd line"),
    Cue(Fraction(2), Fraction(4), "Wörld 日本 <b>--> bold</b>"),
    Cue(Fraction(5), Fraction(11, 2), "the end"),
]
CHAPTERS = ";FFMETADATA1\n" + "".join(
    f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n"
    for start, end, title in [(0, 1500, "Eins"), (1500, 3000, "Zwei"), (3000, 6000, "Drei ü")]
)


def with_subtitles(corpus: Corpus, folder: Path, suffix: str, codec: str) -> Path:
    """The corpus's film with two tracks of subtitles, the second one of the third cue only, and chapters."""
    (folder / "all.srt").write_text(subrip(CUES))
    (folder / "last.srt").write_text(subrip(CUES[2:]))
    (folder / "chapters.txt").write_text(CHAPTERS)
    path = folder / f"source{suffix}"
    inputs: list[str | Path] = []
    for name in (
        corpus.path("h264-closed"),
        folder / "all.srt",
        folder / "last.srt",
        folder / "chapters.txt",
    ):
        inputs += ["-i", name]
    options = ["-map", "0", "-map", "1", "-map", "2", "-map_chapters", "3", "-c", "copy", "-c:s", codec]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *inputs, *options]
    subprocess.run([*command, "-metadata:s:s:0", "language=deu", path], check=True)
    return path


def cut(source: Path, folder: Path, *parts: tuple[float, float], mode: Mode = Mode.SMART) -> Clip:
    edit = Edit(segments=tuple(Segment(start=start, end=end) for start, end in parts), mode=mode)
    job = TrimJob(media=MediaInput(video=source, audio=source), edit=edit, targets=(folder / "clip.mp4",))
    (clip,) = trim(job, lambda stage, fraction: None).clips
    return clip


def read(path: Path, track: int = 0) -> list[tuple[float, float, str]]:
    """What a player shows of a subtitle track: from, to, text."""
    found = []
    with av.open(str(path)) as container:
        for packet in container.demux(subtitles=track):
            for part in packet.decode() if packet.size > 2 else ():
                assert isinstance(part, AssSubtitle)
                start = float((packet.pts or 0) * packet.time_base)
                end = start + float((packet.duration or 0) * packet.time_base)
                found.append((round(start, 3), round(end, 3), tagged(part.dialogue.decode())))
    return found


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", "mov_text"), (".mkv", "srt"), (".mkv", "ass"), (".mkv", "webvtt")]
)
def test_cues_are_cut_and_shifted_with_the_picture(
    corpus: Corpus, tmp_path: Path, suffix: str, codec: str
) -> None:
    source = with_subtitles(corpus, tmp_path, suffix, codec)
    clip = cut(source, tmp_path, (1.0, 3.0))
    assert (clip.mode, clip.notes) == (Mode.SMART, ())
    assert read(clip.temporary) == [(0.0, 0.25, CUES[0].text), (1.0, 2.0, CUES[1].text)]
    info = probe(clip.temporary)
    texts = [other for other in info.others if other.kind == "subtitle"]
    assert [(text.codec, text.language) for text in texts] == [("mov_text", "deu")], (
        "a silent track is left out"
    )
    assert [number for _, number in decode_frames(clip.temporary)] == list(range(25, 75))


def test_cues_are_joined_over_segments(corpus: Corpus, tmp_path: Path) -> None:
    source = with_subtitles(corpus, tmp_path, ".mp4", "mov_text")
    for mode in (Mode.SMART, Mode.EXACT):
        clip = cut(source, tmp_path, (5.2, 5.8), (0.0, 1.0), (3.8, 4.2), mode=mode)
        first, second, third = (cue.text for cue in CUES)
        assert read(clip.temporary) == [(0.0, 0.3, third), (1.1, 1.6, first), (1.6, 1.8, second)]
        assert read(clip.temporary, 1) == [(0.0, 0.3, third)]
        clip.temporary.unlink()


def test_chapters_are_cut_and_shifted(corpus: Corpus, tmp_path: Path) -> None:
    clip = cut(with_subtitles(corpus, tmp_path, ".mp4", "mov_text"), tmp_path, (1.0, 3.0))
    chapters = probe(clip.temporary).chapters
    assert [(one.start, one.end, one.title) for one in chapters] == [(0.0, 0.5, "Eins"), (0.5, 2.0, "Zwei")]
    again = cut(clip.temporary.rename(tmp_path / "first.mp4"), tmp_path, (0.4, 1.0))
    assert [one.title for one in probe(again.temporary).chapters] == ["Eins", "Zwei"]
    assert again.notes == (), "a track of chapters is nothing that is left out"


def plan_of(*parts: tuple[int, int]) -> ClipPlan:
    return ClipPlan(
        tuple(
            SegmentPlan(Segment(start=start / 10, end=end / 10), Fraction(start, 10), Fraction(end, 10))
            for start, end in parts
        )
    )


PARTS = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 30)).map(lambda at: (at[0], sum(at))), min_size=1, max_size=4
)
SPANS = st.lists(
    st.tuples(st.integers(0, 95), st.integers(1, 40)).map(lambda at: (at[0], sum(at))), max_size=5
)


@given(parts=PARTS, spans=SPANS)
def test_every_moment_of_the_clip_has_the_cues_and_chapters_of_its_source(
    parts: list[tuple[int, int]], spans: list[tuple[int, int]]
) -> None:
    plan = plan_of(*parts)
    cues = cues_of([Cue(Fraction(a, 10), Fraction(b, 10), f"{a} {b}") for a, b in spans], plan)
    chapters = chapters_of([MediaChapter(start=a / 10, end=b / 10, title=f"{a} {b}") for a, b in spans], plan)
    for (start, end), offset in zip(parts, plan.offsets, strict=False):
        for tenth in range(end - start):
            moment = offset + Fraction(tenth, 10) + Fraction(1, 20)
            there = {f"{a} {b}" for a, b in spans if a <= start + tenth < b}
            assert {cue.text for cue in cues if cue.start <= moment < cue.end} == there
            assert {one.title for one in chapters if one.start <= moment < one.end} == there


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("{\\i1}a{\\i0} b", "<i>a</i> b"),
        ("{\\b1}{\\i1}a{\\r}b", "<b><i>a</i></b>b"),
        ("{\\i1}never closed", "<i>never closed</i>"),
        ("{\\an8\\fs20\\pos(1,2)}high", "high"),
        ("{\\b700}heavy{\\i0}", "heavy"),
        ("a\r\n\n \nb", "a\nb"),
        ("", ""),
    ],
)
def test_looks_become_tags_that_are_closed(text: str, plain: str) -> None:
    assert tagged(text) == plain
