"""The packet index: when every picture and every piece of sound is presented, from demuxing alone.

Times inside are exact: integers in a stream's time base ("ticks"). The source's clock is seconds since the
presentation start of the container (`desktop.media.probe.presentation_start`); `StreamPackets.seconds` and
`StreamPackets.tick_at` translate. Edit lists are understood as players do: libavformat has applied them to
the times it reports, and marks packets that are only there to be decoded and not to be shown.
"""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from av.packet import Packet
from numpy.typing import NDArray

from desktop.media.container import open_packets, read_only, unreadable
from desktop.media.frame_times import FrameTimes
from desktop.media.pictures import PictureReader
from desktop.media.probe import AudioInfo, MediaInfo, VideoInfo, probe
from desktop.media.sample_tables import SampleTables, Stretch, read_tables
from desktop.media.windows import has_table, is_mp4, packets_around

Ticks = NDArray[np.int64]

TOLERANCE = Fraction(1, 1_000_000)
"""Seconds: a time this close before a picture's start means that picture (floats are not exact)."""

_REPORT_EVERY = 512  # packets
_ROWS_AT_ONCE = 4096
_KEY, _CLEAN, _SHOWN = 1, 2, 4


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
    clean: NDArray[np.bool_]
    """Keyframes that refer to nothing and that nothing after them refers across (IDR, BLA): pictures before
    and after can be joined here. A key that is not clean starts an open GOP."""
    shown: NDArray[np.bool_]
    size: NDArray[np.int64]
    pos: NDArray[np.int64] | None = None
    """Where their bytes are in the file; None where only a demuxer can tell."""
    written: int | None = None
    """When the file was last written to, as it was when `pos` was read: nanoseconds of the system's clock."""
    delay: int = 0
    """Sound: samples at the start that are decoded but not presented (the encoder's delay)."""
    start: Fraction | None = None
    """When the first thing is presented, in seconds of the file, as the container tells it."""
    by_presentation: bool = False
    """Whether the demuxer, asked to go to a time, looks for when keyframes are presented, not decoded."""

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

    def sample_positions(self, rate: int) -> NDArray[np.int64]:
        """For sound: the number of each packet's first sample, counted from the source's zero.

        Where samples fall between ticks (Matroska: milliseconds; MPEG-TS: 1/90000 s) but packets are all of
        one length, packets are counted from the first one, as a decoder does; that is exact to the sample.
        """
        told = (self.pts * float(self.time_base) - float(self.origin)) * rate
        coarse = float(self.time_base * rate)
        if (self.time_base * rate).numerator > 1 and len(self) > 2:
            length = round((told[-1] - told[0]) / (len(self) - 1))
            first = self.start if self.start is not None else int(self.pts[0]) * self.time_base
            regular = round((first - self.origin) * rate) - self.delay + length * np.arange(len(self))
            if np.abs(regular - told).max() <= max(1, 2 * coarse):
                return np.asarray(regular, dtype=np.int64)
        return np.asarray(np.rint(told), dtype=np.int64)

    def keyframe_before(self, tick: int, *, clean: bool = False) -> int:
        """The packet number of the last keyframe presented at or before `tick`, else of the first one.

        With `clean`, only keyframes at which streams may be joined count.
        """
        keys = np.flatnonzero(self.clean if clean and self.clean.any() else self.key)
        before = keys[self.pts[keys] <= tick]
        return int(before[-1] if before.size else keys[0])

    def seek_tick(self, number: int) -> int:
        """Where to go so that the next packet of this stream is the keyframe `number`, or one before it."""
        return int((self.pts if self.by_presentation else self.dts)[number])

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


def rows(*columns: NDArray[Any]) -> Iterator[tuple[int, ...]]:
    """The columns' rows as Python's numbers, some at a time: of hours all at once would take much memory."""
    for at in range(0, len(columns[0]), _ROWS_AT_ONCE):
        yield from zip(*(column[at : at + _ROWS_AT_ONCE].tolist() for column in columns), strict=True)


@dataclass
class _Rows:
    """The packets of a stream as they come: (pts, dts, duration, size, flags) each, in one flat array."""

    values: array[int] = field(default_factory=lambda: array("q"))
    delay: int = 0

    def add(self, pts: int, dts: int, packet: Packet[Any], *, clean: bool, shown: bool) -> None:
        if not self.values:
            self.delay = _delay(packet)
        flags = _KEY * packet.is_keyframe | _CLEAN * clean | _SHOWN * shown
        self.values.extend((pts, dts, packet.duration or 0, packet.size, flags))

    def freeze(self, stream: VideoInfo | AudioInfo, origin: Fraction, container: str) -> StreamPackets:
        rows = np.frombuffer(self.values, dtype=np.int64).reshape(-1, 5)
        pts, dts, duration, size, flags = (np.ascontiguousarray(column) for column in rows.T)
        return StreamPackets(
            index=stream.index,
            time_base=stream.time_base,
            origin=origin,
            start=stream.start,
            delay=self.delay,
            by_presentation=is_mp4(container),
            pts=pts,
            dts=dts,
            duration=duration,
            key=flags & _KEY > 0,
            clean=flags & _CLEAN > 0,
            shown=flags & _SHOWN > 0,
            size=size,
        )


