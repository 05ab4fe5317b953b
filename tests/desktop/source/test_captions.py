"""Caption tracks: which is read first, and their bytes, from the web, from a file beside, from inside."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import imageio_ffmpeg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.errors import Exit, ReelyError
from desktop.hooks.captions import parse_transcript
from desktop.jobs.cancellation import CancelToken
from desktop.source.captions import LARGEST, caption_bytes, tracks_in_order
from desktop.source.info import CAPTION_FORMATS
from desktop.source.jobs import OpenFileJob
from desktop.source.local import open_file
from desktop.source.models import Caption, Source, Stream, StreamKind
from tests.desktop.source.conftest import silent
from tests.youtube import YouTube
from tests.youtube.catalogue import PLAIN, Cue, Track
from tests.youtube.timedtext import timedtext


def track(language: str, name: str = "", *, automatic: bool = False) -> Caption:
    return Caption(language=language, name=name or language, automatic=automatic, ext="srt")


def source(*captions: Caption, sound: str | None = None, path: Path | None = None) -> Source:
    stream = Stream(id="1", kind=StreamKind.MUXED, container="mp4", language=sound)
    return Source(
        origin=str(path or "https://youtu.be/x"),
        path=path,
        id="x",
        title="x",
        duration=10.0,
        streams=(stream,),
        captions=captions,
    )


def read(of: Source, which: Caption, *, offline: bool = False) -> bytes:
    return caption_bytes(of, which, offline=offline, token=CancelToken())


def said(content: bytes) -> list[str]:
    return [cue.text for cue in parse_transcript(content).cues]


# --- which is read first ---


@pytest.mark.parametrize(
    ("tracks", "sound", "language", "order"),
    [
        ([("en", True), ("en", False)], None, None, ["en", "en (machine)"]),
        ([("de", False), ("en", True)], None, None, ["en (machine)"]),
        ([("de", False), ("en", False)], "eng", None, ["en"]),
        ([("ger", False), ("en", False)], "de-AT", None, ["ger"]),
        ([("pt-BR", False), ("en", False)], None, "pt", ["pt-BR"]),
        ([("en", False)], None, "pt-BR", []),
        ([("und", False), ("en", False)], None, "fr", ["und"]),
        ([("", False), ("en", False)], None, "en", ["en", "nothing"]),
        ([("fr", False), ("de", False)], "ja", None, ["fr", "de"]),
        ([], "en", None, []),
    ],
)
def test_people_come_before_machines_in_the_language_that_is_spoken(
    tracks: list[tuple[str, bool]], sound: str | None, language: str | None, order: list[str]
) -> None:
    captions = [track(tag, _name(tag, machine), automatic=machine) for tag, machine in tracks]
    found = tracks_in_order(source(*captions, sound=sound), language)
    assert [each.name for each in found] == order


def _name(tag: str, machine: bool) -> str:
    return f"{tag or 'nothing'} (machine)" if machine else tag or "nothing"


TAGS = st.sampled_from(["", "und", "en", "en-US", "eng", "de", "pt_BR", "zxx", "x" * 20, "🦄"])


@given(
    st.lists(st.builds(lambda tag, machine: track(tag, automatic=machine), TAGS, st.booleans()), max_size=8),
    TAGS | st.none(),
    TAGS | st.none(),
)
def test_whatever_tracks_there_are_some_are_read_and_people_first(
    captions: list[Caption], sound: str | None, language: str | None
) -> None:
    found = tracks_in_order(source(*captions, sound=sound), language)
    assert all(each in captions for each in found)
    assert len(found) <= len(captions)
    assert bool(found) == bool(captions) or language is not None
    assert [each.automatic for each in found] == sorted(each.automatic for each in found)


# --- the web ---


@pytest.mark.parametrize("form", CAPTION_FORMATS)
@pytest.mark.parametrize("automatic", [False, True])
def test_every_format_of_the_site_gives_the_same_words(
    form: str, automatic: bool, plain: Source, online: YouTube
) -> None:
    [which] = [
        each
        for each in plain.captions
        if (each.language, each.automatic, each.ext) == ("en", automatic, form)
    ]
    text = " ".join(said(read(plain, which)))
    cues = next(each.cues for each in PLAIN.captions if (each.language, each.automatic) == ("en", automatic))
    assert text == " ".join(cue.text for cue in cues)


def test_offline_nothing_is_asked_for(plain: Source) -> None:
    with pytest.raises(ReelyError) as refused:
        read(plain, plain.captions[0], offline=True)
    assert refused.value.code == "offline"


@contextmanager
def serving(status: int, body: bytes, length: int | None = None, **headers: str) -> Iterator[str]:
    """An address on loopback that always answers so."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/captions"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "length", "headers", "code"),
    [
        (404, b"gone", None, {}, "access-denied"),
        (302, b"", None, {"Location": "http://127.0.0.1:1/elsewhere"}, "access-denied"),
        (200, b"half", 100, {}, "network-down"),
        (200, bytes(LARGEST + 1), None, {}, "stalled"),
    ],
)
def test_what_a_server_does_wrong_is_refused(
    status: int, body: bytes, length: int | None, headers: dict[str, str], code: str
) -> None:
    with serving(status, body, length, **headers) as url:
        which = track("en").model_copy(update={"url": url})
        with pytest.raises(ReelyError) as refused:
            read(source(which), which)
    assert refused.value.code == code
    assert refused.value.hint


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x", "javascript:1", "", "//x", "\x00"]
)
def test_a_link_leads_to_no_file_and_no_other_protocol(url: str) -> None:
    which = track("en").model_copy(update={"url": url})
    with pytest.raises(ReelyError) as refused:
        read(source(which), which)
    assert refused.value.code == "access-denied"


