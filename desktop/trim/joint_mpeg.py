"""MPEG-2 and MPEG-4 part 2: every keyframe brings the headers of its part.

Headers stand in front of I pictures (ISO/IEC 13818-2, 6.1.1.6; ISO/IEC 14496-2, 6.2.3), and a decoder takes
them as they come. Where the source keeps them apart from its pictures, they are put there. Leading B pictures
of the group with which copying begins are encoded.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.packet import Packet

from desktop.trim.bits import UnfitError
from desktop.trim.joint import Joint, Sample, SampleEntry, pixel_filter, quite_like, with_data
from desktop.trim.picture import PictureFormat
from desktop.trim.tracks import reordering

_SEQUENCE, _EXTENSION = b"\0\0\1\xb3", b"\0\0\1\xb5"  # MPEG-2
# frame_rate_code (table 6-4)
_RATES = {code: Fraction(rate) for code, rate in enumerate(
    ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"), start=1
)}  # fmt: skip
_LAYERS, _PICTURE = range(0x20, 0x30), b"\0\0\1\xb6"  # MPEG-4: video_object_layer_start_code, VOP
_LARGEST_CLOCK = 65535  # ticks a second in MPEG-4 part 2


@dataclass(frozen=True, eq=False)
class MpegJoint(Joint):
    """What both have in common."""

    @abstractmethod
    def headers(self, data: bytes) -> bytes:
        """The headers that a picture begins with, as far as they say what the pictures are like."""

    def entry(self, encoder: bytes | None) -> SampleEntry:  # noqa: ARG002 - headers are with the pictures
        return SampleEntry("mp4v")

    def copied(self, packet: Packet[Any]) -> Sample:
        data = bytes(packet)
        if not packet.is_keyframe:
            return data
        told, known = self.headers(data), self.headers(self.extradata)
        if not told and not known:
            raise UnfitError("its headers are missing")
        if told and known and told != known:
            raise UnfitError("its headers change on the way")
        return data if told else self.extradata + data

    def encoded(
        self,
        packets: Iterator[Packet[Any]],
        following: bytes | None,  # noqa: ARG002
        encoder: bytes,
    ) -> Iterator[Packet[Any]]:
        for packet in packets:
            data = bytes(packet)
            yield with_data(packet, encoder + data if packet.is_keyframe and not self.headers(data) else data)

    def _format(self, encoder: str, flags: str, distance: Fraction | None = None) -> PictureFormat:
        depth = min(reordering(self.picture.packets.pts), 1)
        options = {
            "c:v": encoder,
            "q:v": "2",
            "g": "600",
            "bf": str(2 * depth),
            "flags": f"+cgop{flags}",
            "sc_threshold": "1000000000",  # a change of scene would begin a group, which cgop does not allow
            "tag:v": "mp4v",
        }
        return PictureFormat(options, pixel_filter(self.picture), depth, distance)


@dataclass(frozen=True, eq=False)
class Mpeg2Joint(MpegJoint):
    """Raises UnfitError where the source is not of a kind that FFmpeg's encoder writes."""

    def __post_init__(self) -> None:
        quite_like(self.picture, {"yuv420p", "yuv422p"})
        if not self.headers(self.extradata):
            raise UnfitError("its headers are missing")

    def format(self) -> PictureFormat:
        extension = self.extradata.find(_EXTENSION)
        # progressive_sequence (6.2.2.3), which decides how many rows of macroblocks there are
        progressive = extension >= 0 and bool(self.extradata[extension + 5] >> 3 & 1)
        rate = _RATES.get(self.extradata[7] & 0xF)
        if rate is None:
            raise UnfitError("its rate of pictures is an unusual one")
        return self._format("mpeg2video", "" if progressive else "+ilme+ildct", 1 / rate)

    def headers(self, data: bytes) -> bytes:
        """Size, shape of pixels and rate of the sequence header (6.2.2.1)."""
        return data[4:8] if data.startswith(_SEQUENCE) else b""


@dataclass(frozen=True, eq=False)
class Mpeg4Joint(MpegJoint):
    """Raises UnfitError where the source is not of a kind that FFmpeg's encoder writes."""

    def __post_init__(self) -> None:
        quite_like(self.picture, {"yuv420p"})
        if self.picture.packets.time_base.denominator > _LARGEST_CLOCK:
            raise UnfitError("its clock is finer than its encoder's can be")

    def format(self) -> PictureFormat:
        return self._format("mpeg4", "+ilme+ildct" if self.picture.info.interlaced else "")

    def headers(self, data: bytes) -> bytes:
        """The header of the video object layer (6.2.3)."""
        at = data.find(b"\0\0\1")
        while 0 <= at < len(data) - 4:
            if data[at + 3] in _LAYERS:
                end = data.find(b"\0\0\1", at + 3)
                return data[at : end if end >= 0 else len(data)]
            if data.startswith(_PICTURE, at):
                return b""
            at = data.find(b"\0\0\1", at + 3)
        return b""

    def copied(self, packet: Packet[Any]) -> Sample:
        data = bytes(packet)
        if data.count(_PICTURE) != 1:
            raise UnfitError("its pictures are packed together")
        return super().copied(packet)
