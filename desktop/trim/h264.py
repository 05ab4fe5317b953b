"""H.264's parameter sets and slice headers, as far as pictures of two encoders in one track need them.

Syntax: ITU-T H.264, 7.3; the sample entry's record: ISO/IEC 14496-15, 5.3.3 (avcC).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from desktop.trim.bits import Bits, UnfitError
from desktop.trim.nal import nal_units, payload_bits, with_lengths

_SLICES, _SPS, _PPS = {1, 5}, 7, 8
# Data partitions, and what further layers and views bring (13: SPS extension, 14, 15, 20, 21: SVC, MVC, 3D).
_FOREIGN = {2, 3, 4, 13, 14, 15, 19, 20, 21}
_WITH_CHROMA = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}
_AVCC_WITH_CHROMA = {100, 110, 122, 144}
_LARGEST, _MOST_SEQUENCES, _MOST_PICTURES = 0xFFFF, 31, 255  # bytes and counts that avcC has room for


@dataclass(frozen=True)
class SequenceParameters:
    """What of a sequence parameter set (7.3.2.1.1) tells how to encode alike and to read slice headers."""

    number: int
    profile: int
    compatibility: int
    """The constraint_set flags, as avcC has them."""
    level: int
    chroma_format: int
    luma_depth: int
    chroma_depth: int
    separate_planes: bool
    frame_number_bits: int
    reference_frames: int
    frames_only: bool
    """frame_mbs_only_flag: no picture is interlaced."""
    order_kind: int
    """pic_order_cnt_type."""
    order_bits: int
    """How long pic_order_cnt_lsb is; 0 for other kinds."""
    gaps_at: int
    """Which bit of the payload gaps_in_frame_num_value_allowed_flag is."""
    coding: tuple[int, ...]
    """What else macroblocks depend on: lossless, scaling lists, size in macroblocks, adaptive fields."""


@dataclass(frozen=True)
class ParameterSets:
    """Sequence and picture parameter sets by their ids, as NAL units; `length_size` is that of avcC.

    `length_size` is 0 where NAL units follow start codes (annex B).
    """

    sequences: Mapping[int, bytes]
    pictures: Mapping[int, bytes]
    length_size: int = 4

    @classmethod
    def from_extradata(cls, data: bytes) -> ParameterSets:
        """Read avcC, or NAL units after start codes. Raises UnfitError."""
        if not data:
            raise UnfitError("its parameter sets are missing")
        size = (data[4] & 3) + 1 if data[0] == 1 and len(data) > 6 else 0
        sequences: dict[int, bytes] = {}
        pictures: dict[int, bytes] = {}
        for unit in _avcc_units(data) if size else nal_units(data, 0):
            kind = unit[0] & 0x1F
            if kind not in {_SPS, _PPS}:
                continue
            known = sequences if kind == _SPS else pictures
            if len(unit) > _LARGEST:
                raise UnfitError("its parameter sets are damaged")
            if known.setdefault(_number(unit), unit) != unit:
                raise UnfitError("its parameter sets change on the way")
        if not sequences or not pictures:
            raise UnfitError("its parameter sets are missing")
        return cls(sequences, pictures, size)

    @cached_property
    def parameters(self) -> Mapping[int, SequenceParameters]:
        """The sequence parameter sets, read."""
        return {number: read_sequence(unit) for number, unit in self.sequences.items()}

    @property
    def first(self) -> SequenceParameters:
        """The one with the smallest id."""
        return self.parameters[min(self.sequences)]

    def free_number(self) -> int:
        """An id that neither kind uses. (There are 32 of sequences, table 7.4.2.1.1.)"""
        for number in range(1, 32):
            if number not in self.sequences and number not in self.pictures:
                return number
        raise UnfitError("all ids of parameter sets are taken")

    def joined(self, other: ParameterSets) -> ParameterSets:
        """Both, for one sample entry. Raises UnfitError where ids collide."""
        if self.sequences.keys() & other.sequences.keys() or self.pictures.keys() & other.pictures.keys():
            raise UnfitError("its parameter sets collide with the encoder's")
        return ParameterSets({**self.sequences, **other.sequences}, {**self.pictures, **other.pictures})

    def avcc(self) -> bytes:
        """The sample entry's record, for NAL units with lengths of 4 bytes. Raises UnfitError."""
        if len(self.sequences) > _MOST_SEQUENCES or len(self.pictures) > _MOST_PICTURES:
            raise UnfitError("there are too many parameter sets")
        read = list(self.parameters.values())
        profile = max(one.profile for one in read)
        compatibility = 0xFF
        for one in read:
            compatibility &= one.compatibility
        level = max(one.level for one in read)
        record = bytearray((1, profile, compatibility, level, 0xFC | 3, 0xE0 | len(self.sequences)))
        record += with_lengths(self.sequences.values(), 2)
        record.append(len(self.pictures))
        record += with_lengths(self.pictures.values(), 2)
        if profile in _AVCC_WITH_CHROMA:
            first = self.first
            record += bytes(
                (0xFC | first.chroma_format, 0xF8 | first.luma_depth - 8, 0xF8 | first.chroma_depth - 8, 0)
            )
        return bytes(record)

    def sample(self, data: bytes) -> bytes:
        """An access unit as a sample of a track whose entry holds these sets: lengths of 4 bytes.

        Parameter sets in it are left to the entry. Raises UnfitError where they differ from the entry's, and
        for fields coded as pictures and other layers.
        """
        units = []
        for unit in nal_units(data, self.length_size):
            kind = unit[0] & 0x1F
            if kind in {_SPS, _PPS}:
                known = self.sequences if kind == _SPS else self.pictures
                if known.get(_number(unit)) != unit:
                    raise UnfitError("its parameter sets change on the way")
                continue
            if kind in _FOREIGN:
                raise UnfitError("it has more than one layer")
            if kind in _SLICES and self._is_field(unit):
                raise UnfitError("its pictures are coded as separate fields")
            units.append(unit)
        return with_lengths(units, 4)

    def stays(self, data: bytes | memoryview) -> bool:
        """Whether an access unit is such a sample as it is, told from the heads of its NAL units alone."""
        at, size = 0, self.length_size
        if size != 4 or not self._frames_only:
            return False
        while at + size < len(data):
            kind = data[at + size] & 0x1F
            if kind in {_SPS, _PPS} or kind in _FOREIGN:
                return False
            at += size + int.from_bytes(data[at : at + size])
        return at == len(data)

    @cached_property
    def _frames_only(self) -> bool:
        return all(one.frames_only for one in self.parameters.values())

    @cached_property
    def _sequence_of(self) -> Mapping[int, int]:
        """Which sequence parameter set each picture parameter set belongs to (7.3.2.2)."""
        found = {}
        for number, unit in self.pictures.items():
            bits = payload_bits(unit[1:])
            bits.unsigned()
            found[number] = bits.unsigned()
        return found

    def _is_field(self, unit: bytes) -> bool:
        """field_pic_flag of a slice (7.3.3)."""
        if self._frames_only:
            return False
        bits = payload_bits(unit[1:64])
        bits.unsigned()  # first_mb_in_slice
        bits.unsigned()  # slice_type
        sequence = self.parameters.get(self._sequence_of.get(bits.unsigned(), -1))
        if sequence is None:
            raise UnfitError("its parameter sets are missing")
        if sequence.frames_only:
            return False
        bits.read(2 if sequence.separate_planes else 0)
        bits.read(sequence.frame_number_bits)
        return bool(bits.read(1))