# --- beside a file ---


def beside(folder: Path, name: str, content: bytes) -> tuple[Source, Caption]:
    (folder / name).write_bytes(content)
    which = track("en").model_copy(update={"url": (folder / name).as_uri()})
    return source(which, path=folder / "film.mp4"), which


LETTERS = st.text(
    st.characters(categories=["L", "Nd", "Po"], exclude_characters="&<>{}[]♪.:*-'\"#%@\\/¿¡"),
    min_size=1,
    max_size=10,
)
CUES = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(200, 9000), st.lists(LETTERS, min_size=1, max_size=5)),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(CUES)
def test_whatever_is_said_every_format_says_the_same(rows: list[tuple[int, int, list[str]]]) -> None:
    """From a file beside the film, which is read as it is, to the cues."""
    cues, at = [], 0
    for pause, length, words in rows:
        at += pause
        cues.append(Cue(at / 1000, (at + length) / 1000, " ".join(words)))
        at += length
    results = set()
    for form in CAPTION_FORMATS:
        written = timedtext(Track("en", "English", automatic=False, cues=tuple(cues)), form)
        assert written is not None
        transcript = parse_transcript(written[1].encode())
        results.add(tuple((round(c.start * 1000), round(c.end * 1000), c.text) for c in transcript.cues))
    assert len(results) == 1


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_a_file_beside_the_film_is_read_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    of, which = beside(tmp_path_factory.mktemp("beside"), "film. %41 é#.srt", content)
    assert read(of, which, offline=True) == content


def test_of_a_film_that_is_named_like_captions_only_so_much_is_read(tmp_path: Path) -> None:
    of, which = beside(tmp_path, "film.srt", b"")
    with (tmp_path / "film.srt").open("r+b") as file:
        file.truncate(LARGEST * 4)
    assert len(read(of, which)) == LARGEST


