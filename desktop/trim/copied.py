"""Packets copied from the source to the clip: pictures from a keyframe on, sound as closely as it can be."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.packet import Packet

from desktop.errors import Exit, ReelyError
from desktop.media.container import open_media, shown
from desktop.media.packets import StreamPackets
from desktop.media.probe import AudioInfo
from desktop.trim.plan import ClipPlan

# Codecs that MP4 carries and players play there; others are encoded anew (sound) or refused (pictures).
MP4_PICTURES = {"h264", "hevc", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video"}
MP4_SOUNDS = {"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"}
# Sound is decoded this long before it is heard: what a decoder needs to settle (RFC 7845, 4.6: 80 ms for
# Opus; AAC and MP3 overlap with the packet before).
_PREROLL = Fraction(8, 100)


def read_numbered(
    path: Path, packets: StreamPackets, wanted: Collection[int]
) -> Iterator[tuple[int, Packet[Any]]]:
    """The packets with these numbers (positions in decoding order), in that order.

    Packets are told by their times. Raises ReelyError `source-changed` where one of them is not found.
    """
    first, last = min(wanted), max(wanted)
    numbers = {(int(packets.pts[n]), int(packets.dts[n])): n for n in wanted}
    stop = int(packets.dts[last])
    # Seeking is not exact in every container; where it lands too late, the file is read from its start.
    for seek in (first, 0) if first else (0,):
        found = 0
        with open_media(path) as container:
            stream = container.streams[packets.index]
            if seek:
                container.seek(int(packets.dts[seek]), stream=stream, backward=True)
            for packet in container.demux(stream):
                if packet.size == 0:
                    continue
                pts = packet.pts if packet.pts is not None else packet.dts
                dts = packet.dts if packet.dts is not None else pts
                if pts is None or dts is None:
                    continue
                number = numbers.get((pts, dts))
                if number is None:
                    if dts > stop:
                        break
                    continue
                if not found and number != first:
                    break  # landed behind the first one
                found += 1
                yield number, packet
                if found == len(numbers):
                    return
        if found:
            break
    raise ReelyError(
        "source-changed",
        f"{shown(path)} does not hold any more what it held a moment ago.",
        "Leave the file alone while it is cut, and try again.",
        Exit.MEDIA,
    )


def copied_sound(
    path: Path, audio: AudioInfo, packets: StreamPackets, clip: ClipPlan
) -> Iterator[Packet[Any]]:
    """The sound of the clip as copied packets, in samples on the clip's clock.

    The first segment begins to the sample (what is before it, is at negative times and hidden by the edit
    list); so does the end. At joins packets follow each other as closely as whole packets can.
    """
    rate = audio.sample_rate
    positions = packets.sample_positions(rate)
    ends = np.append(positions[1:], positions[-1] + _last_length(packets, rate))
    written_to: int | None = None
    for segment, offset in zip(clip.segments, clip.offsets, strict=False):
        start, stop = round(segment.start * rate), round(segment.end * rate)
        shift = round(offset * rate) - start
        begin = start - (round(_PREROLL * rate) if written_to is None else 0)
        wanted = np.flatnonzero((ends > begin) & (positions < stop))
        if written_to is not None:
            # At a join half a packet may be lost or doubled, never more.
            wanted = wanted[(positions[wanted] + ends[wanted]) // 2 + shift >= written_to]
        for number, packet in read_numbered(path, packets, wanted.tolist()) if wanted.size else ():
            place = max(int(positions[number]) + shift, written_to if written_to is not None else -stop)
            end = int(ends[number]) + shift
            if segment is clip.segments[-1]:
                end = min(end, stop + shift)
            written_to = max(end, place + 1)
            yield retimed(packet, place, place, written_to - place, Fraction(1, rate))


def _last_length(packets: StreamPackets, rate: int) -> int:
    return max(1, round(int(packets.duration[-1]) * packets.time_base * rate))


def retimed(packet: Packet[Any], pts: int, dts: int, duration: int, time_base: Fraction) -> Packet[Any]:
    """The packet with other times."""
    packet.time_base = time_base
    packet.pts, packet.dts, packet.duration = pts, dts, duration
    return packet