def read_sequence(unit: bytes) -> SequenceParameters:
    """Read a sequence parameter set as far as mb_adaptive_frame_field_flag. Raises UnfitError."""
    if len(unit) < 5:
        raise UnfitError("its parameter sets are damaged")
    profile, compatibility, level = unit[1:4]
    bits = payload_bits(unit[1:])
    bits.read(24)
    number = bits.unsigned()
    chroma, luma_depth, chroma_depth, planes, lossless, scaling = 1, 8, 8, False, 0, 0
    if profile in _WITH_CHROMA:
        chroma = bits.unsigned()
        planes = chroma == 3 and bool(bits.read(1))
        luma_depth, chroma_depth = 8 + bits.unsigned(), 8 + bits.unsigned()
        if chroma > 3 or max(luma_depth, chroma_depth) > 14:  # 7.4.2.1.1
            raise UnfitError("its parameter sets are damaged")
        lossless, scaling = bits.read(1), bits.read(1)
        if scaling:
            _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
    frame_number_bits = 4 + bits.unsigned()
    order_kind, order_bits = _read_order_count(bits)
    references = bits.unsigned()
    gaps_at = bits.position
    bits.read(1)
    width, height, frames_only = bits.unsigned(), bits.unsigned(), bits.read(1)
    adaptive = 0 if frames_only else bits.read(1)
    return SequenceParameters(
        number=number,
        profile=profile,
        compatibility=compatibility,
        level=level,
        chroma_format=chroma,
        luma_depth=luma_depth,
        chroma_depth=chroma_depth,
        separate_planes=planes,
        frame_number_bits=frame_number_bits,
        reference_frames=references,
        frames_only=bool(frames_only),
        order_kind=order_kind,
        order_bits=order_bits,
        gaps_at=gaps_at,
        coding=(lossless, scaling, width, height, adaptive),
    )


def _skip_scaling_lists(bits: Bits, count: int) -> None:
    for place in range(count):
        if not bits.read(1):
            continue
        last = following = 8
        for _ in range(16 if place < 6 else 64):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last


def _read_order_count(bits: Bits) -> tuple[int, int]:
    """pic_order_cnt_type and, for 0, how long pic_order_cnt_lsb is."""
    kind = bits.unsigned()
    if kind == 0:
        return kind, 4 + bits.unsigned()
    if kind == 1:
        bits.read(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
    return kind, 0


def _number(unit: bytes) -> int:
    """The id of a sequence or picture parameter set."""
    return payload_bits(unit[4:] if unit[0] & 0x1F == _SPS else unit[1:]).unsigned()


def _avcc_units(data: bytes) -> Iterator[bytes]:
    at, left = 6, data[5] & 0x1F
    for kind in (_SPS, _PPS):
        if kind == _PPS:
            left, at = (data[at], at + 1) if at < len(data) else (0, at)
        for _ in range(left):
            begin = at + 2
            at = begin + int.from_bytes(data[at:begin])
            if begin < at <= len(data):
                yield data[begin:at]
