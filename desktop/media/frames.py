"""Exact frames for scrubbing: a thread that decodes, caches around the playhead, drops outdated requests.

A second thread (`key_pictures`) gives glimpses while the exact picture is on its way, and thumbnails.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic as time_now

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from desktop.errors import Exit, ReelyError
from desktop.media.container import unreadable
from desktop.media.frame_decoder import READ_AHEAD, FrameDecoder, FrameIndex
from desktop.media.frame_times import FrameTimes
from desktop.media.key_pictures import KeyPictures
from desktop.media.packets import read_packets
from desktop.media.picture_cache import PictureCache
from desktop.media.remote import Media

log = logging.getLogger(__name__)

# Decoded pictures are kept as 4:2:0 at preview size: a second of 720p at 30 fps is 40 MB.
# Together with those just passed and the keyframes (`key_pictures`) this stays under 256 MB.
_CACHE_BYTES = 160 * 2**20
# Pictures that were just passed, as large as they were decoded.
_PASSED_BYTES = 48 * 2**20
_GLIMPSE_EVERY = 0.025  # seconds
# A decode that is this close to its picture is finished even when a newer request has come,
# so that a drag shows pictures on its way; fewer where glimpses do that.
_NEARLY_THERE = 12
_NEARLY_THERE_ROUGH = 3
# So many pictures before a rough one are decoded with nothing left out; the rest can wait.
_COMPLETE_ROUGH = 2
# Requests that come faster than this (seconds) are a drag: far exact pictures wait until the pointer rests.
_RESTING = 0.05


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture as it is to be shown: upright, square pixels, at preview size.

    `time` and `duration` in seconds on the source's clock; `rgb` is height x width x 3, uint8, read-only.
    A frame that is not `exact` is a glimpse: a near picture, perhaps smaller, until the exact one comes.
    """

    index: int
    time: float
    duration: float
    rgb: NDArray[np.uint8]
    exact: bool = True


OnFrame = Callable[[Frame], None]
OnError = Callable[[ReelyError], None]
OnThumbnail = Callable[[float, NDArray[np.uint8]], None]
"""The time of a keyframe in seconds on the source's clock, and its picture as in `Frame.rgb`."""


@dataclass(frozen=True)
class _Request:
    number: int
    index: int
    on_frame: OnFrame
    on_error: OnError | None
    rough: bool
    hurried: bool
    """It came right after the one before."""


