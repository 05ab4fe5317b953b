"""Streams come onto disk as a whole, whatever the network does, and are fetched once."""

from __future__ import annotations

import itertools
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from desktop.errors import Cancelled, Exit, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.supervisor import Supervisor
from desktop.source.cache import StreamCache
from desktop.source.extract import extract
from desktop.source.fetch import fetch
from desktop.source.jobs import ExtractJob, FetchedMedia, FetchJob, Purpose
from desktop.source.models import Source, Stream, StreamKind
from desktop.source.ranges import RangeFile
from desktop.worker import worker_command
from tests.desktop.source.conftest import silent, video_link
from tests.youtube import Kind, YouTube
from tests.youtube.catalogue import PLAIN, PROGRESSIVE

DROP = 100_000
"""Bytes after which a connection breaks: a few times less than the smallest video has."""


@pytest.fixture
def source(online: YouTube, tmp_path: Path) -> Source:
    """A source with fresh addresses of the test's own stand-in."""
    found = extract(ExtractJob(link=video_link(online.url(PLAIN)), cache=tmp_path / "extracted"), silent)
    online.log.settle()
    online.log.clear()
    return found


def job(source: Source, cache: Path, **more: Any) -> FetchJob:
    """Small streams, and little patience."""
    return FetchJob.model_validate(
        {"source": source, "cache": cache, "max_height": 240, "patience": 0.5, **more}
    )


def in_child(wanted: FetchJob) -> FetchedMedia:
    """As the app does it: see `in_child` of the tests of extraction."""
    return Supervisor(worker_command()).run(wanted, FetchedMedia)


def places(source: Source, cache: Path, name: str = "133") -> tuple[Path, Path]:
    """Where a stream and its index are."""
    stream = next(stream for stream in source.streams if stream.id == name)
    path = StreamCache(cache).path(source, stream)
    return path, StreamCache(cache).index(path)


def original(youtube: YouTube, itag: int) -> bytes:
    return youtube.media.renditions[itag].path.read_bytes()


def assert_whole(media: FetchedMedia, youtube: YouTube, video: int = 133, audio: int = 140) -> None:
    """The files are what the site has, byte for byte, and nothing half-done lies about."""
    assert media.video is not None
    assert media.audio is not None
    assert media.video.read_bytes() == original(youtube, video)
    assert media.audio.read_bytes() == original(youtube, audio)
    assert list(media.video.parent.glob("*.partial")) == []


def test_the_best_streams_come_as_whole_files(online: YouTube, source: Source, cache: Path) -> None:
    seen: list[float] = []
    media = fetch(job(source, cache, max_height=None), lambda stage, fraction: seen.append(fraction))
    assert_whole(media, online, 137)
    assert media.streams == ("137", "140")
    assert media.bytes_fetched == len(original(online, 137)) + len(original(online, 140))
    online.log.settle()
    assert online.log.media_bytes() == {137: len(original(online, 137)), 140: len(original(online, 140))}
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(set(seen)) > 3


def test_a_preview_is_a_small_picture_and_the_clips_own_sound(
    online: YouTube, source: Source, cache: Path
) -> None:
    media = fetch(job(source, cache, purpose=Purpose.PREVIEW, max_height=None), silent)
    assert_whole(media, online, 134, 140)
    assert media.bytes_fetched == len(original(online, 134)) + len(original(online, 140))


def test_what_is_there_is_not_fetched_again_not_even_offline(
    online: YouTube, source: Source, cache: Path
) -> None:
    first = fetch(job(source, cache), silent)
    online.go_offline()
    again = fetch(job(source, cache, offline=True), silent)
    assert again == first.model_copy(update={"bytes_fetched": 0})
    with pytest.raises(ReelyError) as caught:
        fetch(job(source, cache, max_height=360, offline=True), silent)
    assert caught.value.code == "offline"


def test_a_dropped_connection_goes_on_where_it_was(online: YouTube, source: Source, cache: Path) -> None:
    online.behave(Kind.MEDIA, itag=133, drop_after=DROP, times=2)
    media = in_child(job(source, cache))
    assert_whole(media, online)
    online.log.settle()
    starts = [one.range[0] for one in online.log.of(Kind.MEDIA, itag=133) if one.range]
    assert starts[0] == 0
    assert len(starts) == 3
    assert all(later >= earlier + DROP - 16 * 1024 for earlier, later in itertools.pairwise(starts))


