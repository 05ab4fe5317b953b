"""Unpatched yt-dlp extracts from the stand-in as it does from the site."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.youtube import Kind, YouTube, ytdlp
from tests.youtube.catalogue import (
    AGE_RESTRICTED,
    AUTOMATIC,
    BARE,
    BOT_CHECK,
    CLAIMED,
    COPYRIGHT,
    HOSTILE,
    LIVE,
    LIVE_ENDED,
    MEMBERS_ONLY,
    MISSING_ID,
    PAID,
    PLAIN,
    PLAYLIST,
    PLAYLIST_ID,
    PREMIERE,
    PRIVATE,
    PROGRESSIVE,
    RATE_LIMITED,
    REFUSALS,
    REGION_BLOCKED,
    REMOVED,
    SCHEDULED,
    TERMINATED,
    WAS_LIVE,
)
from tests.youtube.challenge import PLAYER_PATHS
from tests.youtube.media import FORMATS, FPS, SECONDS, Media


def info_of(outcome: ytdlp.Outcome) -> dict[str, Any]:
    assert outcome.info is not None, outcome.said
    return outcome.info


def formats_of(info: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["format_id"]: each for each in info["formats"] if not each["format_id"].startswith("sb")}


@pytest.fixture(scope="module")
def plain(youtube_media: Media, tmp_path_factory: pytest.TempPathFactory) -> ytdlp.Outcome:
    with YouTube(youtube_media) as youtube:
        folder = tmp_path_factory.mktemp("plain")
        (outcome,) = ytdlp.run(youtube, youtube.url(PLAIN), folder=folder)
    return outcome


def test_a_video_is_extracted_whole_through_ytdlps_own_extractor(
    youtube_media: Media, plain: ytdlp.Outcome
) -> None:
    info = info_of(plain)

    assert info["extractor_key"] == "Youtube"
    assert (info["id"], info["title"], info["channel"]) == (PLAIN.id, PLAIN.title, PLAIN.channel)
    assert (info["duration"], info["live_status"]) == (SECONDS, "not_live")

    formats = formats_of(info)
    assert set(formats) == {str(form.itag) for form in FORMATS}
    for form in FORMATS:
        told = formats[str(form.itag)]
        assert told["filesize"] == youtube_media.renditions[form.itag].size
        assert told["protocol"] == "https"
        assert (told["width"], told["height"]) == ((form.width, form.height) if form.width else (None, None))
        assert told["fps"] == (FPS if form.width else None)
        assert told["asr"] == (form.audio_rate or None)
        assert [told["vcodec"], told["acodec"]] == {
            "video": [form.codecs, "none"],
            "audio": ["none", form.codecs],
            "muxed": form.codecs.split(", "),
        }[form.kind]
    assert [line for line in plain.said if line.startswith("WARNING") and "ffmpeg" not in line] == []


def test_chapters_and_the_most_replayed_curve_come_as_they_were_set(plain: ytdlp.Outcome) -> None:
    info = info_of(plain)

    starts = [*(start for start, _ in PLAIN.chapters), SECONDS]
    assert info["chapters"] == [
        {"start_time": start, "end_time": end, "title": title}
        for (start, title), end in zip(PLAIN.chapters, starts[1:], strict=True)
    ]
    curve = info["heatmap"]
    assert tuple(point["value"] for point in curve) == PLAIN.heatmap
    assert (curve[0]["start_time"], curve[-1]["end_time"]) == (0, SECONDS)
    for earlier, later in itertools.pairwise(curve):
        assert later["start_time"] == pytest.approx(earlier["end_time"])


def test_captions_are_told_apart_by_language_and_by_who_wrote_them(plain: ytdlp.Outcome) -> None:
    info = info_of(plain)

    assert set(info["subtitles"]) == {"en", "de"}
    assert {"en", "en-orig"} <= set(info["automatic_captions"])
    for tracks in (*info["subtitles"].values(), info["automatic_captions"]["en-orig"]):
        assert {"json3", "vtt", "srv3"} <= {track["ext"] for track in tracks}


def test_storyboards_cover_the_video(plain: ytdlp.Outcome) -> None:
    boards = [each for each in info_of(plain)["formats"] if each["format_id"].startswith("sb")]

    assert {(board["width"], board["height"]) for board in boards} == {
        (48, 27),
        (80, 45),
        (160, 90),
        (320, 180),
    }
    for board in boards:
        assert sum(fragment["duration"] for fragment in board["fragments"]) == pytest.approx(SECONDS)


def test_deno_solves_the_challenges_and_without_it_the_simpler_client_is_used(
    youtube: YouTube, tmp_path: Path
) -> None:
    (solved,) = ytdlp.run(youtube, youtube.url(PLAIN), folder=tmp_path)
    scripts = [exchange.path for exchange in youtube.log.of(Kind.SCRIPT)]
    youtube.log.clear()
    (unsolved,) = ytdlp.run(youtube, youtube.url(PLAIN), folder=tmp_path, deno=False)

    assert any("Solving JS challenges using deno" in line for line in solved.said)
    assert scripts == [PLAYER_PATHS[0]]
    for told in formats_of(info_of(solved)).values():
        assert "n=" in told["url"]
        assert "-ok&" in told["url"]

    assert youtube.log.of(Kind.SCRIPT) == []
    assert set(formats_of(info_of(unsolved))) == {str(form.itag) for form in FORMATS}
    assert all("&n=" not in told["url"] for told in formats_of(info_of(unsolved)).values())


def test_videos_without_extras_say_so_instead_of_guessing(youtube: YouTube, tmp_path: Path) -> None:
    videos = (BARE, AUTOMATIC, PROGRESSIVE, WAS_LIVE)
    bare, automatic, progressive, was_live = (
        info_of(outcome) for outcome in ytdlp.run(youtube, *map(youtube.url, videos), folder=tmp_path)
    )

    assert (bare["chapters"], bare["heatmap"]) == (None, None)
    assert (bare["subtitles"], bare["automatic_captions"]) == ({}, {})
    assert automatic["subtitles"] == {}
    assert "en" in automatic["automatic_captions"]
    assert set(formats_of(progressive)) == {"18"}
    assert was_live["live_status"] == "was_live"
    assert "137" in formats_of(was_live)


def test_a_hostile_title_and_hostile_chapters_arrive_unchanged(youtube: YouTube, tmp_path: Path) -> None:
    (outcome,) = ytdlp.run(youtube, youtube.url(HOSTILE), folder=tmp_path)
    info = info_of(outcome)

    assert len(HOSTILE.title) == 300
    assert info["title"] == HOSTILE.title
    assert info["channel"] == HOSTILE.channel
    assert info["description"] == HOSTILE.description
    assert [chapter["title"] for chapter in info["chapters"]] == [title for _, title in HOSTILE.chapters]


@pytest.mark.parametrize(
    "address",
    [
        "https://youtu.be/{id}?t=30",
        "https://www.youtube.com/shorts/{id}",
        "https://www.youtube.com/live/{id}",
        "https://www.youtube.com/embed/{id}",
        "https://m.youtube.com/watch?v={id}&t=30s",
        "https://music.youtube.com/watch?v={id}&feature=share",
        "https://www.youtube-nocookie.com/embed/{id}",
    ],
)
def test_all_forms_of_a_link_have_a_page(youtube: YouTube, address: str) -> None:
    import requests

    url = address.format(id=PLAIN.id)
    proxies = {"https": youtube.proxy}
    with requests.get(url, proxies=proxies, verify=str(youtube.ca_file), timeout=10) as response:
        assert response.status_code == 200
        assert "ytcfg.set(" in response.text


def test_a_playlist_lists_its_videos_and_a_link_into_it_leads_to_both(
    youtube: YouTube, tmp_path: Path
) -> None:
    listed = f"https://www.youtube.com/playlist?list={PLAYLIST_ID}"
    within = f"{youtube.url(PLAIN)}&list={PLAYLIST_ID}"
    outcomes = ytdlp.run(youtube, listed, within, folder=tmp_path, extract_flat="in_playlist")
    (alone,) = ytdlp.run(youtube, within, folder=tmp_path, noplaylist=True)

    for outcome in outcomes:
        assert [entry["id"] for entry in info_of(outcome)["entries"]] == [video.id for video in PLAYLIST]
    assert info_of(alone)["id"] == PLAIN.id


WORDS = {
    PRIVATE.id: "Private video",
    REMOVED.id: "removed by the uploader",
    TERMINATED.id: "account associated with this video has been terminated",
    COPYRIGHT.id: "copyright claim",
    AGE_RESTRICTED.id: "confirm your age",
    MEMBERS_ONLY.id: "members-only content",
    PAID.id: "requires payment",
    REGION_BLOCKED.id: "not made this video available in your country",
    CLAIMED.id: "blocked it in your country",
    BOT_CHECK.id: "not a bot",
    RATE_LIMITED.id: "rate-limited by YouTube",
    LIVE_ENDED.id: "live stream recording is not available",
    PREMIERE.id: "Premieres in 2 hours",
    SCHEDULED.id: "live event will begin in 2 hours",
    MISSING_ID: "This video is unavailable",
}


def test_every_refusal_reads_as_on_the_site(youtube: YouTube, tmp_path: Path) -> None:
    urls = [youtube.url(video_id) for video_id in WORDS]
    outcomes = dict(zip(WORDS, ytdlp.run(youtube, *urls, folder=tmp_path), strict=True))

    assert set(WORDS) == set(REFUSALS) - {LIVE.id}
    for video_id, words in WORDS.items():
        assert outcomes[video_id].info is None
        error = outcomes[video_id].error or ""
        assert words in error, video_id
        others = {other for key, other in WORDS.items() if key != video_id}
        assert not any(other in error for other in others), video_id
    assert "Switzerland, Norway" in (outcomes[REGION_BLOCKED.id].error or "")


def test_what_is_on_air_says_so(youtube: YouTube, tmp_path: Path) -> None:
    (outcome,) = ytdlp.run(youtube, youtube.url(LIVE), folder=tmp_path)

    assert info_of(outcome)["live_status"] == "is_live"
    assert {each["protocol"] for each in info_of(outcome)["formats"]} == {"m3u8_native"}


def test_http_429_is_what_a_limited_client_meets(youtube: YouTube, tmp_path: Path) -> None:
    youtube.behave(Kind.PAGE, Kind.API, status=429)

    (outcome,) = ytdlp.run(youtube, youtube.url(PLAIN), folder=tmp_path, extractor_retries=0)

    assert outcome.error is not None
    assert any("HTTP Error 429" in line for line in outcome.said)
    assert {exchange.status for exchange in youtube.log.of(Kind.PAGE, Kind.API)} == {429}


def test_a_network_that_is_down_is_an_error_of_the_proxy(youtube: YouTube, tmp_path: Path) -> None:
    youtube.go_offline()

    (outcome,) = ytdlp.run(youtube, youtube.url(PLAIN), folder=tmp_path, extractor_retries=0)

    assert outcome.error is not None
    assert any("Tunnel connection failed" in line for line in outcome.said)
    assert youtube.log.of() == []
    assert "www.youtube.com" in youtube.log.refused_hosts
