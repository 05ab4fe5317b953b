"""H.264 of open groups: copying begins at I pictures that are no IDR ones, in one sequence with all parts.

Such a picture goes on with the numbers of the pictures before it, under the same sequence parameter set. So
the encoded pictures are given the source's set, with one bit changed: gaps in frame numbers are allowed, for
the pictures that are not in the clip. Their own numbers lead up to those of the I picture, and their picture
parameter set has an id of its own. Leading pictures are encoded as I pictures in their places, see
`h264_leading`. What is copied stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from av.packet import Packet

from desktop.trim.bits import UnfitError
from desktop.trim.h264 import ParameterSets, SequenceParameters
from desktop.trim.h264_leading import PictureParameters, StandIns
from desktop.trim.h264_numbering import (
    LEAST_BEFORE,
    Numbering,
    as_plain_picture,
    lasting_messages,
    numbers_of,
    picture_set_of,
    renumbered,
    slices_of,
    with_gaps,
)
from desktop.trim.joint import SampleEntry, StandIn, with_data
from desktop.trim.joint_h264 import PROFILES, H264Joint
from desktop.trim.nal import with_lengths
from desktop.trim.picture import PictureFormat
from desktop.trim.plan import CopyRule


@dataclass(frozen=True, eq=False)
class H264OpenJoint(H264Joint):
    """Raises UnfitError where the source is not of a kind that this can be done with."""

    def __post_init__(self) -> None:
        super().__post_init__()
        like = self.sets.first
        scaled = like.coding[1]
        if len(self.sets.sequences) > 1 or like.order_kind or not like.reference_frames or scaled:
            raise UnfitError("its open groups of pictures are numbered in an unusual way")

    def rule(self) -> CopyRule:
        return CopyRule(self.picture.packets.key, LEAST_BEFORE)

    def format(self) -> PictureFormat:
        """As for closed groups, but pictures refer to the one before only, and without CABAC."""
        form = super().format()
        params = {
            "sps-id": self.sets.free_number(),
            "level": self.sets.first.level,
            "ref": 1,
            "bframes": 0,
            "weightp": 0,
            "cabac": 0,
            "keyint": "infinite",
            "scenecut": 0,
            "open-gop": 0,
            "stitchable": 1,
        }
        options = {name: value for name, value in form.options.items() if name != "qp"} | {
            "force_key_frames": "expr:eq(n,1)",  # numbers jump before the second picture, see `Numbering`
            "preset": "veryfast",
            "crf": "14",
            "profile:v": PROFILES[self.sets.first.profile],
            "x264-params": ":".join(f"{name}={value}" for name, value in params.items()),
        }
        return replace(form, options=options, reorder_depth=0)

    def entry(self, encoder: bytes | None) -> SampleEntry:
        number, like = self.sets.first.number, self.sets.first
        sequences = {number: with_gaps(self.sets.sequences[number], like)}
        pictures = dict(self.sets.pictures)
        if encoder is not None:
            made = ParameterSets.from_extradata(encoder)
            own = made.first
            if (own.coding, own.chroma_format, own.luma_depth, own.chroma_depth, own.frames_only) != (
                like.coding, like.chroma_format, like.luma_depth, like.chroma_depth, like.frames_only,
            ):  # fmt: skip
                raise UnfitError("the encoder cannot write pictures quite like the source's")
            pictures |= {key: picture_set_of(unit, number) for key, unit in made.pictures.items()}
        return SampleEntry("avc1", ParameterSets(sequences, pictures).avcc())

    def begun(self, packet: Packet[Any]) -> bytes:
        data = bytes(packet)
        numbers_of(data, self.sets.length_size, self.sets.first)
        return self.sets.sample(data)

    def leading_format(self) -> PictureFormat:
        """The same, every picture by itself."""
        form = self.format()
        return replace(form, options=form.options | {"force_key_frames": "expr:1"})

    def stand_ins(self, key: Packet[Any], encoder: bytes) -> StandIn:
        (first, *_) = slices_of(bytes(key), self.sets.length_size)
        made = _Encoder.of(encoder)
        stand_ins = StandIns(first, self.sets.first, self.sets.pictures)

        def stand_in(packet: Packet[Any], encoded: Packet[Any]) -> bytes:
            (original, *_) = slices_of(bytes(packet), self.sets.length_size)
            units = slices_of(bytes(encoded), made.length_size)
            if len(units) != 1:
                raise UnfitError("its parts could not be encoded alike")
            like = made.sequence, made.pictures
            return with_lengths([stand_ins.stand_in(units[0], like, original)], 4)

        return stand_in

    def encoded(
        self, packets: Iterator[Packet[Any]], following: bytes | None, encoder: bytes
    ) -> Iterator[Packet[Any]]:
        like, made = self.sets.first, _Encoder.of(encoder)
        after = numbers_of(following, self.sets.length_size, like) if following is not None else None
        pictures = list(packets)  # their numbers lead up to those of what follows, so all have to be there
        numbering = Numbering(len(pictures), like, after)
        for place, packet in enumerate(pictures):
            numbers = numbering.numbers(place)
            units = [
                renumbered(unit, numbers, made.sequence, like)
                if place != 1
                else as_plain_picture(
                    unit,
                    numbers,
                    (made.sequence, made.pictures.bottom_order),
                    like,
                    importance=3,
                    marking="0",
                )
                for unit in slices_of(bytes(packet), made.length_size)
            ]
            lasting = lasting_messages(bytes(packet), made.length_size) if place == 0 else []
            sample = with_data(packet, with_lengths([*lasting, *units], 4))
            sample.is_keyframe = place == 0
            yield sample


@dataclass(frozen=True)
class _Encoder:
    """What the encoder says of its pictures."""

    sequence: SequenceParameters
    pictures: PictureParameters
    length_size: int

    @classmethod
    def of(cls, extradata: bytes) -> _Encoder:
        sets = ParameterSets.from_extradata(extradata)
        (pictures,) = sets.pictures.values()
        return cls(sets.first, PictureParameters.read(pictures), sets.length_size)
