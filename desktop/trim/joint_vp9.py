"""VP9: a keyframe resets the decoder, so parts follow each other as they are.

What is coded ahead of its turn (alternate references) comes in one packet with the picture shown next, a
superframe, so packets are in order of presentation and any of them can be the last.

Syntax: VP9 Bitstream & Decoding Process Specification 0.7, 6.2 and annex B.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from av.packet import Packet

from desktop.trim.bits import UnfitError
from desktop.trim.joint import Joint, SampleEntry, pixel_filter, quite_like
from desktop.trim.picture import PictureFormat

_PIXELS = {f"yuv{kind}{depth}" for kind in ("420p", "422p", "440p", "444p") for depth in ("", "10le", "12le")}


@dataclass(frozen=True, eq=False)
class Vp9Joint(Joint):
    """Raises UnfitError where the source is not of a kind that libvpx writes."""

    def __post_init__(self) -> None:
        quite_like(self.picture, _PIXELS)

    def format(self) -> PictureFormat:
        """The profile follows from the pixels; colours go with the decoded pictures."""
        options = {
            "c:v": "libvpx-vp9",
            "deadline": "realtime",
            "cpu-used": "7",
            "row-mt": "1",
            "tile-columns": "2",
            "crf": "16",
            "b:v": "0",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "g": "9999",
            "tag:v": "vp09",
        }
        return PictureFormat(options, pixel_filter(self.picture), 0)

    def entry(self, encoder: bytes | None) -> SampleEntry:  # noqa: ARG002 - VP9 has nothing to tell there
        return SampleEntry("vp09")

    def copied(self, packet: Packet[Any]) -> bytes:
        data = bytes(packet)
        if sum(is_shown(frame) for frame in frames_of(data)) != 1:
            raise UnfitError("its hidden pictures are not together with those shown")
        return data


def frames_of(data: bytes) -> Iterator[bytes]:
    """The frames of a packet: those that a superframe's index tells, else the packet itself (annex B)."""
    mark = data[-1] if data else 0
    if mark & 0xE0 == 0xC0:
        count, width = (mark & 7) + 1, (mark >> 3 & 3) + 1
        index = data[-2 - count * width :]
        if len(index) == 2 + count * width and index[0] == mark:
            at = 0
            for place in range(1, 1 + count * width, width):
                size = int.from_bytes(index[place : place + width], "little")
                yield data[at : at + size]
                at += size
            return
    yield data


def is_shown(frame: bytes) -> bool:
    """show_existing_frame or show_frame of a frame (6.2)."""
    if not frame or frame[0] >> 6 != 2:
        return False
    profile = frame[0] >> 5 & 1 | frame[0] >> 3 & 2
    at = 3 if profile < 3 else 2  # from the right: profile 3 has a reserved bit before
    return bool(frame[0] >> at & 1) or bool(frame[0] >> at - 2 & 1)
