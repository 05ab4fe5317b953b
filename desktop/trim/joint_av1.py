"""AV1: a shown key frame resets the decoder, and each one brings the sequence header of its part.

The sample entry stays the source's. A sync sample has a sequence header of its own (AV1 Codec ISO Media File
Format Binding, 2.4), and a decoder goes over to another one at a key frame. What headers tell of the picture
(size, profile, depth, colours) is the same in all of them; which tools an encoder uses may differ, as it may
even between the entry and the samples of one encoder (SVT-AV1 does that).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from av.packet import Packet

from desktop.trim.av1 import SEQUENCE_HEADER, SequenceHeader, begins_anew, obus, with_size
from desktop.trim.bits import UnfitError
from desktop.trim.joint import Joint, Sample, SampleEntry, pixel_filter, quite_like
from desktop.trim.picture import PictureFormat

_PIXELS = {"yuv420p", "yuv420p10le"}
_RECORD = 4  # bytes of av1C before its OBUs
# Temporal delimiters, redundant frame headers, tile lists and padding are not stored in MP4 (2.4).
_LEFT_OUT = {2, 7, 8, 15}


@dataclass(frozen=True, eq=False)
class Av1Joint(Joint):
    """Raises UnfitError where the source is not of a kind that SVT-AV1 writes."""

    header: bytes = field(init=False)
    """The payload of the source's sequence header."""

    def __post_init__(self) -> None:
        quite_like(self.picture, _PIXELS)
        object.__setattr__(self, "header", _header_in(self.extradata))
        if self._told.layered:
            raise UnfitError("it has more than one layer")

    def format(self) -> PictureFormat:
        """Low delay: no picture waits for later ones, and a part of few pictures is there at once."""
        options = {
            "c:v": "libsvtav1",
            "preset": "9",
            "crf": "20",
            "g": "9999",
            "svtav1-params": "pred-struct=1:scd=0",
            "tag:v": "av01",
        }
        return PictureFormat(options, pixel_filter(self.picture), 0)

    def entry(self, encoder: bytes | None) -> SampleEntry:
        if encoder is not None:
            color = self.picture.info.color
            container = (color.primaries, color.transfer, color.matrix)
            ours = SequenceHeader.read(_header_in(encoder))
            if ours.color == container:  # told by the container only, or by both
                ours = replace(ours, color=self._told.color)
            if ours != self._told:
                raise UnfitError("the encoder cannot write pictures quite like the source's")
        return SampleEntry("av01")

    def copied(self, packet: Packet[Any]) -> Sample:
        units = [unit for unit in obus(bytes(packet)) if unit.kind not in _LEFT_OUT]
        headers = [unit.payload for unit in units if unit.kind == SEQUENCE_HEADER]
        if any(header != self.header and SequenceHeader.read(header) != self._told for header in headers):
            raise UnfitError("its sequence header changes on the way")
        data = b"".join(unit.data for unit in units)
        if packet.is_keyframe and not headers:
            return with_size(SEQUENCE_HEADER, self.header) + data
        return data

    def begun(self, packet: Packet[Any]) -> Sample:
        if not begins_anew(obus(bytes(packet)), self._told):
            raise UnfitError("pictures after its keyframes refer to those before")
        return self.copied(packet)

    @property
    def _told(self) -> SequenceHeader:
        return SequenceHeader.read(self.header)


def _header_in(record: bytes) -> bytes:
    """The payload of the sequence header in an AV1CodecConfigurationRecord (2.3). Raises UnfitError."""
    if record[:1] == b"\x81":
        for unit in obus(record[_RECORD:]):
            if unit.kind == SEQUENCE_HEADER:
                return unit.payload
    raise UnfitError("its sequence header is missing")
