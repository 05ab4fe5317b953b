"""Links are scrubbed without being fetched: bytes come where somebody looks, once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from desktop.errors import Cancelled, Exit, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.media.frame_decoder import FrameIndex
from desktop.media.frames import Frame, FrameServer
from desktop.media.packets import read_packets
from desktop.source.cache import StreamCache
from desktop.source.extract import extract
from desktop.source.fetch import fetch
from desktop.source.jobs import ExtractJob, FetchJob
from desktop.source.models import Source, StreamKind
from desktop.source.pieces import IndexUnreadableError
from desktop.source.preview import open_preview
from desktop.source.remote_stream import RemoteStream
from tests.desktop.source.conftest import silent, video_link
from tests.media_codes import read_frame_number
from tests.youtube import Kind, YouTube
from tests.youtube.catalogue import PLAIN, PROGRESSIVE, TWO_HOURS, Video

FPS = 24
FRAMES_OF_THE_RECORDING = 60 * FPS


@pytest.fixture
def extracted(online: YouTube, tmp_path: Path) -> Callable[[Video], Source]:
    """Opens a video of the test's own stand-in, and forgets that it did."""

    def open_video(video: Video) -> Source:
        found = extract(ExtractJob(link=video_link(online.url(video)), cache=tmp_path / "extracted"), silent)
        online.log.settle()
        online.log.clear()
        return found

    return open_video


@contextmanager
def remote(source: Source, itag: int, cache: Path, *, offline: bool = False) -> Iterator[RemoteStream]:
    """A stream whose head has come, with little patience."""
    stream = next(stream for stream in source.streams if stream.id == str(itag))
    opened = RemoteStream(source, stream, cache, offline=offline, patience=1.0)
    try:
        assert opened.wait_for_head(CancelToken())
        yield opened
    finally:
        opened.close()


@contextmanager
def frames_of(stream: RemoteStream) -> Iterator[FrameServer]:
    server = FrameServer(stream, 360)
    try:
        yield server
    finally:
        server.close()


def look(server: FrameServer, time: float) -> Frame | ReelyError:
    """What the server answers in the end."""
    answers: list[Frame | ReelyError] = []
    answered = threading.Event()

    def answer(one: Frame | ReelyError) -> None:
        answers.append(one)
        answered.set()

    server.request(time, answer, answer)
    assert answered.wait(20)
    return answers[-1]


def assert_shows(server: FrameServer, time: float) -> None:
    """The picture is the one that is shown at `time`, by the number that it carries."""
    frame = look(server, time)
    assert isinstance(frame, Frame)
    assert read_frame_number(frame.rgb) == int(time * FPS + 1e-6) % FRAMES_OF_THE_RECORDING


