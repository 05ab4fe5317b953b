"""Exact frames for scrubbing: a thread that decodes, caches around the playhead, drops outdated requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from desktop.errors import Exit, ReelyError
from desktop.media.container import open_media, unreadable
from desktop.media.frame_times import FrameTimes
from desktop.media.packets import StreamPackets, read_packets

log = logging.getLogger(__name__)

# Decoded pictures are kept as 4:2:0 at preview size: a 5-second GOP of 720p at 30 fps is 200 MB.
_CACHE_BYTES = 224 * 2**20
# While nobody asks, this many pictures behind and ahead of the playhead are made ready.
_READ_AHEAD = 24
# A decode that is this close to its picture is finished even when a newer request has come,
# so that a fast drag shows pictures on its way.
_NEARLY_THERE = 12
# ITU-T H.273 matrix coefficients that name a conversion of their own.
_COLORSPACES = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 7: Colorspace.SMPTE240M,
                9: Colorspace.BT2020, 10: Colorspace.BT2020}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture as it is to be shown: upright, square pixels, at preview size.

    `time` and `duration` in seconds on the source's clock; `rgb` is height x width x 3, uint8, read-only.
    """

    index: int
    time: float
    duration: float
    rgb: NDArray[np.uint8]


OnFrame = Callable[[Frame], None]
OnError = Callable[[ReelyError], None]


@dataclass(frozen=True)
class _Request:
    index: int
    on_frame: OnFrame
    on_error: OnError | None


@dataclass(frozen=True, eq=False)
class _Index:
    """What a scan of the packets tells: ticks of the pictures in order, and where decoding can start.

    `keys` are the pictures (by index) at random-access points, `key_dts` the ticks to seek to for each.
    """

    ticks: NDArray[np.int64]
    keys: NDArray[np.int64]
    key_dts: NDArray[np.int64]
    times: FrameTimes


