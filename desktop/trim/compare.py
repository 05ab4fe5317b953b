"""Whether what was copied is the source's: byte by byte, or picture by picture."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.packet import Packet

from desktop.media.container import open_media
from desktop.media.packets import StreamPackets, Ticks
from desktop.trim.media import Picture
from desktop.trim.plan import ClipPlan


@dataclass(frozen=True, eq=False)
class Original:
    """What a copied clip is a copy of."""

    picture: Picture
    plan: ClipPlan

    def is_shown_by(self, path: Path, clip: StreamPackets, first: int, stop: int) -> bool:
        """Whether the clip's packets `first` to `stop` (in decoding order) decode to the source's pictures.

        Decoding starts at packet `first`, a keyframe; what is shown before it is left out.
        """
        part = clip.pts[first:stop]
        return self.is_seen_at(path, clip, first, part[part >= clip.pts[first]])

    def is_seen_at(self, path: Path, clip: StreamPackets, start: int, ticks: Ticks) -> bool:
        """Whether the clip shows the source's pictures at these ticks, decoded from packet `start` on."""
        wanted = set(ticks.tolist())
        shown = _digests(path, clip, start, wanted)
        return shown.keys() == wanted and shown == self._expected(clip, wanted)

    def _expected(self, clip: StreamPackets, ticks: Collection[int]) -> dict[int, bytes]:
        """Digests of the source's pictures that the clip shows at `ticks`."""
        source = self.picture.packets
        found: dict[int, bytes] = {}
        for segment, offset in zip(self.plan.segments, self.plan.offsets, strict=False):
            if segment.ticks is None:
                continue
            begins = round(offset / clip.time_base)
            places = np.rint((segment.ticks - segment.ticks[0]) * float(source.time_base / clip.time_base))
            at = dict(zip(segment.ticks.tolist(), (places.astype(np.int64) + begins).tolist(), strict=True))
            wanted = {tick for tick, place in at.items() if place in ticks}
            if wanted:
                start = _settled_before(source, min(wanted))
                digests = _digests(self.picture.path, source, start, wanted)
                found |= {at[tick]: digest for tick, digest in digests.items()}
        return found


@dataclass(frozen=True)
class CopiedPart:
    """So many packets in a row, and the CRC-32 of all that they hold.

    It tells of faults, not of malice, as those of a disk do; and checks gigabytes in a second. The numbers in
    `compared`, counted from the first one, are those to be compared as pictures.
    """

    count: int
    checksum: int
    compared: tuple[int, ...] = ()


@dataclass
class Checksum:
    """Grows to a `CopiedPart`, packet by packet."""

    count: int = 0
    value: int = 0

    def add(self, sample: bytes | memoryview | Packet[Any]) -> None:
        self.count += 1
        self.value = zlib.crc32(sample, self.value)

    def part(self, compared: tuple[int, ...] = ()) -> CopiedPart:
        return CopiedPart(self.count, self.value, compared)


def _settled_before(packets: StreamPackets, tick: int) -> int:
    """The number of a keyframe from which the picture at `tick` decodes with all that it refers to."""
    keys = np.flatnonzero(packets.key)
    before = keys[packets.pts[keys] <= tick]
    if not before.size:
        return 0
    if packets.clean[before[-1]] or before.size == 1:
        return int(before[-1])
    return int(before[-2])


def _digests(path: Path, packets: StreamPackets, start: int, wanted: Collection[int]) -> dict[int, bytes]:
    """Digests of the pictures presented at the ticks `wanted`, decoded from packet `start` on."""
    last, digests = max(wanted), {}
    with open_media(path) as container:
        stream = container.streams[packets.index]
        if start:
            container.seek(packets.seek_tick(start), stream=stream, backward=True)
        for frame in container.decode(stream):
            if not isinstance(frame, av.VideoFrame) or frame.pts is None:
                continue
            if frame.pts in wanted:
                digests[frame.pts] = hashlib.blake2b(frame.to_ndarray().tobytes(), digest_size=16).digest()
            if frame.pts >= last:
                break
    return digests
