"""Links become sources, or are refused, as unpatched yt-dlp meets the stand-in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop.errors import Exit, ReelyError
from desktop.jobs.supervisor import Supervisor
from desktop.source.extract import extract
from desktop.source.jobs import ExtractJob
from desktop.source.models import Source, StreamKind
from desktop.worker import worker_command
from tests.desktop.source.conftest import Opened, silent, video_link
from tests.youtube import Kind, YouTube
from tests.youtube.catalogue import HOSTILE, LIVE, MISSING_ID, PLAIN, PREMIERE, REFUSALS, SCHEDULED

CODES = {
    "private": "video-private",
    "removed": "video-removed",
    "terminated": "video-removed",
    "copyright": "video-removed",
    "age-restricted": "age-restricted",
    "members-only": "members-only",
    "paid": "payment-needed",
    "region-blocked": "region-blocked",
    "bot-check": "bot-check",
    "rate-limited": "rate-limited",
    "no-such-video": "no-such-video",
    "live": "live-now",
    "live-ended": "live-processing",
    "premiere": "upcoming",
    "scheduled": "upcoming",
}


@pytest.mark.parametrize(("video_id", "named"), REFUSALS.items())
def test_every_refusal_has_its_own_code_and_words(opened: Opened, video_id: str, named: str) -> None:
    refused = opened(f"https://youtu.be/{video_id}")
    assert isinstance(refused, ReelyError)
    assert refused.code == CODES[named]
    assert refused.message.endswith(".")
    assert refused.hint.endswith(".")
    assert "yt-dlp" not in refused.message + refused.hint
    assert "cookies" not in refused.message + refused.hint


def test_the_catalogue_has_every_refusal_that_matters() -> None:
    assert {*CODES} <= {*REFUSALS.values()}
    assert {LIVE.id, MISSING_ID, PREMIERE.id, SCHEDULED.id} <= {*REFUSALS}


def test_title_channel_and_length(plain: Source) -> None:
    assert plain.origin == "https://www.youtube.com/watch?v=PlainVideo1"
    assert plain.id == "PlainVideo1"
    assert plain.title == PLAIN.title
    assert plain.channel == PLAIN.channel
    assert plain.duration == pytest.approx(PLAIN.seconds)
    assert plain.path is None


def test_streams_have_codecs_sizes_and_addresses(plain: Source, undisturbed: YouTube) -> None:
    streams = {stream.id: stream for stream in plain.streams}
    for rendition in undisturbed.media.renditions.values():
        stream = streams[str(rendition.format.itag)]
        assert stream.size == rendition.size
        assert stream.url is not None
        assert stream.url.startswith("https://")
    assert streams["137"].kind is StreamKind.VIDEO
    assert (streams["137"].width, streams["137"].height) == (1920, 1080)
    assert (streams["137"].container, streams["137"].audio_codec) == ("mp4", None)
    assert (streams["137"].video_codec or "").startswith("avc1.")
    assert streams["137"].fps == pytest.approx(24)
    assert streams["18"].kind is StreamKind.MUXED
    assert streams["140"].kind is StreamKind.AUDIO
    assert streams["140"].audio_codec == "mp4a.40.2"
    assert (streams["251"].container, streams["251"].audio_codec) == ("webm", "opus")
    assert streams["243"].video_codec == "vp9"
    assert plain.streams[0].height == max(stream.height or 0 for stream in plain.streams)
    assert not any(stream.id.startswith("sb") for stream in plain.streams)


def test_captions_of_people_come_before_those_of_machines(plain: Source) -> None:
    tracks = [(caption.language, caption.automatic, caption.ext) for caption in plain.captions]
    formats = ("json3", "vtt", "srv3", "srt")
    assert tracks == [
        *(("en", False, ext) for ext in formats),
        *(("de", False, ext) for ext in formats),
        *(("en", True, ext) for ext in formats),
    ]
    assert {caption.name for caption in plain.captions if not caption.automatic} == {"English", "German"}
    assert all(caption.url and "/timedtext" in caption.url for caption in plain.captions)


def test_chapters_and_most_replayed_curve(plain: Source) -> None:
    assert [(chapter.start, chapter.title) for chapter in plain.chapters] == list(PLAIN.chapters)
    assert plain.chapters[-1].end == plain.duration
    assert [point.value for point in plain.heatmap] == pytest.approx(PLAIN.heatmap)
    assert plain.heatmap[0].start == 0
    assert plain.heatmap[-1].end == pytest.approx(plain.duration)


def test_storyboards_cover_the_whole_video(plain: Source) -> None:
    assert [board.width for board in plain.storyboards] == sorted(board.width for board in plain.storyboards)
    for board in plain.storyboards:
        covered = len(board.urls) * board.rows * board.columns * board.seconds_per_tile
        assert covered >= plain.duration * 0.99
        assert covered - plain.duration <= board.rows * board.columns * board.seconds_per_tile
        assert all("$" not in url.partition("?")[0] for url in board.urls)


def test_the_time_stamp_of_the_link_sets_the_playhead(opened: Opened) -> None:
    for text, start in (
        ("https://youtu.be/PlainVideo1?t=12", 12),
        ("https://www.youtube.com/watch?v=PlainVideo1&t=0m7s", 7),
        ("https://youtu.be/PlainVideo1", 0),
        ("https://youtu.be/PlainVideo1?t=2h", 0),  # beyond the end
    ):
        source = opened(text)
        assert isinstance(source, Source)
        assert source.start_at == start
        assert source.origin == "https://www.youtube.com/watch?v=PlainVideo1"


def test_hostile_words_are_only_words(opened: Opened) -> None:
    source = opened(f"https://youtu.be/{HOSTILE.id}")
    assert isinstance(source, Source)
    texts = [source.title, source.channel or "", *(c.title for c in source.chapters)]
    texts += [caption.name for caption in source.captions]
    for text in texts:
        assert not set(text) & {*map(chr, range(32)), "\x7f", "\u202e", "\u202c"}
        assert len(text) <= 300
    assert source.title.startswith("../../etc/passwd")
    assert source.chapters[0].title == "<b>One</b>"


def test_a_source_survives_the_way_through_json(plain: Source) -> None:
    assert Source.model_validate_json(plain.model_dump_json()) == plain


def test_offline_refuses_links_without_asking_the_network(online: YouTube, cache: Path) -> None:
    with pytest.raises(ReelyError) as caught:
        extract(ExtractJob(link=video_link(online.url(PLAIN)), cache=cache, offline=True), silent)
    assert (caught.value.code, caught.value.exit) == ("offline", Exit.NETWORK)
    assert online.log.of() == []


def test_nothing_is_downloaded_and_no_other_host_is_asked(online: YouTube, cache: Path) -> None:
    extract(ExtractJob(link=video_link(online.url(PLAIN)), cache=cache), silent)
    online.log.settle()
    assert online.log.of(Kind.MEDIA, Kind.IMAGE, Kind.CAPTIONS) == []
    assert online.log.refused_hosts == []


def test_yt_dlp_keeps_its_files_in_our_cache_and_leaves_the_environment_alone(
    online: YouTube, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = tmp_path / "user"
    plugin = user / ".config/yt-dlp/plugins/x/yt_dlp_plugins/extractor/evil.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text("raise SystemExit('a plugin of the user was loaded')")
    (user / ".config/yt-dlp/config").write_text("--proxy http://127.0.0.1:9\n--exec 'false'\n")
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    before = dict(os.environ)
    extract(ExtractJob(link=video_link(online.url(PLAIN)), cache=cache), silent)
    assert dict(os.environ) == before
    assert {path.name for path in user.iterdir()} == {".config"}
    assert {path.name for path in cache.iterdir()} <= {"yt-dlp", "deno"}


def in_child(job: ExtractJob) -> Source:
    """As the app does it. Connections that failed are left to the garbage collector by their library, which
    would be noticed in this process as an unclosed socket."""
    return Supervisor(worker_command()).run(job, Source)


@pytest.mark.parametrize(
    ("status", "code", "group"),
    [
        (429, "rate-limited", Exit.NETWORK),
        (503, "site-down", Exit.NETWORK),
        (403, "access-denied", Exit.SOURCE),
    ],
)
def test_http_errors_are_told_apart(
    online: YouTube, cache: Path, status: int, code: str, group: Exit
) -> None:
    online.behave(status=status)
    with pytest.raises(ReelyError) as caught:
        in_child(ExtractJob(link=video_link(online.url(PLAIN)), cache=cache))
    assert (caught.value.code, caught.value.exit) == (code, group)


def test_a_network_that_is_down_is_told(online: YouTube, cache: Path) -> None:
    online.go_offline()
    with pytest.raises(ReelyError) as caught:
        in_child(ExtractJob(link=video_link(online.url(PLAIN)), cache=cache))
    assert (caught.value.code, caught.value.exit) == ("proxy-failed", Exit.NETWORK)


def test_no_network_at_all_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Names of this kind never resolve (RFC 6761), on any network.
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(ReelyError) as caught:
        in_child(ExtractJob(link=video_link("https://video.invalid/film"), cache=cache))
    assert (caught.value.code, caught.value.exit) == ("network-down", Exit.NETWORK)


def test_a_site_that_stalls_ends_within_our_patience(online: YouTube, cache: Path) -> None:
    online.behave(stall_after=0)
    job = ExtractJob(link=video_link(online.url(PLAIN)), cache=cache, patience=0.2)
    with pytest.raises(ReelyError) as caught:
        in_child(job)
    assert (caught.value.code, caught.value.exit) == ("network-down", Exit.NETWORK)


def test_a_page_of_an_unknown_site_is_refused(online: YouTube, cache: Path) -> None:
    link = video_link("https://www.youtube.com/watch?v=PlainVideo1").model_copy(
        update={"url": "https://www.youtube.com/about/", "video_id": None}
    )
    with pytest.raises(ReelyError) as caught:
        in_child(ExtractJob(link=link, cache=cache))
    assert caught.value.exit is Exit.SOURCE
    assert caught.value.code in {"unsupported-site", "not-a-video-link", "playlist-link", "no-such-video"}


def test_the_system_store_decides_where_no_certificate_file_is_named(
    online: YouTube, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ReelyError) as caught:
        in_child(ExtractJob(link=video_link(online.url(PLAIN)), cache=cache))
    assert (caught.value.code, caught.value.exit) == ("certificate-untrusted", Exit.NETWORK)


def test_the_job_runs_in_a_child_process_and_its_output_is_ours_alone(online: YouTube, cache: Path) -> None:
    stages: list[str] = []
    job = ExtractJob(link=video_link(f"https://youtu.be/{PLAIN.id}?t=5"), cache=cache)
    source = Supervisor(worker_command()).run(
        job, Source, progress=lambda progress: stages.append(progress.stage)
    )
    assert (source.title, source.start_at) == (PLAIN.title, 5)
    assert set(stages) == {"opening"}


def test_a_refusal_comes_out_of_the_child_with_its_code(online: YouTube, cache: Path) -> None:
    job = ExtractJob(link=video_link("https://youtu.be/PrivateVid1"), cache=cache)
    with pytest.raises(ReelyError) as caught:
        in_child(job)
    assert (caught.value.code, caught.value.exit) == ("video-private", Exit.SOURCE)
