"""The packet index: when every picture and every piece of sound is presented, from demuxing alone.

Times inside are exact: integers in a stream's time base ("ticks"). The source's clock is seconds since the
presentation start of the container (`desktop.media.probe.presentation_start`); `StreamPackets.seconds` and
`StreamPackets.tick_at` translate. Edit lists are understood as players do: libavformat has applied them to
the times it reports, and marks packets that are only there to be decoded and not to be shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from av.packet import Packet
from numpy.typing import NDArray

from desktop.media.container import open_media, unreadable
from desktop.media.frame_times import FrameTimes
from desktop.media.probe import MediaInfo, probe

Ticks = NDArray[np.int64]

TOLERANCE = Fraction(1, 1_000_000)
"""Seconds: a time this close before a picture's start means that picture (floats are not exact)."""

_REPORT_EVERY = 512  # packets


@dataclass(frozen=True, eq=False)
class StreamPackets:
    """The packets of one stream in decoding order: parallel arrays of ticks, flags and sizes (bytes).

    `duration` is 0 where the file does not tell. `shown` is False for packets that decode to nothing that
    is presented: hidden by an edit list, invisible reference pictures, or undecodable ones at the start.
    """

    index: int
    time_base: Fraction
    origin: Fraction
    """Where the source's clock is 0, in seconds of the file."""
    pts: Ticks
    dts: Ticks
    duration: Ticks
    key: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    size: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.pts.size)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Packet numbers (positions in decoding order) of what is shown, in order of presentation."""
        shown = np.flatnonzero(self.shown)
        return shown[np.argsort(self.pts[shown], kind="stable")]

    @cached_property
    def starts(self) -> Ticks:
        """The ticks at which the shown packets are presented, ascending: `pts[order]`."""
        return self.pts[self.order]

    @cached_property
    def end(self) -> int:
        """The tick at which the last one shown has ended."""
        if not len(self.starts):
            return 0
        last = int(self.duration[self.order[-1]]) or self.typical_duration
        return max(int(self.starts[-1]) + last, int(self.starts[-1]) + 1)

    @cached_property
    def typical_duration(self) -> int:
        """The median distance between two of them, in ticks; at least 1."""
        if len(self.starts) < 2:
            return max(1, int(self.duration[self.order[0]])) if len(self.starts) else 1
        return max(1, int(np.median(np.diff(self.starts))))

    def seconds(self, tick: int) -> Fraction:
        """The time of `tick` on the source's clock."""
        return tick * self.time_base - self.origin

    def tick_at(self, time: Fraction | float) -> int:
        """The first tick at or after `time` on the source's clock, less the tolerance."""
        return math.ceil((Fraction(time) - TOLERANCE + self.origin) / self.time_base)

    def first_at(self, time: Fraction | float) -> int:
        """The position in `order` of the first one at or after `time`; the length of `order` if none is."""
        return int(np.searchsorted(self.starts, self.tick_at(time)))

    def end_of(self, position: int) -> int:
        """The tick at which the one at `position` in `order` gives way to the next."""
        return int(self.starts[position + 1]) if position + 1 < len(self.starts) else self.end

    def keyframe_before(self, tick: int) -> int:
        """The packet number of the last keyframe presented at or before `tick`, else of the first one."""
        keys = np.flatnonzero(self.key)
        before = keys[self.pts[keys] <= tick]
        return int(before[-1] if before.size else keys[0])

    def frame_times(self) -> FrameTimes:
        """The pictures' times in seconds on the source's clock."""
        ticks, first = np.unique(self.starts), float(self.origin)
        scale = float(self.time_base)
        starts = np.asarray(ticks * scale - first, dtype=np.float64)
        return FrameTimes(starts, self.end * scale - first)


@dataclass(frozen=True, eq=False)
class PacketIndex:
    """The packets of a file's playing streams, by stream index."""

    info: MediaInfo
    streams: Mapping[int, StreamPackets]

    @property
    def video(self) -> StreamPackets | None:
        """The packets of the stream that players show."""
        return self.streams.get(self.info.video.index) if self.info.video else None


