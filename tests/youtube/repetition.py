"""Long videos at no cost: a fragmented MP4 whose fragments are sent again and again with later times.

Nothing is encoded or stored: the bytes of a two-hour video are worked out as they are read. Frame numbers
start anew with every repetition; beeps go on as if the sound were one (their cycle divides the repetition).
Boxes are those of ISO/IEC 14496-12.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from tests.youtube.media import Format, Media, Rendition, mp4_boxes


@dataclass(frozen=True)
class _Fragment:
    """A `moof` with its `mdat`, and where its sequence number and its decode time are to be written."""

    data: bytes
    ticks: int
    sequence_at: int
    time_at: int

    def at(self, number: int, time: int) -> bytes:
        """The bytes of this fragment as the file's fragment `number` (from 1), `time` ticks after its own."""
        data = bytearray(self.data)
        struct.pack_into(">I", data, self.sequence_at, number)
        own = struct.unpack_from(">Q", data, self.time_at)[0]
        struct.pack_into(">Q", data, self.time_at, own + time)
        return bytes(data)


class Repetition:
    """A rendition that repeats another, fragmented one `times` times; serves like a `Rendition`."""

    def __init__(self, rendition: Rendition, times: int) -> None:
        self.format: Format = rendition.format
        self.seconds = rendition.seconds * times
        self._head, self._timescale, fragments = _taken_apart(rendition.path)
        self._loop = round(rendition.seconds * self._timescale)
        self._fragments = _fitted(fragments, self._loop)
        index = _sidx(self._timescale, self._fragments, times)
        self._head += index
        self.init_range = (0, len(self._head) - len(index) - 1)
        self.index_range = (len(self._head) - len(index), len(self._head) - 1)
        self._starts = [0, *accumulate(len(fragment.data) for fragment in self._fragments)]
        self.size = len(self._head) + times * self._starts[-1]

    @property
    def bit_rate(self) -> int:
        return round(self.size * 8 / self.seconds)

    def read(self, first: int, count: int) -> Iterator[bytes]:
        """`count` bytes from byte `first` on, a fragment at a time."""
        end = min(first + count, self.size)
        if first < len(self._head):
            yield self._head[first : min(end, len(self._head))]
            first = len(self._head)
        while first < end:
            loop, within = divmod(first - len(self._head), self._starts[-1])
            place = bisect_right(self._starts, within) - 1
            number = loop * len(self._fragments) + place + 1
            data = self._fragments[place].at(number, loop * self._loop)
            piece = data[within - self._starts[place] :][: end - first]
            first += len(piece)
            yield piece


Stream = Rendition | Repetition
"""What is served: an encoded file, or its repetition."""


def streams_of(media: Media, seconds: int, itags: tuple[int, ...] = ()) -> dict[int, Stream]:
    """What `media` offers for a video of `seconds`, by itag; of `itags` only, where any are named.

    Only fragmented MP4s can be repeated, so a video longer than the recording has no WebM and no itag 18.
    """
    chosen = {itag: each for itag, each in media.renditions.items() if not itags or itag in itags}
    times, rest = divmod(seconds, round(media.seconds))
    if rest:
        raise ValueError(f"{seconds} s is no multiple of the recording's {media.seconds:g} s")
    if times == 1:
        return dict(chosen)
    return {
        itag: Repetition(each, times)
        for itag, each in chosen.items()
        if each.format.container == "mp4" and each.index_range is not None
    }


def _taken_apart(path: Path) -> tuple[bytes, int, list[_Fragment]]:
    """What comes before the `sidx`, the ticks a second, and the fragments."""
    data = path.read_bytes()
    head, timescale, moof = b"", 0, b""
    ticks: list[int] = []
    fragments: list[_Fragment] = []
    for kind, at, size in mp4_boxes(path):
        box = data[at : at + size]
        if kind == "sidx":
            head = data[:at]
            timescale, ticks = _sidx_ticks(box)
        elif kind == "moof":
            moof = box
        elif kind == "mdat":
            # Both fields are found by their boxes' names, which FFmpeg writes in full boxes of fixed layout.
            sequence_at, time_at = moof.index(b"mfhd") + 8, moof.index(b"tfdt") + 8
            fragments.append(_Fragment(moof + box, ticks[len(fragments)], sequence_at, time_at))
    return head, timescale, fragments


def _sidx_ticks(box: bytes) -> tuple[int, list[int]]:
    timescale = struct.unpack_from(">I", box, 16)[0]
    count_at = 20 + (8 if box[8] == 0 else 16) + 2
    count = struct.unpack_from(">H", box, count_at)[0]
    return timescale, [struct.unpack_from(">I", box, count_at + 2 + 12 * at + 4)[0] for at in range(count)]


def _fitted(fragments: list[_Fragment], loop: int) -> list[_Fragment]:
    """The fragments with as many samples as fit into `loop` ticks.

    An AAC track has a frame more than its sound is long, which would overlap with the next repetition.
    """
    *before, last = fragments
    left = loop - sum(fragment.ticks for fragment in before)
    moof_size = struct.unpack_from(">I", last.data)[0]
    trun_at = last.data.index(b"trun") - 4
    flags, samples = struct.unpack_from(">II", last.data, trun_at + 8)
    flags &= 0xFFFFFF
    if not flags & 0x100:  # all samples are equally long: a video track, which fits
        return [*before, _Fragment(last.data, left, last.sequence_at, last.time_at)]
    entry = 4 * (flags & 0xF00).bit_count()
    entries_at = trun_at + 16 + 4 * (flags & 0x5).bit_count()
    durations = [struct.unpack_from(">I", last.data, entries_at + entry * at)[0] for at in range(samples)]
    kept = next((at for at, end in enumerate(accumulate(durations), 1) if end >= left), samples)
    sizes = [struct.unpack_from(">I", last.data, entries_at + entry * at + 4)[0] for at in range(samples)]
    cut = entry * (samples - kept)
    moof = bytearray(
        last.data[: entries_at + entry * kept] + last.data[entries_at + entry * samples : moof_size]
    )
    for box in (b"moof", b"traf", b"trun"):
        at = moof.index(box) - 4
        struct.pack_into(">I", moof, at, struct.unpack_from(">I", moof, at)[0] - cut)
    struct.pack_into(">I", moof, trun_at + 12, kept)
    data_offset = struct.unpack_from(">i", moof, trun_at + 16)[0]
    struct.pack_into(">i", moof, trun_at + 16, data_offset - cut)
    too_long = sum(durations[:kept]) - left
    struct.pack_into(">I", moof, entries_at + entry * (kept - 1), durations[kept - 1] - too_long)
    payload = last.data[moof_size + 8 : moof_size + 8 + sum(sizes[:kept])]
    mdat = struct.pack(">I4s", len(payload) + 8, b"mdat") + payload
    return [*before, _Fragment(bytes(moof) + mdat, left, last.sequence_at, last.time_at)]


def _sidx(timescale: int, fragments: list[_Fragment], times: int) -> bytes:
    """A version 1 `sidx` (8.16.3) over all repetitions; every fragment starts with a keyframe."""
    references = b"".join(
        struct.pack(">III", len(fragment.data), fragment.ticks, 0x90000000)
        for _ in range(times)
        for fragment in fragments
    )
    body = struct.pack(">IIIQQHH", 1 << 24, 1, timescale, 0, 0, 0, times * len(fragments))
    return struct.pack(">I4s", 8 + len(body) + len(references), b"sidx") + body + references