def test_a_stalled_connection_is_opened_anew(online: YouTube, source: Source, cache: Path) -> None:
    online.behave(Kind.MEDIA, itag=133, stall_after=DROP, times=1)
    assert_whole(in_child(job(source, cache)), online)
    online.log.settle()
    assert len(online.log.of(Kind.MEDIA, itag=133)) == 2


def test_a_trickle_is_a_stall_too(online: YouTube, source: Source, cache: Path) -> None:
    online.behave(Kind.MEDIA, itag=133, bytes_per_second=20_000, times=1)
    began = time.monotonic()
    assert_whole(in_child(job(source, cache)), online)
    assert time.monotonic() - began < len(original(online, 133)) / 20_000 / 2
    online.log.settle()
    assert len(online.log.of(Kind.MEDIA, itag=133)) == 2


def test_what_stops_for_good_is_told_and_what_has_come_is_kept(
    online: YouTube, source: Source, cache: Path
) -> None:
    online.behave(Kind.MEDIA, itag=133, stall_after=0)
    online.behave(Kind.MEDIA, itag=133, stall_after=DROP, times=1)
    with pytest.raises(ReelyError) as caught:
        in_child(job(source, cache))
    assert (caught.value.code, caught.value.exit) == ("stalled", Exit.NETWORK)
    path, index = places(source, cache)
    with RangeFile(path, index, len(original(online, 133))) as file:
        kept = b"".join(file.read(0, DROP - 16 * 1024))
    assert original(online, 133).startswith(kept)


def test_expired_links_are_extracted_again_and_the_fetch_goes_on(
    online: YouTube, source: Source, cache: Path
) -> None:
    online.behave(Kind.MEDIA, itag=133, drop_after=DROP, times=1)
    online.behave(Kind.MEDIA, itag=133, status=403, times=1)
    online.behave(Kind.MEDIA, itag=133, drop_after=DROP, times=1)
    assert_whole(in_child(job(source, cache)), online)
    online.behave_well()
    online.expire_links()
    media = in_child(job(source, cache, max_height=360))
    assert_whole(media, online, 134)
    online.log.settle()
    assert len(online.log.of(Kind.PAGE)) >= 2


def test_a_link_whose_time_is_over_is_not_even_tried(online: YouTube, source: Source, cache: Path) -> None:
    old = tuple(
        stream.model_copy(update={"url": (stream.url or "").replace("expire=", "expire=1&was=")})
        for stream in source.streams
    )
    assert_whole(fetch(job(source.model_copy(update={"streams": old}), cache), silent), online)
    online.log.settle()
    assert {one.status for one in online.log.of(Kind.MEDIA)} == {206}


def test_links_that_stay_forbidden_are_told(online: YouTube, source: Source, cache: Path) -> None:
    online.behave(Kind.MEDIA, status=403)
    with pytest.raises(ReelyError) as caught:
        in_child(job(source, cache))
    assert (caught.value.code, caught.value.exit) == ("access-denied", Exit.SOURCE)


def test_a_server_without_ranges_gives_the_whole_file(online: YouTube, source: Source, cache: Path) -> None:
    online.behave(Kind.MEDIA, ranges=False)
    online.behave(Kind.MEDIA, itag=133, drop_after=DROP, times=1)
    assert_whole(in_child(job(source, cache)), online)


def test_a_fault_of_the_site_is_waited_out(online: YouTube, source: Source, cache: Path) -> None:
    online.behave(Kind.MEDIA, itag=133, status=503, times=2)
    assert_whole(in_child(job(source, cache)), online)


def test_a_network_that_goes_down_is_told(online: YouTube, source: Source, cache: Path) -> None:
    online.go_offline()
    with pytest.raises(ReelyError) as caught:
        in_child(job(source, cache))
    assert caught.value.exit is Exit.NETWORK


def test_leftovers_without_an_index_are_not_trusted(online: YouTube, source: Source, cache: Path) -> None:
    path, index = places(source, cache)
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(len(original(online, 133))))
    assert_whole(fetch(job(source, cache), silent), online)
    index.write_bytes(b"no index")
    assert_whole(fetch(job(source, cache), silent), online)
    path.write_bytes(b"cut off")
    assert_whole(fetch(job(source, cache), silent), online)