@dataclass
class _Columns:
    pts: list[int] = field(default_factory=list)
    dts: list[int] = field(default_factory=list)
    duration: list[int] = field(default_factory=list)
    key: list[bool] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    size: list[int] = field(default_factory=list)

    def add(self, pts: int, dts: int, packet: Packet[Any], *, shown: bool) -> None:
        self.pts.append(pts)
        self.dts.append(dts)
        self.duration.append(packet.duration or 0)
        self.key.append(packet.is_keyframe)
        self.shown.append(shown)
        self.size.append(packet.size)

    def freeze(self, index: int, time_base: Fraction, origin: Fraction) -> StreamPackets:
        return StreamPackets(
            index=index,
            time_base=time_base,
            origin=origin,
            pts=np.asarray(self.pts, dtype=np.int64),
            dts=np.asarray(self.dts, dtype=np.int64),
            duration=np.asarray(self.duration, dtype=np.int64),
            key=np.asarray(self.key, dtype=np.bool_),
            shown=np.asarray(self.shown, dtype=np.bool_),
            size=np.asarray(self.size, dtype=np.int64),
        )


def read_packets(
    path: Path,
    info: MediaInfo | None = None,
    progress: Callable[[float], None] | None = None,
    origin: Fraction | None = None,
) -> PacketIndex:
    """Read every packet of the first moving picture and of all sounds, without decoding.

    `progress` is told 0..1 as the file is read. `origin` (seconds of the file) sets another zero of the
    clock than the file's own. Raises what `probe` raises.
    """
    info = info or probe(path)
    wanted: dict[int, Fraction] = {audio.index: audio.time_base for audio in info.audios}
    if info.video:
        wanted[info.video.index] = info.video.time_base
    columns = {index: _Columns() for index in wanted}
    invisible_vp8 = info.video.index if info.video and info.video.codec == "vp8" else -1
    undecodable = _UndecodableStart(info.video.codec) if info.video else None
    with open_media(path) as container:
        streams = [container.streams[index] for index in wanted]
        for number, packet in enumerate(container.demux(*streams)):
            pts = packet.pts if packet.pts is not None else packet.dts
            if pts is None or packet.size == 0:
                continue  # the end of a stream, or a packet without any time: it cannot be placed
            index = packet.stream_index
            shown = not packet.is_discard
            if index == invisible_vp8:
                shown = shown and bool(bytes(packet)[0] >> 4 & 1)  # RFC 6386, 9.1: show_frame
            if undecodable is not None and info.video and index == info.video.index:
                shown = shown and undecodable.decodes(packet, pts)
            columns[index].add(pts, packet.dts if packet.dts is not None else pts, packet, shown=shown)
            if progress is not None and number % _REPORT_EVERY == 0 and info.size:
                progress(min(1.0, (packet.pos or 0) / info.size))
    zero = info.start if origin is None else origin
    index_of = {index: columns[index].freeze(index, base, zero) for index, base in wanted.items()}
    if not any(packets.shown.any() for packets in index_of.values()):
        raise unreadable(path)
    if progress is not None:
        progress(1.0)
    return PacketIndex(info, {index: packets for index, packets in index_of.items() if packets.shown.any()})


class _UndecodableStart:
    """Tells which pictures at the start of a recording lack what they refer to.

    Before the first keyframe nothing decodes; neither do the leading pictures of that keyframe (decoded after
    it, shown before it) if they refer to a group of pictures that is not there.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._key_pts: int | None = None
        self._leading = True

    def decodes(self, packet: Packet[Any], pts: int) -> bool:
        if self._key_pts is None:
            if packet.is_keyframe:
                self._key_pts = pts
            return packet.is_keyframe
        if not self._leading or packet.is_keyframe:
            self._leading = False
            return True
        if pts >= self._key_pts:
            return True
        return self._codec == "hevc" and is_hevc_radl(bytes(packet))


def is_hevc_radl(data: bytes) -> bool:
    """Whether the HEVC access unit is a RADL picture: one that decodes from its keyframe on.

    Reads the first slice's NAL unit type (ITU-T H.265, table 7-1: RADL_N is 6, RADL_R 7), in length-prefixed
    or start-code form.
    """
    at = 0
    start_codes = data[:3] == b"\0\0\1" or data[:4] == b"\0\0\0\1"
    while at + 5 < len(data):
        if start_codes:
            at = data.find(b"\0\0\1", at) + 3
            if at == 2:
                return False
            header = at
        else:
            header, at = at + 4, at + 4 + int.from_bytes(data[at : at + 4])
        kind = data[header] >> 1 & 0x3F
        if kind < 32:
            return kind in {6, 7}
    return False
