"""An MP4's tables of samples: when packets come and where they lie, known without reading them.

libavformat tells decoding times, sizes and places as its demuxer will use them, edit lists applied. What it
keeps to itself is read here: durations (`stts`) and how much later samples are presented (`ctts`; ISO/IEC
14496-12, 8.6.1). Some packets of each stretch are demuxed as well: the tables count where both agree.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from av.container import InputContainer
from av.index import IndexEntries
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

from desktop.media.windows import Span, landing, last_needed

_MOST_BOXES = 10_000  # in a row
_UNTIL_FIRST = 1000  # packets in which every stream has to begin
_COMPARED = 96  # packets of each stretch

Column = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stretch:
    """Packets of a stream that follow each other in decoding order, from number `first` on.

    The columns hold ticks, bytes, places in the file, and flags.
    """

    first: int
    pts: Column
    dts: Column
    duration: Column
    size: Column
    pos: Column
    key: NDArray[np.bool_]
    discard: NDArray[np.bool_]

    def agrees(self, packet: Packet[Any]) -> bool:
        """Whether it tells of the packet what the demuxer does; True of those that are not in it."""
        number = int(np.searchsorted(self.dts, packet.dts or 0))
        if number == len(self.dts) or packet.dts is None or packet.dts < self.dts[0]:
            return True
        columns = (self.pts, self.dts, self.duration, self.size, self.pos, self.key, self.discard)
        told = (
            *(packet.pts, packet.dts, packet.duration, packet.size, packet.pos),
            *(packet.is_keyframe, packet.is_discard),
        )
        return tuple(column[number].item() for column in columns) == told


@dataclass(frozen=True, eq=False)
class SampleTables:
    """The stretches of each stream, by its index, and the first packet of each in the file."""

    stretches: Mapping[int, Sequence[Stretch]]
    openings: Mapping[int, Packet[Any]]


def read_tables(
    container: InputContainer, path: Path, streams: Sequence[Stream], spans: Sequence[Span] | None
) -> SampleTables | None:
    """What `packets_around` would read of `streams`, the first of which leads; without `spans` all there is.

    The container, with `has_table`, has to be as it was opened. None where tables and demuxer do not agree.
    """
    tables = _tables(container, path, streams)
    if tables is None:
        return None
    lead = streams[0]
    stretches: dict[int, list[Stretch]] = {}
    for index, table in tables.items():
        ranges = [(0, len(table.entries))]
        if spans is not None:
            ranges = [_around(tables[lead.index], table, span) for span in spans]
        stretches[index] = [table.stretch(first, stop) for first, stop in _joined(ranges)]
    for one in stretches[lead.index]:
        if one.first:
            container.seek(int(one.dts[0]), stream=lead)
        for packet in islice(container.demux(*streams), _COMPARED):
            if packet.size and not all(part.agrees(packet) for part in stretches[packet.stream_index]):
                return None
    return SampleTables(stretches, {index: table.opening for index, table in tables.items()})


@dataclass(frozen=True, eq=False)
class _Table:
    """What is told of all samples of a stream; they are presented `offsets` after they are decoded."""

    stream: Stream
    tick: Fraction
    entries: IndexEntries
    durations: Column
    offsets: Column
    opening: Packet[Any]

    def pts(self, number: int) -> int:
        return int(self.entries[number].timestamp + self.offsets[number])

    def decoded_at(self, tick: int) -> int:
        """The last sample that is decoded at `tick` or before; the first one if there is none."""
        return max(0, self.entries.search_timestamp(tick, any_frame=True))

    def reaches(self, tick: int, start: int) -> int:
        """The first sample from `start` on that is decoded at `tick` or later, else the last one."""
        numbers = range(max(start, self.decoded_at(tick)), len(self.entries) - 1)
        return next((at for at in numbers if self.entries[at].timestamp >= tick), len(self.entries) - 1)

    def stretch(self, first: int, stop: int) -> Stretch:
        entries = list(map(self.entries.__getitem__, range(first, stop)))
        dts = np.array([entry.timestamp for entry in entries], dtype=np.int64)
        return Stretch(
            first,
            pts=dts + self.offsets[first:stop],
            dts=dts,
            duration=self.durations[first:stop],
            size=np.array([entry.size for entry in entries], dtype=np.int64),
            pos=np.array([entry.pos for entry in entries], dtype=np.int64),
            key=np.array([entry.is_keyframe for entry in entries], dtype=np.bool_),
            discard=np.array([entry.is_discard for entry in entries], dtype=np.bool_),
        )


def _around(lead: _Table, table: _Table, span: Span) -> tuple[int, int]:
    """From which sample of `table` to which one it is read to have what is presented in the span."""
    tick = landing(lead.stream, span[0])
    # As FFmpeg does on its way there, from the keyframe before.
    first = max(0, lead.entries.search_timestamp(tick - 1)) if tick is not None else 0
    end = math.ceil(span[1] / lead.tick)
    numbers = range(max(first, lead.decoded_at(end)), len(lead.entries))
    key = next((at for at in numbers if lead.entries[at].is_keyframe and lead.pts(at) >= end), None)
    # Every picture shown before that keyframe has been decoded by then.
    last = lead.reaches(lead.pts(key), key) if key is not None else len(lead.entries) - 1
    if table is lead:
        return first, last + 1
    begin, end = (math.floor(lead.entries[at].timestamp * lead.tick / table.tick) for at in (first, last))
    first = table.decoded_at(begin) if first else 0
    if key is None:  # the last picture may be shown beyond the span, when its decoding is long over
        return first, len(table.entries)
    return first, table.reaches(max(end, last_needed(table.stream, span[1])), first) + 1


def _joined(ranges: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """The same numbers, each once, in order."""
    joined: list[tuple[int, int]] = []
    for first, stop in sorted(ranges):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((first, stop))
    return joined


def _tables(container: InputContainer, path: Path, streams: Sequence[Stream]) -> Mapping[int, _Table] | None:
    openings: dict[int, Packet[Any]] = {}
    for packet in islice(container.demux(*streams), _UNTIL_FIRST):
        openings.setdefault(packet.stream_index, packet)
        if len(openings) == len(streams):
            break
    tables = {}
    with path.open("rb") as file:
        tracks = _tracks(file, path.stat().st_size)
        for stream in streams:
            opening, entries, boxes = openings.get(stream.index), stream.index_entries, tracks.get(stream.id)
            if opening is None or boxes is None or opening.pts is None or opening.dts is None:
                return None
            if _descriptions(file, boxes.get(b"stsd", (0, 0))) != 1:
                return None  # then only the demuxer tells which is in force
            durations = _counted(file, boxes.get(b"stts"), stream.frames)
            offsets = _counted(file, boxes.get(b"ctts"), stream.frames)
            if b"ctts" not in boxes:
                offsets = np.zeros(stream.frames, dtype=np.int64)
            if durations is None or offsets is None or len(entries) != stream.frames:
                return None
            # Where both count from is moved by edit lists, and by writers that keep offsets above zero.
            offsets += opening.pts - opening.dts - offsets[0]
            tables[stream.index] = _Table(
                stream, stream.time_base or Fraction(1), entries, durations, offsets, opening
            )
    return tables


Place = tuple[int, int]
"""Where the body of a box begins and where it ends."""


def _tracks(file: BinaryIO, size: int) -> Mapping[int, Mapping[bytes, Place]]:
    """The boxes of each track's table of samples, by its id (8.3.2)."""
    tracks: dict[int, Mapping[bytes, Place]] = {}
    movie = dict(_boxes(file, (0, size))).get(b"moov", (0, 0))
    for kind, track in _boxes(file, movie):
        inside = dict(_boxes(file, track)) if kind == b"trak" else {}
        if b"tkhd" not in inside:
            continue
        file.seek(inside[b"tkhd"][0])
        header = file.read(24)
        (number,) = struct.unpack_from(">I", header.ljust(24), 20 if header[:1] == b"\1" else 12)
        for name in (b"mdia", b"minf", b"stbl"):
            inside = dict(_boxes(file, inside.get(name, (0, 0))))
        tracks[number] = inside
    return tracks


