"""Packets copied from the source to the clip: pictures from a keyframe on, sound as closely as it can be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.packet import Packet
from numpy.typing import NDArray

from desktop.errors import Exit, ReelyError
from desktop.media.container import open_packets, read_only, shown
from desktop.media.packets import StreamPackets, rows
from desktop.trim.compare import Checksum
from desktop.trim.media import Sound
from desktop.trim.plan import ClipPlan

# Codecs that MP4 carries and players play there; others are encoded anew (sound) or refused (pictures).
MP4_PICTURES = {"h264", "hevc", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video"}
MP4_SOUNDS = {"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"}
# Sound is decoded this long before it is heard: what a decoder needs to settle (RFC 7845, 4.6: 80 ms for
# Opus; AAC overlaps with the packet before; in MP3 a packet's bits may be in up to ten packets before it).
_PREROLL, _PREROLL_MP3 = Fraction(8, 100), Fraction(1, 4)


def read_numbered(
    path: Path, packets: StreamPackets, wanted: Sequence[int] | NDArray[np.int64]
) -> Iterator[tuple[int, Packet[Any]]]:
    """The packets with these numbers (positions in decoding order, ascending), in that order.

    Raises ReelyError `source-changed` where one of them is not found any more.
    """
    if packets.pos is None:
        yield from _demuxed(path, packets, wanted)
        return
    numbers = np.asarray(wanted, dtype=np.int64)
    columns = (packets.pos, packets.size, packets.key, packets.pts, packets.dts)
    with path.open("rb", buffering=0) as file:
        for number, pos, size, is_key, pts, dts in rows(numbers, *(column[numbers] for column in columns)):
            file.seek(pos)
            data = file.read(size)
            if len(data) != size:
                raise _changed(path)
            packet: Packet[Any] = Packet(data)
            packet.is_keyframe, packet.pts, packet.dts = bool(is_key), pts, dts
            packet.time_base = packets.time_base
            yield number, packet
        if os.fstat(file.fileno()).st_mtime_ns != packets.written:
            raise _changed(path)


def _demuxed(
    path: Path, packets: StreamPackets, wanted: Sequence[int] | NDArray[np.int64]
) -> Iterator[tuple[int, Packet[Any]]]:
    """The same where a demuxer has to find them; they are told by their times and sizes."""
    first = int(wanted[0])
    # Seeking is not exact in every container, and in MPEG's streams it lands in the middle of a packet, with
    # the times of the next ones off by one; then a keyframe earlier is far enough, or else the file's start.
    earlier = packets.keyframe_before(int(packets.pts[first]) - 1)
    for seek in sorted({first, min(earlier, first), 0}, reverse=True):
        left = iter(wanted)
        awaited: int | None = int(next(left))
        with open_packets(path) as container:
            stream = container.streams[packets.index]
            read_only(container, stream)
            if seek:
                container.seek(packets.seek_tick(seek), stream=stream, backward=True)
            for number, packet in _numbered(container.demux(stream), packets, first, int(wanted[-1]) + 1):
                if number != awaited:
                    continue
                yield number, packet
                awaited = next(left, None)
                if awaited is None:
                    return
        if awaited != first:
            break
    raise _changed(path)


def _changed(path: Path) -> ReelyError:
    return ReelyError(
        "source-changed",
        f"{shown(path)} does not hold any more what it held a moment ago.",
        "Leave the file alone while it is cut, and try again.",
        Exit.MEDIA,
    )


def _numbered(
    demuxed: Iterator[Packet[Any]], packets: StreamPackets, first: int, stop: int
) -> Iterator[tuple[int, Packet[Any]]]:
    """The packets from number `first` to `stop`, as long as they are those of the index."""
    number, start = first, int(packets.dts[first])
    known = rows(packets.pts[first:stop], packets.dts[first:stop], packets.size[first:stop])
    looked_for = next(known)
    for packet in demuxed:
        pts = packet.pts if packet.pts is not None else packet.dts
        dts = packet.dts if packet.dts is not None else pts
        if packet.size == 0 or pts is None or dts is None:
            continue
        if (pts, dts, packet.size) != looked_for:
            if number > first or dts > start:
                return  # another one, or landed behind the first
            continue
        yield number, packet
        number += 1
        if number == stop:
            return
        looked_for = next(known)


@dataclass(frozen=True, eq=False)
class SoundCopy:
    """The sound of a clip as copied packets; `positions` and `ends` count samples on the source's clock."""

    sound: Sound
    clip: ClipPlan
    positions: NDArray[np.int64]
    ends: NDArray[np.int64]
    checksum: Checksum = field(default_factory=Checksum)
    """Of what was copied so far."""

    @classmethod
    def of(cls, sound: Sound, clip: ClipPlan) -> SoundCopy:
        packets, rate = sound.packets, sound.info.sample_rate
        positions = packets.sample_positions(rate)
        last = max(1, round(int(packets.duration[-1]) * packets.time_base * rate))
        return cls(sound, clip, positions, np.append(positions[1:], positions[-1] + last))

    def is_exact(self) -> bool:
        """Whether the copy begins and ends to the sample where the clip does.

        The edit list can cut a packet's sound at the clip's ends only, so there must be one segment; and
        packets must follow each other without gap or overlap, from before its start to its end or theirs.
        """
        if self.sound.info.codec not in MP4_SOUNDS or len(self.clip.segments) != 1:
            return False
        rate, (segment,) = self.sound.info.sample_rate, self.clip.segments
        start, stop = round(segment.start * rate), round(segment.end * rate)
        inside = np.flatnonzero((self.ends > start) & (self.positions < stop))
        if not inside.size or self.positions[inside[0]] > start:
            return False
        lengths = np.diff(self.positions[inside])
        return bool(np.all(lengths == lengths[:1]) and np.all(lengths > 0))

    @property
    def preroll(self) -> int:
        """How many samples before the first one heard its decoding begins, at least."""
        info = self.sound.info
        return round((_PREROLL_MP3 if info.codec == "mp3" else _PREROLL) * info.sample_rate)

    @property
    def count(self) -> int:
        """How many packets there are at most."""
        rate = self.sound.info.sample_rate
        return sum(
            int(np.count_nonzero((self.ends > begin) & (self.positions < stop)))
            for begin, stop in (
                (round(segment.start * rate) - self.preroll, round(segment.end * rate))
                for segment in self.clip.segments
            )
        )

    def packets(self) -> Iterator[Packet[Any]]:
        """The packets, in samples on the clip's clock.

        The first segment begins to the sample (what is before it, is at negative times and hidden by the edit
        list); so does the end. At joins packets follow each other as closely as whole packets can.
        """
        rate, codec = self.sound.info.sample_rate, self.sound.info.codec
        tick = Fraction(1, rate)
        written_to: int | None = None
        for segment, offset in zip(self.clip.segments, self.clip.offsets, strict=False):
            start, stop = round(segment.start * rate), round(segment.end * rate)
            shift = round(offset * rate) - start
            begin = start - (self.preroll if written_to is None else 0)
            wanted = np.flatnonzero((self.ends > begin) & (self.positions < stop))
            if written_to is not None:
                # At a join half a packet may be lost or doubled, never more.
                wanted = wanted[(self.positions[wanted] + self.ends[wanted]) // 2 + shift >= written_to]
            if not wanted.size:
                continue
            places, ends = self.positions[wanted] + shift, self.ends[wanted] + shift
            if segment is self.clip.segments[-1]:
                ends = np.minimum(ends, stop + shift)
            packets = read_numbered(self.sound.path, self.sound.packets, wanted)
            for (_, packet), (position, end) in zip(packets, rows(places, ends), strict=True):
                place = max(position, written_to) if written_to is not None else position
                written_to = max(end, place + 1)
                self.checksum.add(_payload(packet, codec))
                yield retimed(packet, place, place, written_to - place, tick)


def _payload(packet: Packet[Any], codec: str) -> memoryview:
    """What of the packet MP4 stores: AAC less its ADTS header (ISO/IEC 14496-3, 1.A.2.2), else all."""
    data = memoryview(packet)
    if codec == "aac" and len(data) > 7 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return data[7 if data[1] & 1 else 9 :]  # protection_absent: no CRC of two bytes
    return data


def retimed(packet: Packet[Any], pts: int, dts: int, duration: int, time_base: Fraction) -> Packet[Any]:
    """The packet with other times."""
    packet.time_base = time_base
    packet.pts, packet.dts, packet.duration = pts, dts, duration
    return packet
