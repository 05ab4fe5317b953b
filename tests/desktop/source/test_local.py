"""A file on this computer becomes a source, or is refused in words."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest

from desktop.errors import ReelyError
from desktop.source.jobs import OpenFileJob
from desktop.source.local import open_file
from desktop.source.models import Source, StreamKind
from tests.desktop.source.conftest import silent

CHAPTERS = """;FFMETADATA1
title=The \x1b[31mfilm\u202e
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1000
title=One
[CHAPTER]
TIMEBASE=1/1000
START=1000
END=2000
title=Two\\=2
"""
SUBTITLES = "1\n00:00:00,000 --> 00:00:01,000\nHello\n"


def ffmpeg(*arguments: str | Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, 160x90 at 25 a second, two sound tracks, a subtitle track, chapters and a title."""
    folder = tmp_path_factory.mktemp("local film")
    (folder / "meta.txt").write_text(CHAPTERS, encoding="utf-8")
    (folder / "words.srt").write_text(SUBTITLES, encoding="utf-8")
    path = folder / "my film.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=2"),
        *("-f", "lavfi", "-i", "sine=440:duration=2", "-f", "lavfi", "-i", "sine=220:duration=2"),
        *("-i", folder / "words.srt", "-i", folder / "meta.txt"),
        *(
            "-map",
            "0:v",
            "-map",
            "1:a",
            "-map",
            "2:a",
            "-map",
            "3:s",
            "-map_metadata",
            "4",
            "-map_chapters",
            "4",
        ),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-c:s", "srt"),
        *(
            "-metadata:s:a:0",
            "language=eng",
            "-metadata:s:a:1",
            "language=deu",
            "-metadata:s:s:0",
            "language=fra",
        ),
        path,
    )
    for name in ("my film.srt", "my film.en.vtt", "my film.notes.txt", "my film 2.srt", "other.srt"):
        (folder / name).write_text(SUBTITLES, encoding="utf-8")
    return path


def opened(path: Path) -> Source:
    return open_file(OpenFileJob(path=path), silent)


def test_a_file_is_a_source_with_streams_chapters_and_captions(film: Path) -> None:
    source = opened(film)
    assert source.origin == str(film)
    assert source.path == film
    assert source.title == "The film"
    assert source.duration == pytest.approx(2, abs=0.1)
    assert source.start_at == 0
    main, second = source.streams
    assert (main.kind, main.container) == (StreamKind.MUXED, "mkv")
    assert (main.video_codec, main.audio_codec) == ("h264", "aac")
    assert (main.width, main.height, main.fps) == (160, 90, 25)
    assert main.size == film.stat().st_size
    assert (main.language, second.language) == ("eng", "deu")
    assert second.kind is StreamKind.AUDIO
    assert all(stream.url is None for stream in source.streams)
    assert [(chapter.start, chapter.title) for chapter in source.chapters] == [(0, "One"), (1, "Two=2")]
    captions = [(caption.language, caption.name, caption.ext) for caption in source.captions]
    assert captions[:2] == [("en", "my film.en.vtt", "vtt"), ("und", "my film.srt", "srt")]
    assert len(captions) == 3
    assert captions[2][0] == "fra"
    assert source.captions[1].url == (film.parent / "my film.srt").as_uri()


def test_opening_changes_nothing(film: Path) -> None:
    before = (film.read_bytes(), sorted(path.name for path in film.parent.iterdir()))
    opened(film)
    assert (film.read_bytes(), sorted(path.name for path in film.parent.iterdir())) == before


def test_a_relative_name_becomes_absolute(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(film.parent)
    assert opened(Path(film.name)).origin == str(film)
    monkeypatch.setenv("HOME", str(film.parent))
    assert opened(Path("~") / film.name).origin == str(film)


def test_without_a_title_the_file_name_is_the_title(tmp_path: Path) -> None:
    path = tmp_path / "a\u202esong.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=440:duration=1", path)
    source = opened(path)
    assert source.title == "asong"
    (stream,) = source.streams
    assert stream.kind is StreamKind.AUDIO
    assert (stream.width, stream.height, stream.video_codec) == (None, None, None)


def test_picture_without_sound_is_a_source_too(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10:duration=1", path)
    (stream,) = opened(path).streams
    assert (stream.kind, stream.audio_codec) == (StreamKind.VIDEO, None)


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("This is no film.\n" * 100)
    (tmp_path / "playlist.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    os.mkfifo(tmp_path / "pipe.mp4")
    codes = {
        "nothing.mp4": "file-not-found",
        "nothing/film.mp4": "file-not-found",
        ".": "is-a-folder",
        "empty.mp4": "file-empty",
        "text.mp4": "media-unreadable",
        "playlist.m3u8": "media-unreadable",
        "pipe.mp4": "not-a-file",
    }
    for name, code in codes.items():
        with pytest.raises(ReelyError) as caught:
            opened(tmp_path / name)
        assert (name, caught.value.code) == (name, code)
        assert caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "secret.mp4"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(ReelyError) as caught:
        opened(path)
    assert caught.value.code == "file-not-readable"