class FrameServer:
    """Answers "which picture is shown at this time?" with the picture itself, exactly, in both directions.

    The constructor reads the packet index and the first picture, so it blocks: call it off the GUI thread.
    It raises `ReelyError` with code `no-picture` where there is only sound, or those of `open_media`.
    Pictures higher than `max_height` pixels are scaled down. Close it when done; that closes remote media.
    """

    def __init__(self, media: Media, max_height: int, *, cache_bytes: int = _CACHE_BYTES) -> None:
        self._media = media
        self._index = _index_of(media)
        self._decoder = FrameDecoder(media, self._index, max_height)
        self._size = self._decoder.scaler.size
        self._cache = PictureCache(
            self._decoder.scaler,
            capacity=max(2 * READ_AHEAD, cache_bytes // self._decoder.scaler.bytes),
            passed=min(READ_AHEAD, max(2, _PASSED_BYTES // self._decoder.picture_bytes)),
        )
        self._glimpsed_at = 0.0
        self._wake = threading.Condition()
        self._pending: _Request | None = None
        self._newest: _Request | None = None
        self._asked_at = 0.0
        self._delivery = threading.RLock()
        self._delivered_exactly = 0  # the number of the last request that was answered exactly
        self._shown: int | None = None  # the picture that was delivered last
        self._closing = False
        self._painter = self._decoder.scaler.painter()
        self._glimpse_painter = self._decoder.scaler.painter()
        self._keys = KeyPictures(media, self._index)
        self._thread = threading.Thread(target=self._serve, name="frame-server", daemon=True)
        self._thread.start()

    @property
    def frame_times(self) -> FrameTimes:
        """When each picture is shown, in seconds on the source's clock."""
        return self._index.times

    @property
    def key_times(self) -> NDArray[np.float64]:
        """When the keyframes are shown, in seconds on the source's clock, ascending."""
        return self.frame_times.starts[self._index.keys]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the exact pictures."""
        return self._size

    def request(
        self, time: float, on_frame: OnFrame, on_error: OnError | None = None, *, rough: bool = False
    ) -> None:
        """Ask for the picture shown at `time`; returns at once.

        Callbacks are called on the server's threads, one at a time. A request that was not answered before
        the next one came may be dropped; the last one is always answered exactly. With `rough`, glimpses
        that are closer to it than what was delivered last may be delivered before.
        """
        index = self.frame_times.index_at(time)
        with self._wake:
            now = time_now()
            hurried, self._asked_at = now - self._asked_at < _RESTING, now
            number = self._newest.number + 1 if self._newest else 1
            request = _Request(number, index, on_frame, on_error, rough, hurried)
            self._pending = self._newest = request
            self._wake.notify()
        if rough and self._cache.get(index) is None:
            self._keys.urgent(lambda keys: self._glimpse(keys, request))

    def thumbnails(self, times: Sequence[float], on_thumbnail: OnThumbnail) -> None:
        """Ask for the keyframes nearest to `times`, the most wanted first, in place of those asked before.

        Returns at once; they come one by one on a thread of the server, when nothing is scrubbed.
        """
        nearest = (self._index.nearest_key(self.frame_times.index_at(time)) for time in times)
        keys = dict.fromkeys(key for key in nearest if key is not None)

        def made(key: int, picture: VideoFrame) -> None:
            time = self.frame_times.start_of(int(self._index.keys[key]))
            on_thumbnail(time, self._glimpse_painter.to_rgb(picture))

        self._keys.wish(list(keys), made)

    def close(self) -> None:
        """End the threads and close the file; no callback is called afterwards. May be called twice."""
        with self._wake:
            self._closing = True
            self._pending = None
            self._wake.notify()
        self._keys.stop()
        if not isinstance(self._media, Path):
            self._media.close()  # a thread may be waiting for its bytes
        for thread in (self._keys.thread, self._thread):
            # A callback that closes stands on one of them, and the other one may wait for it to end.
            if threading.current_thread() not in (self._keys.thread, self._thread):
                thread.join()

    # --- the thread of the keyframes ---

    def _glimpse(self, keys: KeyPictures, request: _Request) -> None:
        """Deliver what is there or quickly made, if it is closer to where the playhead is by now."""
        index = self._newest.index if self._newest else request.index
        near = self._cache.nearest(index)
        picture = self._cache.get(near) if near is not None else None
        if near is not None and picture is not None and self._is_closer(request, near):
            self._deliver(request, near, self._glimpse_painter.to_rgb(picture), exact=False)
        key = self._index.nearest_key(index)
        shown = self._shown
        if key is None or (shown is not None and abs(shown - index) <= _NEARLY_THERE):
            return  # the exact picture is about to come, and a keyframe would only flicker
        if (
            self._is_closer(request, int(self._index.keys[key]))
            and (picture := keys.picture(key)) is not None
        ):
            self._deliver(
                request, int(self._index.keys[key]), self._glimpse_painter.to_rgb(picture), exact=False
            )

    def _is_closer(self, request: _Request, index: int) -> bool:
        """Whether picture `index` may be a glimpse for `request`: it is closer than what is shown."""
        newest, shown = self._newest, self._shown
        if self._closing or newest is None or request.number <= self._delivered_exactly:
            return False
        return shown is None or abs(index - newest.index) < abs(shown - newest.index)

    # --- both threads ---

    def _deliver(self, request: _Request, index: int, rgb: NDArray[np.uint8], *, exact: bool) -> None:
        times = self.frame_times
        start, end = times.start_of(index), times.end_of(index)
        with self._delivery:
            # Even an exact picture may be late: then it must not take back a closer glimpse.
            late = request.rough and request is not self._newest
            if self._closing or not ((exact and not late) or self._is_closer(request, index)):
                return
            if exact:
                self._delivered_exactly = request.number
            self._shown = index
            request.on_frame(Frame(index, start, end - start, rgb, exact))

    # --- the server's own thread ---

    def _serve(self) -> None:
        try:
            self._answer_requests()
        finally:
            self._cache.clear()
            self._decoder.close()

    def _answer_requests(self) -> None:
        worth_having: list[range] = []
        while True:
            with self._wake:
                if not worth_having:
                    self._wake.wait_for(self._is_wanted)
                if self._closing:
                    return
                request, self._pending = self._pending, None
            if request is not None:
                previous, self._cache.playhead = self._cache.playhead, request.index
                if not self._is_worth_decoding(request, previous):
                    continue
                self._answer(request)
                worth_having = self._worth_having(request, request.index - previous)
            else:
                self._fill(worth_having.pop(0))

    def _is_wanted(self) -> bool:
        return self._closing or self._pending is not None

    def _worth_having(self, request: _Request, moved: int) -> list[range]:
        """The pictures to make ready next: where the playhead is going, or both sides where that is open.

        Those behind cost the decoder its place, so a drag gets them once it rests, and steps back get many
        at a time.
        """
        playhead = request.index
        ahead = range(playhead, min(playhead + READ_AHEAD, len(self.frame_times) - 1) + 1)
        first = self._cache.first_of_run(playhead)
        behind = range(max(first - READ_AHEAD, 0), first)
        if 0 < moved <= _NEARLY_THERE:
            return [ahead]
        if request.rough and request.hurried:
            return []
        if playhead - first >= READ_AHEAD // 2:
            return [ahead]
        return [behind] if -_NEARLY_THERE <= moved < 0 else [ahead, behind]

    def _is_worth_decoding(self, request: _Request, previous: int) -> bool:
        """While the pointer flies past, far pictures only cost time: wait a moment for it to rest."""
        if not (request.rough and request.hurried) or request.index in self._cache:
            return True
        if self._index.key_before(request.index) == self._index.key_before(previous):
            return True  # these pictures will be wanted again as the pointer goes on
        with self._wake:
            return not self._wake.wait_for(self._is_wanted, _RESTING)

    def _answer(self, request: _Request) -> None:
        try:
            complete = _COMPLETE_ROUGH if request.rough else READ_AHEAD
            reached = self._decode_to(
                request.index, request.index, partial(self._outdated, request), complete=complete
            )
        except av.FFmpegError as error:
            log.warning("decoding failed: %s", error)
            reached = None
            if request.on_error and not self._closing:
                request.on_error(unreadable(self._media))
            return
        if reached is not None:
            self._deliver(request, reached, self._painter.to_rgb(self._cache.shrunk(reached)), exact=True)
        self._cache.keep_passed(self._is_interrupted)

    def _outdated(self, request: _Request, index: int) -> bool:
        """Whether to break off the decoding, which has come to picture `index`, for a newer request.

        Not for one in the same group of pictures: what is decoded now will serve it, as a picture or as a
        reference; and a drag sees on its way what is passed.
        """
        newer, distance = self._pending, request.index - index
        if self._closing or newer is None:
            return self._closing
        if not newer.rough:
            return distance > _NEARLY_THERE
        if self._index.key_before(newer.index) != self._index.key_before(request.index):
            return distance > _NEARLY_THERE_ROUGH
        if time_now() - self._glimpsed_at > _GLIMPSE_EVERY and self._is_closer(newer, index):
            self._glimpsed_at = time_now()
            self._deliver(newer, index, self._painter.to_rgb(self._cache.shrunk(index)), exact=False)
        return False

    def _fill(self, wanted: range) -> None:
        """Cache the wanted pictures while nobody asks for others."""
        missing = self._cache.missing(wanted)
        if not missing or self._is_interrupted(missing[0]):
            return
        try:
            self._decode_to(missing[-1], missing[0], self._is_interrupted)
            self._cache.keep_passed(self._is_interrupted)
        except av.FFmpegError as error:
            # Nobody waits for these pictures; whoever asks for them later is told.
            log.info("reading ahead stopped: %s", error)

    def _is_interrupted(self, _index: int = 0) -> bool:
        """Whether somebody waits for a picture that is not there; one that is there is given on the way."""
        with self._wake:
            request = self._pending
            if self._closing or request is None:
                return self._closing
            if request.index not in self._cache:
                return True
            self._pending = None
        self._cache.playhead = request.index
        picture = self._cache.shrunk(request.index)
        self._deliver(request, request.index, self._painter.to_rgb(picture), exact=True)
        return False

    def _decode_to(
        self, target: int, first: int, interrupted: Callable[[int], bool], *, complete: int = READ_AHEAD
    ) -> int | None:
        """Decode until picture `target` is cached; None when interrupted, which is asked at each picture.

        Those from `first` on are cached on the way: the decoder has left them behind. Returns the picture
        that stands for `target`: itself, or in a damaged stream the one before it.
        """
        if target in self._cache:
            return target
        nearest: int | None = None
        for index, picture in self._decoder.pictures_towards(target, complete):
            if index >= first:
                self._cache.add(index, picture)
            else:
                self._cache.pass_by(index, picture)
            if index > target:
                break
            nearest = index
            if index == target:
                return target
            if interrupted(index):
                return None
        if nearest is not None:
            self._cache.shrunk(nearest)
        if nearest is None:
            nearest = self._cache.last_until(target)
        if nearest is None:
            raise av.InvalidDataError(
                0, f"no picture can be decoded at {self.frame_times.start_of(target):.3f} s"
            )
        return nearest if nearest in self._cache else None


def _index_of(media: Media) -> FrameIndex:
    if not isinstance(media, Path):
        return media.frame_index()
    packets = read_packets(media).video
    if packets is None:
        raise _no_picture()
    return FrameIndex.of(packets)


def _no_picture() -> ReelyError:
    return ReelyError("no-picture", "This source has no picture.", "Its sound can still be cut.", Exit.MEDIA)