def read_packets(
    path: Path,
    info: MediaInfo | None = None,
    progress: Callable[[float], None] | None = None,
    origin: Fraction | None = None,
    *,
    spans: Sequence[tuple[float, float]] | None = None,
) -> PacketIndex:
    """Read every packet of the first moving picture and of all sounds, without decoding.

    `progress` is told 0..1 as the file is read. `origin` (seconds of the file) sets another zero of the
    clock than the file's own. With `spans` (seconds on the clock) those packets are enough that are presented
    in them or needed to decode them; where the file has no table of its packets all are read nevertheless.
    Raises what `probe` raises.
    """
    info = info or probe(path)
    wanted: dict[int, VideoInfo | AudioInfo] = {audio.index: audio for audio in info.audios}
    if info.video:
        wanted = {info.video.index: info.video, **wanted}
    zero = info.start if origin is None else origin
    told = None if spans is None else [(Fraction(begin) + zero, Fraction(end) + zero) for begin, end in spans]
    # Where samples fall between ticks, sound is counted from its first packet on.
    if any((audio.time_base * audio.sample_rate).numerator > 1 for audio in info.audios):
        told = None
    tables = None
    with open_packets(path) as container:
        streams = [container.streams[index] for index in wanted]
        if has_table(container, streams) and (info.video is None or info.video.codec != "vp8"):
            read_only(container, *streams)
            tables = read_tables(container, path, streams, told)
    index_of = (
        _listed(path, wanted, zero, tables)
        if tables is not None
        else _demuxed(path, info, wanted, zero, told, progress=progress)
    )
    if not any(packets.shown.any() for packets in index_of.values()):
        raise unreadable(path)
    if progress is not None:
        progress(1.0)
    return PacketIndex(info, {index: packets for index, packets in index_of.items() if packets.shown.any()})


def _demuxed(
    path: Path,
    info: MediaInfo,
    wanted: Mapping[int, VideoInfo | AudioInfo],
    zero: Fraction,
    spans: Sequence[tuple[Fraction, Fraction]] | None,
    *,
    progress: Callable[[float], None] | None,
) -> Mapping[int, StreamPackets]:
    """The packets as they come when the file is read."""
    rows = {index: _Rows() for index in wanted}
    video = info.video.index if info.video else None
    reader = PictureReader(info.video.codec) if info.video else None
    with open_packets(path) as container:
        streams = [container.streams[index] for index in wanted]
        read_only(container, *streams)
        packets: Iterator[Packet[Any] | None] = container.demux(*streams)
        if spans is not None and has_table(container, streams):
            packets = packets_around(container, streams, spans)
        for number, packet in enumerate(packets):
            if packet is None:
                reader = PictureReader(info.video.codec) if info.video else None
                continue
            pts = packet.pts if packet.pts is not None else packet.dts
            if pts is None or packet.size == 0:
                continue  # the end of a stream, or a packet without any time: it cannot be placed
            index, shown, clean = packet.stream_index, not packet.is_discard, packet.is_keyframe
            if reader is not None and index == video:
                clean = clean and reader.is_clean(packet)
                shown = reader.is_shown(packet, pts) and shown
            dts = packet.dts if packet.dts is not None else pts
            rows[index].add(pts, dts, packet, clean=clean, shown=shown)
            if progress is not None and number % _REPORT_EVERY == 0 and info.size:
                progress(min(1.0, (packet.pos or 0) / info.size))
    return {index: rows[index].freeze(stream, zero, info.container) for index, stream in wanted.items()}


def _listed(
    path: Path, wanted: Mapping[int, VideoInfo | AudioInfo], zero: Fraction, tables: SampleTables
) -> Mapping[int, StreamPackets]:
    """The packets as the file's tables list them; of some keyframes the bytes are read."""
    found = {}
    with path.open("rb") as file:
        written = os.fstat(file.fileno()).st_mtime_ns
        for index, stream in wanted.items():
            parts = tables.stretches[index]
            key = np.concatenate([part.key for part in parts])
            clean, shown = key.copy(), ~np.concatenate([part.discard for part in parts])
            if isinstance(stream, VideoInfo):
                judged = [_judged(stream.codec, part, file) for part in parts]
                clean &= np.concatenate([one for one, _ in judged])
                shown &= np.concatenate([one for _, one in judged])
            found[index] = StreamPackets(
                index=index,
                time_base=stream.time_base,
                origin=zero,
                start=stream.start,
                delay=0 if parts[0].first else _delay(tables.openings[index]),
                by_presentation=True,
                pts=np.concatenate([part.pts for part in parts]),
                dts=np.concatenate([part.dts for part in parts]),
                duration=np.concatenate([part.duration for part in parts]),
                key=key,
                clean=clean,
                shown=shown,
                size=np.concatenate([part.size for part in parts]),
                pos=np.concatenate([part.pos for part in parts]),
                written=written,
            )
    return found


@dataclass(frozen=True)
class _Stored:
    """A packet that is still in the file."""

    is_keyframe: bool
    file: BinaryIO
    pos: int
    size: int

    def __bytes__(self) -> bytes:
        self.file.seek(self.pos)
        return self.file.read(max(0, self.size))


def _judged(codec: str, part: Stretch, file: BinaryIO) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the pictures are clean keyframes, and which are shown."""
    clean, shown = np.zeros(part.key.size, dtype=np.bool_), np.ones(part.key.size, dtype=np.bool_)
    reader, keys = PictureReader(codec), np.flatnonzero(part.key)
    for number in keys.tolist():
        clean[number] = reader.is_clean(_Stored(True, file, int(part.pos[number]), int(part.size[number])))
    # From the second keyframe on all are shown.
    for number in range(int(keys[1]) if keys.size > 1 else part.key.size):
        stored = _Stored(bool(part.key[number]), file, int(part.pos[number]), int(part.size[number]))
        shown[number] = reader.is_shown(stored, int(part.pts[number]))
    return clean, shown


def _delay(packet: Packet[Any]) -> int:
    """Of the first packet of a sound: how many samples are decoded and not presented."""
    if not packet.has_sidedata("skip_samples"):
        return 0
    # AV_PKT_DATA_SKIP_SAMPLES: the first 32 bits, little-endian, count those at the start.
    return int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[:4], "little")