class FrameServer:
    """Answers "which picture is shown at this time?" with the picture itself, exactly, in both directions.

    The constructor reads the packet index and the first picture, so it blocks: call it off the GUI thread.
    It raises `ReelyError` with code `no-picture` where there is only sound, or those of `open_media`.
    Pictures higher than `max_height` pixels are scaled down. Close it when done.
    """

    def __init__(self, path: Path, max_height: int, *, cache_bytes: int = _CACHE_BYTES) -> None:
        self._path = path
        packets = read_packets(path).video
        if packets is None:
            raise _no_picture()
        self._decoder = _Decoder(path, packets, max_height)
        self._size = self._decoder.size
        width, height = self._decoder.stored_size
        self._capacity = max(2 * _READ_AHEAD, cache_bytes // max(1, width * height * 3 // 2))
        self._cache: dict[int, VideoFrame] = {}
        self._wake = threading.Condition()
        self._pending: _Request | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="frame-server", daemon=True)
        self._thread.start()

    @property
    def frame_times(self) -> FrameTimes:
        """When each picture is shown, in seconds on the source's clock."""
        return self._decoder.index.times

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures that are delivered."""
        return self._size

    def request(self, time: float, on_frame: OnFrame, on_error: OnError | None = None) -> None:
        """Ask for the picture shown at `time`; returns at once.

        The callback is called on the server's thread. A request that was not answered before the next one
        came may be dropped; the last one is always answered.
        """
        request = _Request(self.frame_times.index_at(time), on_frame, on_error)
        with self._wake:
            self._pending = request
            self._wake.notify()

    def close(self) -> None:
        """End the thread and close the file; no callback is called afterwards. May be called twice."""
        with self._wake:
            self._closing = True
            self._pending = None
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    # --- the server's own thread ---

    def _serve(self) -> None:
        try:
            self._answer_requests()
        finally:
            self._cache.clear()
            self._decoder.close()

    def _answer_requests(self) -> None:
        previous = 0
        around: range | None = None
        while True:
            with self._wake:
                if around is None:
                    self._wake.wait_for(lambda: self._closing or self._pending is not None)
                if self._closing:
                    return
                request, self._pending = self._pending, None
            if request is not None:
                self._answer(request)
                around = self._worth_having(request.index, request.index - previous)
                previous = request.index
            elif around is not None:
                self._fill(around, previous)
                around = None

    def _worth_having(self, playhead: int, moved: int) -> range:
        """The pictures to make ready next: where the playhead is going, or both sides where that is open."""
        playing = 0 < moved <= _NEARLY_THERE
        behind = playhead if playing else max(playhead - _READ_AHEAD, 0)
        return range(behind, min(playhead + _READ_AHEAD, len(self.frame_times) - 1) + 1)

    def _answer(self, request: _Request) -> None:
        try:
            reached = self._decode_to(request.index, request.index, self._newer_request)
        except av.FFmpegError as error:
            log.warning("decoding failed: %s", error)
            reached = None
            if request.on_error and not self._closing:
                request.on_error(unreadable(self._path))
            return
        if reached is None or self._closing:
            return
        times = self.frame_times
        frame = Frame(
            reached,
            times.start_of(reached),
            times.end_of(reached) - times.start_of(reached),
            self._decoder.to_rgb(self._cache[reached]),
        )
        request.on_frame(frame)

    def _newer_request(self, distance: int) -> bool:
        return self._closing or (self._pending is not None and distance > _NEARLY_THERE)

    def _fill(self, wanted: range, playhead: int) -> None:
        """Cache the wanted pictures while nobody asks: first from the playhead on, then those behind."""

        def interrupted(_distance: int) -> bool:
            return self._closing or self._pending is not None

        try:
            for side in (range(playhead, wanted.stop), range(wanted.start, playhead)):
                missing = [index for index in side if index not in self._cache]
                if missing and not interrupted(0):
                    self._decode_to(missing[-1], playhead, interrupted)
        except av.FFmpegError as error:
            # Nobody waits for these pictures; whoever asks for them later is told.
            log.info("reading ahead stopped: %s", error)

    def _decode_to(self, target: int, centre: int, interrupted: Callable[[int], bool]) -> int | None:
        """Decode until picture `target` is cached, keeping all on the way; None when interrupted.

        Returns the picture that stands for `target`: itself, or in a damaged stream the one before it.
        """
        if target in self._cache:
            return target
        nearest: int | None = None
        for index, picture in self._decoder.pictures_towards(target):
            self._remember(index, picture, centre)
            if index > target:
                break
            nearest = index
            if index == target:
                return target
            if interrupted(target - index):
                return None
        if nearest is None:
            nearest = max((i for i in self._cache if i <= target), default=None)
        if nearest is None:
            raise av.InvalidDataError(
                0, f"no picture can be decoded at {self.frame_times.start_of(target):.3f} s"
            )
        return nearest if nearest in self._cache else None

    def _remember(self, index: int, picture: VideoFrame, centre: int) -> None:
        if index not in self._cache:
            self._cache[index] = self._decoder.shrink(picture)
        if len(self._cache) > self._capacity:
            # Never the one just decoded: it may be the one that was asked for.
            del self._cache[max((i for i in self._cache if i != index), key=lambda i: abs(i - centre))]


class _Decoder:
    """One open file: seeks, decodes in order of presentation, scales. Used by one thread at a time."""

    def __init__(self, path: Path, packets: StreamPackets, max_height: int) -> None:
        self._path = path
        self.index = _index(packets)
        with ExitStack() as opened:
            self._container = opened.enter_context(open_media(path))
            self._stream = next(s for s in self._container.streams.video if s.index == packets.index)
            self._prepare(max_height)
            self._opened = opened.pop_all()

    def _prepare(self, max_height: int) -> None:
        self._stream.thread_type = "AUTO"
        self._scaler = VideoReformatter()
        self._painter = VideoReformatter()
        self._position = len(self.index.times)  # as at the end of the file: the first request seeks
        self._complete_from = 0  # pictures before this one may have been left out since the last seek
        self._pictures: Iterator[tuple[int, VideoFrame]] = iter(())
        first = next((picture for _, picture in self.pictures_towards(0)), None)
        if first is None:
            raise unreadable(self._path)
        self._quarter_turns = round(first.rotation / 90) % 4
        self.stored_size = self._fit(first, max_height)
        width, height = self.stored_size
        self.size = (height, width) if self._quarter_turns % 2 else (width, height)
        self._position = len(self.index.times)

    def _fit(self, picture: VideoFrame, max_height: int) -> tuple[int, int]:
        """Width and height before rotation: square pixels, even, at most `max_height` once upright."""
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        width, height = float(picture.width * aspect), float(picture.height)
        scale = min(1.0, max_height / (width if self._quarter_turns % 2 else height))
        return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)

    def pictures_towards(self, target: int) -> Iterator[tuple[int, VideoFrame]]:
        """Pictures in order, starting at or before `target`: where the decoder stands, or at a keyframe.

        Raises `av.FFmpegError` where the file cannot be read.
        """
        key = int(np.searchsorted(self.index.keys, target, side="right")) - 1
        key_picture = int(self.index.keys[key]) if key >= 0 else 0
        near = self._position >= key_picture or target - self._position <= _READ_AHEAD
        if self._position < target and near and self._complete_from <= target:
            self._complete_from = max(self._complete_from, target - _READ_AHEAD)
            # Not `yield from`: that would close the decoding when the caller has enough for now.
            for numbered in self._pictures:
                yield numbered
            return
        self._complete_from = target - _READ_AHEAD
        # Seeking is not exact in every container: where it lands too late, start further back.
        back = 1
        while True:
            self._pictures = self._from_key(key)
            first = next(self._pictures, None)
            if first is not None and (first[0] <= target or key < 0):
                yield first
                for numbered in self._pictures:
                    yield numbered
                return
            if key < 0:
                return
            key, back = max(-1, key - back), back * 2

    def _from_key(self, key: int) -> Iterator[tuple[int, VideoFrame]]:
        """Decode from random-access point number `key` (-1: from the very beginning of the file)."""
        first = 0
        self._position = -1
        if key >= 0:
            first = int(self.index.keys[key])
            self._container.seek(int(self.index.key_dts[key]), stream=self._stream, backward=True)
        else:
            self._container.seek(0, backward=True)
        for packet in self._container.demux(self._stream):
            # On the way to a picture far off, those that no other one refers to need not be decoded.
            far = packet.pts is not None and self._index_at(packet.pts) < self._complete_from
            self._stream.codec_context.skip_frame = "NONREF" if far else "DEFAULT"
            try:
                decoded = packet.decode()
            except av.InvalidDataError:
                continue  # one damaged packet; the pictures around it are still wanted
            for picture in decoded:
                index = self._index_of(picture)
                # Leading pictures of an open GOP lack their references after a seek: they are not shown.
                if index is None or index < first or not isinstance(picture, VideoFrame):
                    continue
                self._position = index
                yield index, picture
        # At the end of the file the decoder is drained and must be sought before it gives more.
        self._position = len(self.index.times)

    def _index_of(self, picture: object) -> int | None:
        ticks = getattr(picture, "pts", None)
        if ticks is None:
            ticks = getattr(picture, "dts", None)
        if ticks is None:
            return None
        return self._index_at(ticks)

    def _index_at(self, ticks: int) -> int:
        return max(0, int(np.searchsorted(self.index.ticks, ticks, side="right")) - 1)

    def _colorspace(self, picture: VideoFrame) -> Colorspace:
        # Untagged pictures are taken for what their size suggests, as players do.
        untagged = Colorspace.ITU709 if picture.height >= 720 else Colorspace.ITU601
        return _COLORSPACES.get(picture.colorspace, untagged)

    def shrink(self, picture: VideoFrame) -> VideoFrame:
        """The picture at preview size as full-range 4:2:0 in BT.709, which is what the cache keeps."""
        return self._scaler.reformat(
            picture,
            *self.stored_size,
            format="yuv420p",
            src_colorspace=self._colorspace(picture),
            dst_colorspace=Colorspace.ITU709,
            src_color_range=picture.color_range,
            dst_color_range=1,
            interpolation=Interpolation.AREA,
        )

    def to_rgb(self, stored: VideoFrame) -> NDArray[np.uint8]:
        """Height x width x 3, uint8, upright, contiguous and read-only."""
        rgb = self._painter.reformat(
            stored, format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=1, dst_color_range=2
        ).to_ndarray()
        upright = np.ascontiguousarray(np.rot90(rgb, self._quarter_turns)).astype(np.uint8, copy=False)
        upright.setflags(write=False)
        return upright

    def close(self) -> None:
        self._pictures = iter(())
        self._opened.close()


def _index(packets: StreamPackets) -> _Index:
    """The pictures in order, and where decoding can start, out of the packets of a file."""
    times = packets.frame_times()
    ticks = np.unique(packets.starts)
    keys = np.flatnonzero(packets.key & packets.shown)
    keys = keys[np.argsort(packets.pts[keys], kind="stable")]
    return _Index(
        ticks,
        np.searchsorted(ticks, packets.pts[keys]),
        np.minimum(packets.pts[keys], packets.dts[keys]),
        times,
    )


def _no_picture() -> ReelyError:
    return ReelyError("no-picture", "This source has no picture.", "Its sound can still be cut.", Exit.MEDIA)