def test_only_what_lies_beside_the_film_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    of, _which = beside(tmp_path / "in", "film.srt", b"")
    for url in (
        (tmp_path / "secret").as_uri(),
        (tmp_path / "in").as_uri() + "/../secret",
        "file:///etc/passwd",
    ):
        (tmp_path / "secret").write_bytes(b"secret")
        with pytest.raises(ReelyError) as refused:
            read(of, track("en").model_copy(update={"url": url}))
        assert refused.value.code == "access-denied"


def test_a_file_that_is_gone_is_the_callers_to_tell(tmp_path: Path) -> None:
    of, which = beside(tmp_path, "film.srt", b"")
    (tmp_path / "film.srt").unlink()
    with pytest.raises(FileNotFoundError):
        read(of, which)


# --- inside a file ---

SRT = """1
00:00:01,000 --> 00:00:02,000
Hello, <i>you</i> & me,
in two lines

2
00:00:02,500 --> 00:00:03,000
{\\an8}<b>Up</b> there
"""


def film(folder: Path, name: str, codec: str, *more: str) -> Source:
    """Four seconds with two subtitle tracks."""
    (folder / "words.txt").write_text(SRT, "utf-8")
    (folder / "others.txt").write_text(SRT.replace("Hello", "Hallo"), "utf-8")
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y",
        "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10:duration=4",
        "-f", "srt", "-i", "words.txt", "-f", "srt", "-i", "others.txt",
        "-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-preset", "ultrafast", "-c:s", codec,
        "-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=ger", *more, name,
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=folder, stdin=subprocess.DEVNULL)
    return open_file(OpenFileJob(path=folder / name), silent)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mkv", "srt"), ("b.mp4", "mov_text"), ("c.mkv", "ass"), ("d.mkv", "webvtt")]
)
def test_subtitles_inside_a_file_are_read_whatever_their_format(
    name: str, codec: str, tmp_path: Path
) -> None:
    of = film(tmp_path, name, codec)
    assert [each.language for each in of.captions] == ["eng", "ger"]
    english, german = (read(of, which, offline=True) for which in of.captions)
    data = json.loads(english)
    assert data["language"] == "en"
    times = [(round(each["start"], 2), round(each["end"], 2)) for each in data["segments"] if each["text"]]
    assert times == [(1.0, 2.0), (2.5, 3.0)]
    assert said(english) == ["Hello, you & me, in two lines", "Up there"]
    assert said(german)[0].startswith("Hallo")


def test_times_are_on_the_sources_clock_where_the_file_begins_later(tmp_path: Path) -> None:
    of = film(tmp_path, "late.mkv", "srt", "-output_ts_offset", "5")
    segments = json.loads(read(of, of.captions[0]))["segments"]
    assert [round(each["start"], 2) for each in segments] == [1.0, 2.5]


@pytest.mark.parametrize("name", ["Track 0", "Track 99", "Track 999999999999999999999", "Track -1"])
def test_a_number_that_is_no_subtitle_track_has_no_texts(name: str, tmp_path: Path) -> None:
    of = film(tmp_path, "a.mkv", "srt")
    which = track("en", name)
    if name == "Track -1":
        with pytest.raises(ReelyError):
            read(of, which)
    else:
        assert json.loads(read(of, which))["segments"] == []


@pytest.mark.parametrize("name", ["", "Track", "Track ١x", "../../etc/passwd"])
def test_a_name_without_a_number_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ReelyError) as refused:
        read(source(path=tmp_path / "a.mkv"), Caption(language="en", name=name, automatic=False, ext="srt"))
    assert (refused.value.code, refused.value.exit) == ("access-denied", Exit.SOURCE)


@pytest.mark.parametrize("keep", [0, 100, 0.5])
def test_a_damaged_file_gives_the_texts_that_can_be_read(keep: float, tmp_path: Path) -> None:
    of = film(tmp_path, "a.mkv", "srt")
    content = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(content[: int(keep if keep >= 1 else len(content) * keep)])
    segments = json.loads(read(of, of.captions[0]))["segments"]
    assert all(each["text"] and "Hallo" not in each["text"] for each in segments)
