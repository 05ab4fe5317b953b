"""Unpatched yt-dlp downloads from the stand-in, and the log tells what was sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.youtube import Kind, YouTube, ytdlp
from tests.youtube.catalogue import PLAIN
from tests.youtube.media import FORMATS


def sizes(youtube: YouTube, *itags: int) -> dict[int, int]:
    return {itag: youtube.media.renditions[itag].size for itag in itags}


def downloaded(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".media", ".part")}


EVERY_ITAG = {form.itag for form in FORMATS}
# One file a format, named by its itag; no FFmpeg joins them.
BY_ITAG: dict[str, Any] = {"outtmpl": "%(format_id)s.media", "download": True}


def test_a_dash_pair_a_webm_pair_and_the_progressive_format_arrive_byte_for_byte(
    youtube: YouTube, tmp_path: Path
) -> None:
    itags = (137, 140, 243, 251, 18)
    wanted = ",".join(map(str, itags))
    (outcome,) = ytdlp.run(youtube, youtube.url(PLAIN), folder=tmp_path, format=wanted, **BY_ITAG)

    assert outcome.error is None, outcome.error
    assert downloaded(tmp_path) == {
        f"{itag}.media": youtube.media.renditions[itag].path.read_bytes() for itag in itags
    }
    youtube.log.settle()
    assert youtube.log.media_bytes(PLAIN.id) == sizes(youtube, *itags)
    assert all(exchange.status == 206 for exchange in youtube.log.of(Kind.MEDIA))
    assert all("googlevideo.com" in exchange.host for exchange in youtube.log.of(Kind.MEDIA))


def test_a_dropped_connection_is_resumed_where_it_broke(youtube: YouTube, tmp_path: Path) -> None:
    size = youtube.media.renditions[136].size
    youtube.behave(Kind.MEDIA, itag=136, times=1, drop_after=size // 3)

    (outcome,) = ytdlp.run(youtube, youtube.url(PLAIN), folder=tmp_path, format="136", retries=3, **BY_ITAG)

    assert outcome.error is None, outcome.error
    assert downloaded(tmp_path) == {"136.media": youtube.media.renditions[136].path.read_bytes()}
    youtube.log.settle()
    first, second = youtube.log.of(Kind.MEDIA)
    assert first.range == (0, size - 1)
    assert first.bytes_sent == size // 3
    assert second.range is not None
    assert 0 < second.range[0] <= size // 3
    assert second.bytes_sent == size - second.range[0]


def test_a_single_server_error_is_got_over(youtube: YouTube, tmp_path: Path) -> None:
    youtube.behave(Kind.MEDIA, itag=133, times=1, status=503)

    (outcome,) = ytdlp.run(youtube, youtube.url(PLAIN), folder=tmp_path, format="133", retries=3, **BY_ITAG)

    assert outcome.error is None, outcome.error
    assert [exchange.status for exchange in youtube.log.of(Kind.MEDIA)] == [503, 206]


def test_links_refused_by_the_media_server_are_an_http_403(youtube: YouTube, tmp_path: Path) -> None:
    youtube.behave(Kind.MEDIA, status=403)

    (outcome,) = ytdlp.run(youtube, youtube.url(PLAIN), folder=tmp_path, format="133", retries=0, **BY_ITAG)

    assert "HTTP Error 403" in (outcome.error or "")
    assert "133.media" not in downloaded(tmp_path)


def test_a_stalled_connection_runs_into_the_clients_time_limit(youtube: YouTube, tmp_path: Path) -> None:
    youtube.behave(Kind.MEDIA, stall_after=1000)

    (outcome,) = ytdlp.run(
        youtube, youtube.url(PLAIN), folder=tmp_path, format="133", retries=0, socket_timeout=2, **BY_ITAG
    )

    assert "timed out" in (outcome.error or "")
    youtube.log.settle()
    assert youtube.log.media_bytes() == {133: 1000}


def test_captions_and_storyboards_download(youtube: YouTube, tmp_path: Path) -> None:
    (outcome,) = ytdlp.run(
        youtube,
        youtube.url(PLAIN),
        folder=tmp_path,
        format="sb1",
        writesubtitles=True,
        writeautomaticsub=True,
        subtitleslangs=["en", "en-orig"],
        subtitlesformat="json3",
        **BY_ITAG,
    )

    assert outcome.error is None, outcome.error
    assert len(youtube.log.of(Kind.CAPTIONS)) == 2
    # 60 pictures, a second each, 25 to a sheet.
    assert [exchange.path[-6:] for exchange in youtube.log.of(Kind.IMAGE)] == ["M0.jpg", "M1.jpg", "M2.jpg"]


@pytest.mark.parametrize(
    ("client", "itags"),
    # The web player is given no addresses but for the old progressive format.
    [("web", {18}), ("tv", EVERY_ITAG), ("ios", EVERY_ITAG), ("mweb", EVERY_ITAG)],
)
def test_other_clients_are_served_in_their_own_way(
    youtube: YouTube, tmp_path: Path, client: str, itags: set[int]
) -> None:
    arguments = {"youtube": {"player_client": [client], "formats": ["missing_pot"]}}
    (outcome,) = ytdlp.run(youtube, youtube.url(PLAIN), folder=tmp_path, extractor_args=arguments)

    assert outcome.info is not None
    formats = {each["format_id"] for each in outcome.info["formats"] if each["protocol"] == "https"}
    assert formats == {str(itag) for itag in itags}
