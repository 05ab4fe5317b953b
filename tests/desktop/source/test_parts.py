"""A clip of a link needs only what covers it: few bytes, each fetched once, and still exact to the frame."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from desktop.errors import ReelyError
from desktop.jobs.supervisor import Supervisor
from desktop.source.extract import extract
from desktop.source.fetch import fetch
from desktop.source.jobs import ExtractJob, FetchedMedia, FetchJob
from desktop.source.models import Source
from desktop.source.segment_index import SegmentIndex, read_index
from desktop.source.stream_fetch import FIRST_REQUEST, NO_INDEX, NO_PARTS
from desktop.trim.cut import TrimJob, trim
from desktop.trim.edit import Clip, Edit, MediaInput, Mode, Segment
from desktop.worker import worker_command
from tests.desktop.source.conftest import silent, video_link
from tests.end_to_end.reading import beeps, frame_numbers
from tests.media_codes import BEEP_CYCLE
from tests.youtube import Kind, YouTube
from tests.youtube.catalogue import PLAIN, PROGRESSIVE, TEN_MINUTES, TWO_HOURS, Video
from tests.youtube.media import FPS, SECONDS
from tests.youtube.repetition import Stream, streams_of

Spans = tuple[tuple[float, float], ...]


def opened(youtube: YouTube, video: Video, cache: Path) -> Source:
    found = extract(ExtractJob(link=video_link(youtube.url(video)), cache=cache), silent)
    youtube.log.settle()
    youtube.log.clear()
    return found


def job(source: Source, cache: Path, segments: Spans, **more: Any) -> FetchJob:
    return FetchJob.model_validate(
        {"source": source, "cache": cache, "segments": segments, "max_height": 240, **more}
    )


def in_child(wanted: FetchJob) -> FetchedMedia:
    return Supervisor(worker_command()).run(wanted, FetchedMedia)


def cut(media: FetchedMedia, segments: Spans, target: Path, mode: Mode = Mode.EXACT) -> Clip:
    """The clip of the segments, still under its temporary name."""
    edit = Edit(segments=tuple(Segment(start=start, end=end) for start, end in segments), mode=mode)
    inputs = MediaInput(video=media.video, audio=media.audio, origin=media.origin)
    [clip] = trim(TrimJob(media=inputs, edit=edit, targets=(target,)), silent).clips
    return clip


def assert_exact(clip: Clip, segments: Spans) -> None:
    """Every frame and every beep of the segments, and no others. Frame numbers start anew each minute."""
    numbers = [
        number % (SECONDS * FPS)
        for start, end in segments
        for number in range(round(start * FPS), round(end * FPS))
    ]
    assert frame_numbers(clip.temporary) == numbers
    assert_beeps(clip, segments)


def assert_beeps(clip: Clip, segments: Spans) -> None:
    """Every beep of the segments at its place, and no others."""
    expected = list(expected_beeps(segments))
    heard = beeps(clip.temporary)
    assert [beep.second for beep in heard] == [second for _at, second in expected]
    for beep, (at, _second) in zip(heard, expected, strict=True):
        assert beep.at == pytest.approx(at, abs=0.005)


def expected_beeps(segments: Spans) -> Iterable[tuple[float, int]]:
    """When each beep is on the clip's clock, and which second of the source it tells."""
    offset = 0.0
    for start, end in segments:
        for second in range(int(-(-start // 1)), int(-(-end // 1))):
            yield offset + second - start, second % BEEP_CYCLE
        offset += end - start


def index_of(stream: Stream) -> SegmentIndex:
    return read_index(b"".join(stream.read(0, 200_000)), stream.size)


def covering_bytes(youtube: YouTube, video: Video, itag: int, segments: Spans) -> tuple[int, int]:
    """Bytes of the stream's head with its index, and of the fragments that hold any of the segments."""
    index = index_of(streams_of(youtube.media, video.seconds)[itag])
    pieces = {
        piece
        for start, end in segments
        for piece in index.pieces
        if piece.start < end - 1e-6 and piece.end > start + 1e-6
    }
    return index.head, sum(piece.size for piece in pieces)


@pytest.mark.parametrize("start", [3600.0, 4321.4])
def test_half_a_minute_of_two_hours_costs_what_covers_it(online: YouTube, cache: Path, start: float) -> None:
    segments = ((start, start + 30),)
    source = opened(online, TWO_HOURS, cache)
    seen: list[float] = []
    media = fetch(
        job(source, cache, segments, max_height=None), lambda _stage, fraction: seen.append(fraction)
    )
    online.log.settle()
    assert media.streams == ("137", "140")
    assert media.bytes_fetched == sum(online.log.media_bytes().values())
    costs = [covering_bytes(online, TWO_HOURS, itag, segments) for itag in (137, 140)]
    assert media.bytes_fetched <= sum(head for head, _pieces in costs) + 1.15 * sum(size for _, size in costs)
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert media.notes == ()


CASES: dict[str, Spans] = {
    "far apart, out of order": ((5000.5, 5001.5), (10, 11.25), (7100, 7101)),
    "overlapping": ((100, 103), (101, 104)),
    "the first seconds": ((0, 1.5),),
    "the last seconds": ((7198.5, 7200),),
    "within a fragment": ((302, 303),),
    "on the edges of fragments": ((300, 305),),
    "just over the edges of fragments": ((299.75, 305.25),),
    "on the edges of fragments of sound": ((3609.99, 3620.0),),
}


@pytest.mark.parametrize("segments", CASES.values(), ids=CASES.keys())
def test_any_seconds_are_exact(online: YouTube, cache: Path, tmp_path: Path, segments: Spans) -> None:
    source = opened(online, TWO_HOURS, cache)
    segments = tuple((round(start * FPS) / FPS, round(end * FPS) / FPS) for start, end in segments)
    media = fetch(job(source, cache, segments), silent)
    assert_exact(cut(media, segments, tmp_path / "clip.mp4"), segments)


def test_a_copy_has_its_sound_from_the_keyframe_on(online: YouTube, cache: Path, tmp_path: Path) -> None:
    source = opened(online, TWO_HOURS, cache)
    segments = ((3614.0, 3615.5), (600.5, 601.5))
    media = fetch(job(source, cache, segments, from_keyframes=True), silent)
    clip = cut(media, segments, tmp_path / "clip.mp4", Mode.COPY)
    assert clip.start == pytest.approx(3610)
    assert clip.early == pytest.approx(4)
    numbers = frame_numbers(clip.temporary)
    assert numbers[0] == 10 * FPS
    seconds = [*range(3610, 3616), 600, 601]
    assert [beep.second for beep in beeps(clip.temporary)] == [second % BEEP_CYCLE for second in seconds]
    assert clip.duration == pytest.approx(5.5 + 1.5, abs=0.3)


def test_a_second_clip_fetches_only_what_is_new(online: YouTube, cache: Path, tmp_path: Path) -> None:
    source = opened(online, TWO_HOURS, cache)
    first = fetch(job(source, cache, ((1000, 1012),)), silent)
    online.log.settle()
    online.log.clear()
    assert fetch(job(source, cache, ((1003, 1009),)), silent).bytes_fetched == 0
    again = fetch(job(source, cache, ((1000, 1012),), offline=True), silent)
    assert again == first.model_copy(update={"bytes_fetched": 0})
    assert online.log.of(Kind.MEDIA) == []
    segments = ((1002, 1021),)
    grown = fetch(job(source, cache, segments), silent)
    online.log.settle()
    asked = [one.range for one in online.log.of(Kind.MEDIA) if one.range]
    index = index_of(streams_of(online.media, TWO_HOURS.seconds)[133])
    known = index.covering(1000, 1012)
    assert asked
    for one in online.log.of(Kind.MEDIA, itag=133):
        assert one.range is not None
        assert one.range[0] >= known[-1].stop
    assert grown.bytes_fetched == sum(online.log.media_bytes().values())
    assert_exact(cut(grown, segments, tmp_path / "clip.mp4"), segments)


def test_a_preview_uses_what_a_clip_has_fetched(online: YouTube, cache: Path) -> None:
    source = opened(online, TEN_MINUTES, cache)
    clip = fetch(job(source, cache, ((100, 130),)), silent)
    whole = fetch(job(source, cache, ()), silent)
    online.log.settle()
    sizes = {itag: stream.size for itag, stream in streams_of(online.media, TEN_MINUTES.seconds).items()}
    assert online.log.media_bytes() == {133: sizes[133], 140: sizes[140]}
    assert clip.bytes_fetched + whole.bytes_fetched == sizes[133] + sizes[140]
    assert whole.origin is None
    assert whole.video is not None
    expected = b"".join(streams_of(online.media, TEN_MINUTES.seconds)[133].read(0, sizes[133]))
    assert whole.video.read_bytes() == expected


def test_requests_are_never_longer_than_the_site_likes(online: YouTube, cache: Path) -> None:
    source = opened(online, TWO_HOURS, cache)
    fetch(job(source, cache, ((600, 2400),), max_height=None), silent)
    online.log.settle()
    lengths = [last - first + 1 for one in online.log.of(Kind.MEDIA) for first, last in [one.range or (0, 0)]]
    assert 1024 * 1024 < max(lengths) <= 10 * 1024 * 1024
    assert sum(lengths) > 40 * 1024 * 1024


def test_a_pair_of_webm_streams_is_exact(online: YouTube, cache: Path, tmp_path: Path) -> None:
    source = opened(online, PLAIN, cache)
    webm = tuple(stream for stream in source.streams if stream.container == "webm")
    source = source.model_copy(update={"streams": webm})
    for number, segments in enumerate((((31.5, 34.0),), ((0, 1), (12, 13.5), (58.5, 60)), ((20, 25),))):
        media = fetch(job(source, cache, segments), silent)
        assert media.streams == ("242", "251")
        assert media.video is not None
        assert media.video.stat().st_size < online.media.renditions[242].size / 2
        assert_exact(cut(media, segments, tmp_path / f"{number}.mp4"), segments)


def test_sound_alone_is_exact(online: YouTube, cache: Path, tmp_path: Path) -> None:
    source = opened(online, TWO_HOURS, cache)
    sound = tuple(stream for stream in source.streams if stream.id == "140")
    segments = ((3000.5, 3004.5),)
    media = fetch(job(source.model_copy(update={"streams": sound}), cache, segments), silent)
    assert media.video is None
    assert media.bytes_fetched < 100_000
    clip = cut(media, segments, tmp_path / "clip.m4a")
    assert_beeps(clip, segments)


TROUBLES: dict[str, dict[str, Any]] = {
    "drop": {"drop_after": 60_000, "times": 3},
    "stall": {"stall_after": 60_000, "times": 2},
    "throttle": {"bytes_per_second": 30_000, "times": 1},
    "fault": {"status": 503, "times": 2},
    "forbidden": {"status": 403, "times": 1},
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_no_trouble_of_the_network_shows_in_the_clip(
    online: YouTube, cache: Path, tmp_path: Path, trouble: dict[str, Any]
) -> None:
    source = opened(online, TWO_HOURS, cache)
    online.behave(Kind.MEDIA, **trouble)
    segments = ((2000.25, 2004.0),)
    media = in_child(job(source, cache, segments, max_height=480, patience=1.0))
    assert_exact(cut(media, segments, tmp_path / "clip.mp4"), segments)


def test_links_that_expire_in_between_are_asked_for_anew(
    online: YouTube, cache: Path, tmp_path: Path
) -> None:
    source = opened(online, TWO_HOURS, cache)
    fetch(job(source, cache, ((2000, 2001),)), silent)
    online.expire_links()
    online.log.clear()
    segments = ((2000, 2008),)
    media = fetch(job(source, cache, segments), silent)
    online.log.settle()
    good = [one for one in online.log.of(Kind.MEDIA, itag=133) if one.status == 206]
    assert all(one.range and one.range[0] >= FIRST_REQUEST for one in good)  # it went on where it was
    assert_exact(cut(media, segments, tmp_path / "clip.mp4"), segments)


def test_a_server_without_ranges_gives_all_and_the_user_is_told(
    online: YouTube, cache: Path, tmp_path: Path
) -> None:
    source = opened(online, TEN_MINUTES, cache)
    online.behave(Kind.MEDIA, ranges=False)
    segments = ((300.5, 303.0),)
    media = fetch(job(source, cache, segments), silent)
    assert media.notes == (NO_PARTS,)
    sizes = {itag: stream.size for itag, stream in streams_of(online.media, TEN_MINUTES.seconds).items()}
    assert media.bytes_fetched == sizes[133] + sizes[140]
    assert_exact(cut(media, segments, tmp_path / "clip.mp4"), segments)
    assert fetch(job(source, cache, ((10, 12),)), silent).bytes_fetched == 0


def test_the_tables_of_a_plain_mp4_tell_its_parts_too(online: YouTube, cache: Path, tmp_path: Path) -> None:
    source = opened(online, PROGRESSIVE, cache)
    for number, segments in enumerate((((30.5, 32.0),), ((0, 1), (59, 60)), ((10.0, 15.0),))):
        media = fetch(job(source, cache / str(number), segments, max_height=None), silent)
        assert media.notes == ()
        assert media.video == media.audio
        assert media.bytes_fetched < online.media.renditions[18].size / 2
        assert_exact(cut(media, segments, tmp_path / f"{number}.mp4"), segments)
    segments = ((33.0, 34.0),)
    media = fetch(job(source, cache, segments, max_height=None, from_keyframes=True), silent)
    clip = cut(media, segments, tmp_path / "copy.mp4", Mode.COPY)
    assert clip.start == pytest.approx(30)
    assert [beep.second for beep in beeps(clip.temporary)][:4] == [0, 1, 2, 3]


def test_a_stream_that_does_not_tell_its_parts_comes_whole_and_the_user_is_told(
    online: YouTube, cache: Path, tmp_path: Path
) -> None:
    source = opened(online, PROGRESSIVE, cache)
    unknown = tuple(stream.model_copy(update={"container": "flv"}) for stream in source.streams)
    segments = ((30.5, 32.0),)
    source = source.model_copy(update={"streams": unknown})
    media = fetch(job(source, cache, segments, max_height=None), silent)
    assert (media.notes, media.origin) == ((NO_INDEX,), None)
    assert media.bytes_fetched == online.media.renditions[18].size
    assert_exact(cut(media, segments, tmp_path / "clip.mp4"), segments)


def test_a_segment_beyond_the_end_is_refused_with_the_real_length(
    online: YouTube, cache: Path, tmp_path: Path
) -> None:
    source = opened(online, TEN_MINUTES, cache)
    segments = ((700.0, 705.0),)
    media = fetch(job(source, cache, segments), silent)
    with pytest.raises(ReelyError) as caught:
        cut(media, segments, tmp_path / "clip.mp4")
    assert caught.value.code == "segment-outside-source"
    assert "10:00" in caught.value.message or "600" in caught.value.message


def test_the_streams_come_at_the_same_time(online: YouTube, cache: Path) -> None:
    source = opened(online, TWO_HOURS, cache)
    online.behave(Kind.MEDIA, bytes_per_second=100_000)
    fetch(job(source, cache, ((100, 140),)), silent)
    online.log.settle()
    order = [one.itag for one in online.log.of(Kind.MEDIA)]
    assert set(order[:2]) == {133, 140}


def test_bytes_that_rotted_on_the_disk_are_fetched_again(
    online: YouTube, cache: Path, tmp_path: Path
) -> None:
    source = opened(online, TWO_HOURS, cache)
    segments = ((2000, 2004),)
    first = fetch(job(source, cache, segments), silent)
    [data] = cache.glob("media/*/133-*-*[0-9].mp4")
    index = index_of(streams_of(online.media, TWO_HOURS.seconds)[133])
    [piece] = index.covering(2000, 2004)
    with data.open("r+b") as file:
        file.seek(piece.first + piece.size // 2)
        file.write(b"rot")
    online.log.clear()
    again = fetch(job(source, cache, segments), silent)
    assert 0 < again.bytes_fetched <= piece.size
    assert first.video is not None
    assert_exact(cut(again, segments, tmp_path / "clip.mp4"), segments)