def test_a_full_disk_is_told_before_anything_is_asked(online: YouTube, source: Source, cache: Path) -> None:
    huge = tuple(stream.model_copy(update={"size": 10**18}) for stream in source.streams)
    with pytest.raises(ReelyError) as caught:
        fetch(job(source.model_copy(update={"streams": huge}), cache), silent)
    assert (caught.value.code, caught.value.exit) == ("disk-full", Exit.DISK)
    assert online.log.of(Kind.MEDIA) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_meanwhile_is_told(online: YouTube, source: Source, cache: Path) -> None:
    path, index = places(source, cache)
    with RangeFile(path, index, len(original(online, 133))):
        pass
    path.unlink()
    path.symlink_to("/dev/full")
    with pytest.raises(ReelyError) as caught:
        in_child(job(source, cache))
    assert (caught.value.code, caught.value.exit) == ("disk-full", Exit.DISK)


def test_a_folder_that_cannot_be_written_is_told(online: YouTube, source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReelyError) as caught:
        in_child(job(source, tmp_path / "file"))
    assert caught.value.exit is Exit.DISK


def test_the_cache_stays_within_its_limit(online: YouTube, source: Source, cache: Path) -> None:
    old = cache / "media/old/1.mp4"
    old.parent.mkdir(parents=True)
    old.write_bytes(bytes(1000))
    os.utime(old, (0, 0))
    media = fetch(job(source, cache, cache_limit=1), silent)
    assert not old.exists()
    assert_whole(media, online)  # what the job itself brought stays


def test_cancelling_ends_the_child_at_once_and_the_next_try_resumes(
    online: YouTube, source: Source, cache: Path
) -> None:
    online.behave(Kind.MEDIA, itag=133, bytes_per_second=150_000)
    token = CancelToken()
    begun = threading.Event()

    def on_progress(progress: Any) -> None:
        if progress.fraction > 0.15 and not begun.is_set():
            begun.set()
            token.cancel()

    started = time.monotonic()
    with pytest.raises(Cancelled):
        Supervisor(worker_command()).run(
            job(source, cache, patience=20), FetchedMedia, progress=on_progress, token=token
        )
    assert begun.is_set()
    assert time.monotonic() - started < 10
    online.log.settle()
    online.behave_well()
    sizes = {name: len(original(online, int(name))) for name in ("133", "140")}
    lacking = 0
    for name, size in sizes.items():
        with RangeFile(*places(source, cache, name), size) as file:
            lacking += sum(stop - first for first, stop in file.missing(0, size))
    assert 0 < lacking < sum(sizes.values())
    media = in_child(job(source, cache))
    assert_whole(media, online)
    assert media.bytes_fetched == lacking


def test_two_jobs_for_the_same_stream_fetch_it_once(online: YouTube, source: Source, cache: Path) -> None:
    online.behave(Kind.MEDIA, bytes_per_second=400_000)
    answers: list[FetchedMedia] = []
    wanted = job(source, cache, patience=20)
    threads = [threading.Thread(target=lambda: answers.append(in_child(wanted))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 2
    for media in answers:
        assert_whole(media, online)
    online.log.settle()
    assert online.log.media_bytes()[133] == len(original(online, 133))


def test_only_the_old_progressive_format_serves_as_both(online: YouTube, cache: Path) -> None:
    found = extract(ExtractJob(link=video_link(online.url(PROGRESSIVE)), cache=cache), silent)
    media = fetch(job(found, cache, max_height=None), silent)
    assert media.video == media.audio
    assert_whole(media, online, 18, 18)


def test_a_local_file_is_its_own_answer(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    film = Stream(id="file", kind=StreamKind.MUXED, container="mp4", size=1)
    local = Source(origin=str(path), path=path, id="x", title="x", duration=1, streams=(film,))
    media = fetch(job(local, tmp_path), silent)
    assert (media.video, media.audio, media.bytes_fetched) == (path, path, 0)
    silent_film = local.model_copy(update={"streams": (film.model_copy(update={"kind": StreamKind.VIDEO}),)})
    assert fetch(job(silent_film, tmp_path), silent).audio is None


def test_a_source_without_streams_is_refused(cache: Path) -> None:
    empty = Source(origin="https://example.com/", id="x", title="x", duration=1, streams=())
    with pytest.raises(ReelyError) as caught:
        fetch(job(empty, cache), silent)
    assert caught.value.code == "no-streams"
