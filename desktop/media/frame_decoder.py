"""Decoding a video to pictures at preview size: where decoding can start, and what is skipped on the way."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from desktop.errors import ReelyError
from desktop.media.container import open_media, unreadable
from desktop.media.frame_times import FrameTimes
from desktop.media.packets import StreamPackets
from desktop.media.remote import Media

READ_AHEAD = 24
"""Pictures before a target that are decoded with nothing left out: someone may step back to them."""
_MOST_THREADS = 16  # each has a picture of its own
# ITU-T H.273 matrix coefficients that name a conversion of their own.
_COLORSPACES = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 7: Colorspace.SMPTE240M,
                9: Colorspace.BT2020, 10: Colorspace.BT2020}  # fmt: skip


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """What a scan of the packets tells: ticks of the pictures in order, and where decoding can start.

    `keys` are the pictures (by index) at random-access points, ascending, `key_dts` the ticks at which they
    are decoded; `stream` is the stream's index in the file.

    `lead` are ticks by which seeking in MP4 has to aim beyond a keyframe's presentation to land on it: in
    fragments that are not read yet it counts decoding times.
    """

    stream: int
    ticks: NDArray[np.int64]
    keys: NDArray[np.int64]
    key_dts: NDArray[np.int64]
    times: FrameTimes
    lead: int = 0

    @classmethod
    def of(cls, packets: StreamPackets) -> FrameIndex:
        """The pictures in order, and where decoding can start, out of the packets of a file."""
        ticks = np.unique(packets.starts)
        keys = np.flatnonzero(packets.key & packets.shown)
        keys = keys[np.argsort(packets.pts[keys], kind="stable")]
        return cls(
            packets.index,
            ticks,
            np.searchsorted(ticks, packets.pts[keys]),
            packets.dts[keys],
            packets.frame_times(),
        )

    def index_at(self, ticks: int) -> int:
        """The picture shown at `ticks`."""
        return max(0, int(np.searchsorted(self.ticks, ticks, side="right")) - 1)

    def index_of(self, picture: object) -> int | None:
        """Which picture a decoder gave; None where it does not know its time."""
        ticks = getattr(picture, "pts", None)
        if ticks is None:
            ticks = getattr(picture, "dts", None)
        return None if ticks is None else self.index_at(ticks)

    def seek(self, container: InputContainer, stream: VideoStream, key: int) -> None:
        """Let `container` go on at random-access point number `key`, or somewhat before it; -1: at the start.

        MP4 and Matroska know the keyframes' presentation times (and for its decoding time MP4 would go back
        one keyframe more); other demuxers search for decoding times.
        """
        if key < 0:
            container.seek(0, backward=True)
            return
        ticks = int(self.ticks[self.keys[key]]) + self.lead
        if not {"mp4", "matroska"} & set(container.format.name.split(",")):
            ticks = min(ticks, int(self.key_dts[key]))
        container.seek(ticks, stream=stream, backward=True)

    def key_before(self, index: int) -> int:
        """The number of the last random-access point at or before picture `index`; -1 if there is none."""
        return int(np.searchsorted(self.keys, index, side="right")) - 1

    def nearest_key(self, index: int) -> int | None:
        """The number of the random-access point whose picture is closest to picture `index`."""
        if not self.keys.size:
            return None
        before = max(0, self.key_before(index))
        after = min(before + 1, int(self.keys.size) - 1)
        return min((before, after), key=lambda key: abs(int(self.keys[key]) - index))


class Scaler:
    """Makes decoded pictures small. Used by one thread at a time.

    `size` is the width and height of what is shown in the end; `stored` the same before it is turned upright.
    """

    def __init__(self, first: VideoFrame, sample_aspect: Fraction | None, max_height: int) -> None:
        self._shrinker = VideoReformatter()
        self._quarter_turns = round(first.rotation / 90) % 4
        turned = self._quarter_turns % 2 == 1
        width, height = float(first.width * (sample_aspect or Fraction(1))), float(first.height)
        # Square pixels, even, at most `max_height` once upright.
        scale = min(1.0, max_height / (width if turned else height))
        self.stored = max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
        self.size = (self.stored[1], self.stored[0]) if turned else self.stored
        self.bytes = self.stored[0] * self.stored[1] * 3 // 2
        """What one shrunk picture takes."""

    def shrink(self, picture: VideoFrame) -> VideoFrame:
        """The picture at preview size as full-range 4:2:0 in BT.709, which is what caches keep."""
        # Untagged pictures are taken for what their size suggests, as players do.
        untagged = Colorspace.ITU709 if picture.height >= 720 else Colorspace.ITU601
        return self._shrinker.reformat(
            picture,
            *self.stored,
            format="yuv420p",
            src_colorspace=_COLORSPACES.get(picture.colorspace, untagged),
            dst_colorspace=Colorspace.ITU709,
            src_color_range=picture.color_range,
            dst_color_range=1,
            interpolation=Interpolation.AREA,
        )

    def painter(self) -> Painter:
        """Makes what this or another scaler of the file has shrunk RGB."""
        return Painter(self._quarter_turns)


class Painter:
    """Turns shrunk pictures into what is shown. Used by one thread at a time."""

    def __init__(self, quarter_turns: int) -> None:
        self._quarter_turns = quarter_turns
        self._reformatter = VideoReformatter()

    def to_rgb(self, shrunk: VideoFrame) -> NDArray[np.uint8]:
        """Height x width x 3, uint8, upright, contiguous and read-only."""
        rgb = self._reformatter.reformat(
            shrunk, format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=1, dst_color_range=2
        ).to_ndarray()
        upright = np.ascontiguousarray(np.rot90(rgb, self._quarter_turns)).astype(np.uint8, copy=False)
        upright.setflags(write=False)
        return upright


class FrameDecoder:
    """One open file: seeks, decodes in order of presentation, scales. Used by one thread at a time."""

    def __init__(self, media: Media, index: FrameIndex, max_height: int) -> None:
        self._media = media
        self.index = index
        self._failed = False
        self._open()
        try:
            self._prepare(max_height)
        except BaseException:
            self._opened.close()
            raise

    def _open(self) -> None:
        with ExitStack() as opened:
            self._container = opened.enter_context(open_media(self._media))
            self._stream = next(s for s in self._container.streams.video if s.index == self.index.stream)
            self._stream.thread_type = "AUTO"
            # Pictures wait for those that they refer to: with FFmpeg's one thread a core, cores stand idle.
            self._stream.thread_count = min(2 * (os.cpu_count() or 1), _MOST_THREADS)
            self._opened = opened.pop_all()

    def _prepare(self, max_height: int) -> None:
        self._position = len(self.index.times)  # as at the end of the file: the first request seeks
        self._complete_from = 0  # pictures before this one may have been left out since the last seek
        self._pictures: Iterator[tuple[int, VideoFrame]] = iter(())
        first = next((picture for _, picture in self.pictures_towards(0)), None)
        if first is None:
            raise unreadable(self._media)
        self.picture_bytes = first.width * first.height * 3 // 2
        self.scaler = Scaler(first, self._stream.sample_aspect_ratio, max_height)
        self._position = len(self.index.times)

    def pictures_towards(self, target: int, complete: int = READ_AHEAD) -> Iterator[tuple[int, VideoFrame]]:
        """Pictures in order, starting at or before `target`: where the decoder stands, or at a keyframe.

        The last `complete` ones before the target are all there, of those earlier some may be left out.
        Raises `av.FFmpegError` where the file cannot be read.
        """
        key = self.index.key_before(target)
        key_picture = int(self.index.keys[key]) if key >= 0 else 0
        near = self._position >= key_picture or target - self._position <= READ_AHEAD
        if self._position < target and near and self._complete_from <= target:
            self._complete_from = max(self._complete_from, target - complete)
            # Not `yield from`: that would close the decoding when the caller has enough for now.
            for numbered in self._pictures:
                yield numbered
            return
        self._complete_from = target - complete
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
        try:
            if self._failed:  # a demuxer that was not given its bytes does not know any more where it is
                self._opened.close()
                self._open()
                self._failed = False
            yield from self._decoded_from(key)
        except av.FFmpegError:
            self._failed = True
            raise
        except ReelyError as error:
            raise av.FFmpegError(errno.EIO, error.message) from error

    def _decoded_from(self, key: int) -> Iterator[tuple[int, VideoFrame]]:
        first = int(self.index.keys[key]) if key >= 0 else 0
        self._position = -1
        self.index.seek(self._container, self._stream, key)
        for packet in self._container.demux(self._stream):
            # On the way to a picture far off, those that no other one refers to need not be decoded.
            far = packet.pts is not None and self.index.index_at(packet.pts) < self._complete_from
            self._stream.codec_context.skip_frame = "NONREF" if far else "DEFAULT"
            try:
                decoded = packet.decode()
            except av.InvalidDataError:
                continue  # one damaged packet; the pictures around it are still wanted
            for picture in decoded:
                index = self.index.index_of(picture)
                # Leading pictures of an open GOP lack their references after a seek: they are not shown.
                if index is None or index < first or not isinstance(picture, VideoFrame):
                    continue
                self._position = index
                yield index, picture
        # At the end of the file the decoder is drained and must be sought before it gives more.
        self._position = len(self.index.times)

    def close(self) -> None:
        self._pictures = iter(())
        self._opened.close()
