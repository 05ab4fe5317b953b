"""HEVC: one sample entry (`hvc1`) with the parameter sets of source and encoder, told apart by their ids.

x265 numbers all its sets 0, so they and what refers to them are renumbered; nothing of the source is, but for
one thing: where copying begins at a CRA picture after other pictures, it is marked as a broken link (BLA), so
that a decoder starts anew there. Its leading pictures are encoded, those of later ones are copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from av.packet import Packet

from desktop.trim.bits import UnfitError
from desktop.trim.hevc import (
    IRAP,
    ParameterSets,
    as_broken_link,
    is_picture,
    kind_of,
    message_kind,
    renumbered_slice,
)
from desktop.trim.joint import Joint, SampleEntry, pixel_filter, quite_like, with_data
from desktop.trim.nal import nal_units, with_lengths
from desktop.trim.picture import REORDER_DEPTH, PictureFormat
from desktop.trim.tracks import reordering

_PIXELS = {f"yuv{kind}" for kind in ("420p", "420p10le", "422p", "422p10le", "444p", "444p10le")} | {
    "yuvj420p"
}
# Mastering display, content light level, ambient viewing environment (ITU-T H.265, D.2.1): they last.
_LASTING_MESSAGES = {137, 144, 148}


@dataclass(frozen=True, eq=False)
class HevcJoint(Joint):
    """Raises UnfitError where the source is not of a kind that x265 writes."""

    sets: ParameterSets = field(init=False)

    def __post_init__(self) -> None:
        quite_like(self.picture, _PIXELS)
        if self.picture.info.interlaced:
            raise UnfitError("its pictures are coded as separate fields")
        object.__setattr__(self, "sets", ParameterSets.from_extradata(self.extradata))

    def format(self) -> PictureFormat:
        """Of a quality near to transparent; colours, sample aspect and HDR go with the decoded pictures."""
        depth = min(reordering(self.picture.packets.pts), REORDER_DEPTH)
        params = {
            "log-level": "error",
            "repeat-headers": 0,
            "info": 0,
            "open-gop": 0,
            "keyint": -1,
            "scenecut": 0,
            "bframes": 3 if depth else 0,
            "b-pyramid": int(depth > 1),
            "rc-lookahead": 10,
        }
        options = {
            "c:v": "libx265",
            "crf": "15",
            "preset": "ultrafast",
            "tag:v": "hvc1",
            "x265-params": ":".join(f"{name}={value}" for name, value in params.items()),
        }
        return PictureFormat(options, pixel_filter(self.picture), depth)

    def entry(self, encoder: bytes | None) -> SampleEntry:
        if encoder is None:
            return SampleEntry("hvc1", self.sets.hvcc())
        return SampleEntry("hvc1", self.sets.joined(self._beside(encoder)).hvcc())

    def copied(self, packet: Packet[Any]) -> bytes:
        return with_lengths(self.sets.units_of(bytes(packet)), 4)

    def begun(self, packet: Packet[Any]) -> bytes:
        units = list(self.sets.units_of(bytes(packet)))
        if not all(kind_of(unit) in IRAP for unit in units if is_picture(unit)):
            raise UnfitError("pictures after its keyframes refer to those before")
        return with_lengths(map(as_broken_link, units), 4)

    def encoded(
        self,
        packets: Iterator[Packet[Any]],
        following: bytes | None,  # noqa: ARG002
        encoder: bytes,
    ) -> Iterator[Packet[Any]]:
        sets = self._beside(encoder)
        lasting = [unit for unit in sets.messages if message_kind(unit) in _LASTING_MESSAGES]
        for packet in packets:
            units = (
                renumbered_slice(unit, sets.picture_number) if is_picture(unit) else unit
                for unit in nal_units(bytes(packet), sets.length_size)
            )
            yield with_data(packet, with_lengths([*lasting, *units], 4))
            lasting = []

    def _beside(self, encoder: bytes) -> ParameterSets:
        return ParameterSets.from_extradata(encoder).beside(self.sets)
