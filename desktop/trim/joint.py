"""What a codec has to tell so that copied pictures and pictures encoded anew make one track."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from av.packet import Packet

from desktop.trim.bits import UnfitError
from desktop.trim.media import Picture
from desktop.trim.picture import PictureFormat
from desktop.trim.plan import CopyRule

Sample: TypeAlias = bytes | memoryview
"""A picture as the clip holds it; a view of the source's packet where nothing of it changes."""

StandIn: TypeAlias = "Callable[[Packet[Any], Packet[Any]], bytes]"


@dataclass(frozen=True)
class SampleEntry:
    """The one description that all pictures of the track share: its type, and the codec's record in it."""

    tag: str
    extradata: bytes | None = None
    """None where the source's own is to stay."""


@dataclass(frozen=True, eq=False)
class Joint(ABC):
    """A source whose pictures can be copied beside encoded ones. Made by `desktop.trim.joints.joint_of`."""

    picture: Picture
    extradata: bytes
    """What the source's container holds of its codec apart from the pictures."""

    @abstractmethod
    def format(self) -> PictureFormat:
        """How pictures are encoded so that they fit: like the source's. Raises UnfitError."""

    @abstractmethod
    def entry(self, encoder: bytes | None) -> SampleEntry:
        """The sample entry, for pictures of the source and of an encoder with this extradata (None: there
        are no encoded ones). Raises UnfitError."""

    def rule(self) -> CopyRule:
        """Where copying may begin: at every keyframe, less the leading pictures after it."""
        return CopyRule(self.picture.packets.key)

    def copied(self, packet: Packet[Any]) -> Sample:
        """A picture of the source as a sample of the clip. Raises UnfitError."""
        return memoryview(packet)

    def begun(self, packet: Packet[Any]) -> Sample:
        """The same for the keyframe with which copying begins after other pictures of the clip."""
        return self.copied(packet)

    def leading_format(self) -> PictureFormat:
        """How leading pictures are encoded that keep their places (`CopyPackets.leading`)."""
        return self.format()

    def stand_ins(self, key: Packet[Any], encoder: bytes) -> StandIn:  # noqa: ARG002
        """What makes the samples of such pictures after the keyframe `key`, of (the source's, encoded) ones.

        They were encoded under the encoder's extradata, and are asked for in decoding order.
        """
        return lambda _source, encoded: bytes(encoded)

    def encoded(
        self,
        packets: Iterator[Packet[Any]],
        following: bytes | None,  # noqa: ARG002
        encoder: bytes,  # noqa: ARG002
    ) -> Iterator[Packet[Any]]:
        """Pictures as the encoder gave them, under its extradata, as samples of the clip.

        `following` is the source's keyframe from which on pictures are copied after them. Raises UnfitError.
        """
        yield from packets


def with_data(packet: Packet[Any], data: Sample) -> Packet[Any]:
    """The packet with other bytes."""
    if isinstance(data, memoryview) or data == bytes(packet):
        return packet
    other: Packet[Any] = Packet(data)
    other.time_base = packet.time_base
    other.pts, other.dts, other.is_keyframe = packet.pts, packet.dts, packet.is_keyframe
    return other


def quite_like(picture: Picture, pixel_formats: set[str]) -> None:
    """Raise UnfitError unless the source's pixels are of a kind that the encoder writes."""
    if picture.info.pixel_format not in pixel_formats:
        raise UnfitError("the encoder cannot write pictures quite like the source's")


def pixel_filter(picture: Picture) -> tuple[tuple[str, dict[str, str]], ...]:
    """The filter that keeps pixels as they are in the source."""
    return (("format", {"pix_fmts": (picture.info.pixel_format or "yuv420p").replace("yuvj", "yuv")}),)