def test_two_hours_are_scrubbed_exactly_with_few_bytes(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    chance = random.Random(3)
    with remote(extracted(TWO_HOURS), 134, cache) as stream, frames_of(stream) as server:
        assert len(server.frame_times) == 7200 * FPS
        assert server.frame_times.end == pytest.approx(7200)
        for _time in range(8):
            assert_shows(server, chance.uniform(0, 7200))
        assert_shows(server, 7199.99)
        size = stream.size
    online.log.settle()
    # The head, and at each place the group of pictures there and at most the few that are read ahead.
    assert online.log.media_bytes()[134] < size / 20


@pytest.mark.parametrize(("video", "itag"), [(PLAIN, 134), (PROGRESSIVE, 18)])
def test_when_pictures_are_shown_is_foreseen_as_it_is_read_from_all_of_the_stream(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path, video: Video, itag: int
) -> None:
    with remote(extracted(video), itag, cache) as stream:
        foreseen = stream.frame_index()
    packets = read_packets(online.media.renditions[itag].path).video
    assert packets is not None
    read = FrameIndex.of(packets)
    np.testing.assert_array_equal(foreseen.ticks, read.ticks)
    np.testing.assert_array_equal(foreseen.keys, read.keys)
    np.testing.assert_array_equal(foreseen.key_dts, read.key_dts)
    np.testing.assert_allclose(foreseen.times.starts, read.times.starts, atol=1e-9)
    assert foreseen.times.end == pytest.approx(read.times.end)
    assert foreseen.stream == read.stream


def test_a_plain_mp4_is_scrubbed_by_its_tables(extracted: Callable[[Video], Source], cache: Path) -> None:
    with remote(extracted(PROGRESSIVE), 18, cache) as stream, frames_of(stream) as server:
        for time_ in (0.0, 41.3, 12.7, 59.9):
            assert_shows(server, time_)


def test_times_in_webm_are_not_foreseen(extracted: Callable[[Video], Source], cache: Path) -> None:
    with remote(extracted(PLAIN), 243, cache) as stream, pytest.raises(IndexUnreadableError):
        stream.frame_index()


def test_what_was_looked_at_is_there_after_a_restart_without_a_network(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    source = extracted(TWO_HOURS)
    with remote(source, 134, cache) as stream, frames_of(stream) as server:
        assert_shows(server, 4000.2)
    online.go_offline()
    with remote(source, 134, cache, offline=True) as stream, frames_of(stream) as server:
        assert_shows(server, 4000.2)
        elsewhere = look(server, 2000.02)
    assert isinstance(elsewhere, ReelyError)
    assert elsewhere.code == "offline"


def test_bytes_that_were_damaged_on_the_disk_are_fetched_again(
    extracted: Callable[[Video], Source], cache: Path
) -> None:
    source = extracted(PLAIN)
    with remote(source, 134, cache) as stream, frames_of(stream) as server:
        assert_shows(server, 30.5)
        size = stream.size
    stream_of = next(stream for stream in source.streams if stream.id == "134")
    path = StreamCache(cache).path(source, stream_of)
    data = bytearray(path.read_bytes())
    data[size // 2 : size // 2 + 1000] = bytes(1000)
    path.write_bytes(data)
    with remote(source, 134, cache) as stream, frames_of(stream) as server:
        assert_shows(server, 30.5)


def test_a_network_that_is_gone_is_told_and_when_it_is_back_pictures_are(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    with remote(extracted(TWO_HOURS), 134, cache) as stream, frames_of(stream) as server:
        assert_shows(server, 10.02)
        online.go_offline()
        answer = look(server, 5000.02)
        assert isinstance(answer, ReelyError)
        assert answer.exit is Exit.NETWORK
        online.behave_well()
        assert_shows(server, 5000.02)
        assert_shows(server, 3000.02)


def test_an_expired_link_is_extracted_again(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    with remote(extracted(TWO_HOURS), 134, cache) as stream, frames_of(stream) as server:
        online.expire_links()
        assert_shows(server, 3333.3)


def test_closing_ends_who_waits_for_bytes_that_do_not_come(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    with remote(extracted(TWO_HOURS), 134, cache) as stream:
        reader = stream.open()
        online.behave(Kind.MEDIA, stall_after=0)
        reader.seek(stream.size // 2)
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(reader.read, 100)
            while not stream._wishes:
                assert not reading.done()
            began = time.monotonic()
            stream.stop()
            assert isinstance(reading.exception(timeout=5), av.FFmpegError)
            assert time.monotonic() - began < 0.5


def test_a_reader_that_is_closed_waits_no_longer(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    with remote(extracted(TWO_HOURS), 134, cache) as stream:
        reader = stream.open()
        online.behave(Kind.MEDIA, stall_after=0)
        reader.seek(stream.size // 2)
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(reader.read, 100)
            while not stream._wishes:
                assert not reading.done()
            reader.close()
            assert isinstance(reading.exception(timeout=0.5), av.FFmpegError)
        online.behave_well()
        with stream.open() as other:
            assert len(other.read(100)) == 100


def test_what_somebody_looks_at_goes_before_what_is_fetched_for_later(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    source = extracted(TWO_HOURS)
    online.behave(Kind.MEDIA, bytes_per_second=500_000)
    told: list[float] = []
    begun = threading.Event()

    def progress(fraction: float) -> None:
        told.append(fraction)
        if fraction > 0.02:
            begun.set()

    token = CancelToken()
    with remote(source, 140, cache) as stream, ThreadPoolExecutor(1) as pool:
        filling = pool.submit(stream.bring_all, progress, token)
        assert begun.wait(20)
        reader = stream.open()
        reader.seek(stream.size * 3 // 4)
        assert len(reader.read(1000)) == 1000
        assert told[-1] < 0.5
        token.cancel()
        assert isinstance(filling.exception(timeout=5), Cancelled)


def test_the_sound_comes_whole_and_is_the_clips_own(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    source = extracted(PLAIN)
    preview = open_preview(source, cache, offline=False, token=CancelToken())
    assert preview is not None
    try:
        assert preview.audio is not None
        assert not isinstance(preview.audio, Path)
        told: list[float] = []
        path = preview.audio.bring_all(told.append, CancelToken())
        assert path.read_bytes() == online.media.renditions[140].path.read_bytes()
        assert told == sorted(told)
        assert told[-1] == 1.0
        # Another process may cut from it meanwhile, and finds it there.
        online.log.settle()
        online.log.clear()
        wanted = FetchJob(source=source, segments=((10.0, 12.0),), cache=cache, max_height=240)
        media = fetch(wanted, silent)
        assert media.audio is not None
        online.log.settle()
        assert 140 not in online.log.media_bytes()
    finally:
        preview.close()


def test_all_of_it_is_there_again_without_a_network_unless_it_was_damaged(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    source = extracted(PLAIN)
    with remote(source, 140, cache) as stream:
        path = stream.bring_all(lambda _fraction: None, CancelToken())
    online.go_offline()
    with remote(source, 140, cache, offline=True) as stream:
        assert stream.bring_all(lambda _fraction: None, CancelToken()) == path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with remote(source, 140, cache, offline=True) as stream, pytest.raises(ReelyError) as caught:
        stream.bring_all(lambda _fraction: None, CancelToken())
    assert caught.value.code == "offline"
    online.behave_well()
    with remote(source, 140, cache) as stream:
        assert stream.bring_all(lambda _fraction: None, CancelToken()) == path
    assert path.read_bytes() == online.media.renditions[140].path.read_bytes()


def test_what_another_process_fetches_meanwhile_is_not_fetched_again(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    source = extracted(PLAIN)
    with remote(source, 134, cache) as stream, frames_of(stream) as server:
        fetch(FetchJob(source=source, cache=cache, max_height=360), silent)
        online.log.settle()
        online.log.clear()
        for time_ in (55.0, 25.0):
            assert_shows(server, time_)
    online.log.settle()
    assert online.log.media_bytes() == {}


def test_streams_whose_times_are_not_foreseen_make_no_preview(
    extracted: Callable[[Video], Source], cache: Path
) -> None:
    source = extracted(PLAIN)
    webm = tuple(
        stream
        for stream in source.streams
        if stream.container == "webm" and stream.kind is not StreamKind.MUXED
    )
    assert (
        open_preview(source.model_copy(update={"streams": webm}), cache, offline=False, token=CancelToken())
        is None
    )


def test_opening_a_preview_ends_soon_when_it_is_cancelled(
    online: YouTube, extracted: Callable[[Video], Source], cache: Path
) -> None:
    source = extracted(TWO_HOURS)
    online.behave(Kind.MEDIA, stall_after=0)
    token = CancelToken()
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(open_preview, source, cache, offline=False, token=token)
        while not online.log.of(Kind.MEDIA):
            assert not opening.done()
        token.cancel()
        assert isinstance(opening.exception(timeout=5), Cancelled)
    online.behave_well()
