"""Reading only the stretches of a file that a cut is about, where its head has a table of all packets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

Span = tuple[Fraction, Fraction]
"""From when to when, in seconds of the file."""

# What a decoder may need before a span: pictures of an open group refer to the group before it.
_KEYFRAMES_BEFORE = 2
_SECONDS_BEFORE = Fraction(1)


def is_mp4(container: str) -> bool:
    """Whether FFmpeg's name of a format means MP4 and its kin."""
    return "mov" in container.split(",")


def has_table(container: InputContainer, streams: Sequence[Stream]) -> bool:
    """Whether the head lists every packet of `streams`: MP4's sample tables, with no fragments after them."""
    return is_mp4(container.format.name) and all(
        0 < stream.frames <= len(stream.index_entries) for stream in streams
    )


def packets_around(
    container: InputContainer, streams: Sequence[Stream], spans: Sequence[Span]
) -> Iterator[Packet[Any] | None]:
    """The packets of all `streams` around `spans`, in the file's order; None wherever some are left out.

    It begins some keyframes of the first stream before each span, and ends when everything that is presented
    in it has come. Needs `has_table`.
    """
    lead = streams[0]
    tick = lead.time_base or Fraction(1)
    reached: dict[int, int] = {}
    for begin, end in sorted(spans):
        begins = landing(lead, begin)
        if begins is not None and begins > reached.get(lead.index, -1):
            container.seek(begins, stream=lead)
            yield None
        last = {stream.index: last_needed(stream, end) for stream in streams[1:]}
        key: int | None = None
        for packet in container.demux(*streams):
            index, dts = packet.stream_index, packet.dts
            if packet.size == 0 or dts is None:
                continue
            if dts > reached.get(index, dts - 1):
                reached[index] = dts
                yield packet
            if index != lead.index:
                continue
            if key is None and packet.is_keyframe and (packet.pts or dts) * tick >= end:
                key = packet.pts or dts
            if key is not None and dts >= key and _have(reached, last):
                break  # every picture shown before that keyframe has been decoded before it is shown


def landing(lead: Stream, begin: Fraction) -> int | None:
    """The decoding time of the keyframe to read from; None for the start of the file.

    Where pictures are reordered FFmpeg goes to the one before, as it is the last presented at that time.
    """
    if lead.time_base is None:
        return None
    entries = lead.index_entries
    tick = math.floor((begin - _SECONDS_BEFORE) / lead.time_base)
    for _ in range(_KEYFRAMES_BEFORE):
        number = entries.search_timestamp(tick)
        if number <= 0:
            return None
        tick = entries[number].timestamp - 1
    return tick + 1


def last_needed(stream: Stream, end: Fraction) -> int:
    """The decoding time by which the stream has brought all that is presented before `end`."""
    entries = stream.index_entries
    final = entries[len(entries) - 1].timestamp
    return min(final, math.ceil(end / stream.time_base)) if stream.time_base is not None else final


def _have(reached: Mapping[int, int], wanted: Mapping[int, int]) -> bool:
    return all(reached.get(index, tick - 1) >= tick for index, tick in wanted.items())