def _boxes(file: BinaryIO, place: Place) -> Iterator[tuple[bytes, Place]]:
    """The boxes in a row that end within `place` (4.2)."""
    at, end = place
    for _ in range(_MOST_BOXES):
        file.seek(at)
        header = file.read(16)
        if at + 8 > end or len(header) < 8:
            return
        size, kind = struct.unpack_from(">I4s", header)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", header.ljust(16), 8)
            body += 8
        at = at + size if size else end
        if not body <= at <= end:
            return
        yield kind, (body, at)


def _descriptions(file: BinaryIO, place: Place) -> int:
    """How many sample entries there are (8.5.2)."""
    file.seek(place[0])
    return int.from_bytes(file.read(8)[4:])


def _counted(file: BinaryIO, place: Place | None, count: int) -> Column | None:
    """The numbers of `stts` or `ctts`, told with how often each comes in a row; None if not `count`."""
    if place is None:
        return None
    file.seek(place[0])
    words = np.frombuffer(file.read(min(place[1] - place[0], 8 + 8 * count)), dtype=">i4")
    pairs = words[2 : words.size // 2 * 2].reshape(-1, 2).astype(np.int64)
    times, numbers = pairs[:, 0], pairs[:, 1]
    if (times < 0).any() or times.sum() != count:
        return None
    return np.repeat(numbers, times)
