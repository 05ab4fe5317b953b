"""HEVC's parameter sets and slices, as far as pictures of two encoders in one track need them.

Syntax: ITU-T H.265, 7.3; the sample entry's record: ISO/IEC 14496-15, 8.3.3 (hvcC).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from desktop.trim.bits import Bits, UnfitError, unsigned_code
from desktop.trim.nal import nal_units, payload_bits, payload_digits, payload_of, with_lengths

VPS, SPS, PPS, PREFIX_SEI = 32, 33, 34, 39
_SETS = (VPS, SPS, PPS)
CRA, BLA_N_LP = 21, 18
IRAP = range(16, 24)
_FIRST_NON_VCL = 32
_HEADER = 2  # bytes
_LARGEST = 0xFFFF  # bytes of a unit that hvcC has room for
# Ids of picture parameter sets whose code is 9 bits long and does not end with two zeros.
_LONG_NUMBERS = [number for number in range(15, 31) if (number + 1) % 4]


@dataclass(frozen=True)
class SequenceParameters:
    """What of a sequence parameter set (7.3.2.2) the record repeats."""

    tier: bytes
    """profile_tier_level without its level: 11 bytes."""
    level: int
    chroma_format: int
    luma_depth: int
    chroma_depth: int


@dataclass(frozen=True)
class ParameterSets:
    """Video, sequence and picture parameter sets by kind and id, as NAL units.

    `length_size` is that of hvcC, 0 where NAL units follow start codes (annex B); `messages` are the SEI
    units that hold for the whole stream.
    """

    units: Mapping[tuple[int, int], bytes]
    messages: tuple[bytes, ...] = ()
    length_size: int = 4

    @classmethod
    def from_extradata(cls, data: bytes) -> ParameterSets:
        """Read hvcC, or NAL units after start codes. Raises UnfitError."""
        size = (data[21] & 3) + 1 if data[:1] == b"\1" and len(data) > 22 else 0
        units: dict[tuple[int, int], bytes] = {}
        messages = []
        for unit in _hvcc_units(data) if size else nal_units(data, 0):
            kind = kind_of(unit)
            if len(unit) > _LARGEST:
                raise UnfitError("its parameter sets are damaged")
            if kind == PREFIX_SEI:
                messages.append(unit)
            elif kind in _SETS and units.setdefault((kind, _number(unit)), unit) != unit:
                raise UnfitError("its parameter sets change on the way")
        if {kind for kind, _ in units} != {VPS, SPS, PPS}:
            raise UnfitError("its parameter sets are missing")
        return cls(units, tuple(messages), size)

    @cached_property
    def sequence(self) -> SequenceParameters:
        """The sequence parameter set with the smallest id, read."""
        return _read_sequence(self.units[min(key for key in self.units if key[0] == SPS)])

    def beside(self, other: ParameterSets) -> ParameterSets:
        """These sets (one of each kind, as an encoder makes them) under ids that `other` does not use.

        Raises UnfitError.
        """
        free = {
            kind: next((n for n in numbers if (kind, n) not in other.units), -1)
            for kind, numbers in ((VPS, range(16)), (SPS, range(16)), (PPS, _LONG_NUMBERS))
        }
        if min(free.values()) < 0 or self.units.keys() != {(VPS, 0), (SPS, 0), (PPS, 0)}:
            raise UnfitError("all ids of parameter sets are taken")
        renumbered = {
            (VPS, free[VPS]): _with_digits(self.units[VPS, 0], f"{free[VPS]:04b}", 0, 4),
            (SPS, free[SPS]): _renumbered_sequence(self.units[SPS, 0], free[VPS], free[SPS]),
            (PPS, free[PPS]): _with_digits(
                self.units[PPS, 0], unsigned_code(free[PPS]) + unsigned_code(free[SPS]), 0, 2
            ),
        }
        return replace(self, units=renumbered)

    @property
    def picture_number(self) -> int:
        """The id of the picture parameter set, of an encoder's sets."""
        return next(number for kind, number in self.units if kind == PPS)

    def joined(self, other: ParameterSets) -> ParameterSets:
        """Both, for one sample entry; `other` has been put beside these. Raises UnfitError."""
        mine, theirs = self.sequence, other.sequence
        if replace(mine, tier=b"", level=0) != replace(theirs, tier=b"", level=0):
            raise UnfitError("the encoder cannot write pictures quite like the source's")
        return replace(self, units={**self.units, **other.units})

    def hvcc(self) -> bytes:
        """The sample entry's record, for NAL units with lengths of 4 bytes. Raises UnfitError."""
        like = self.sequence
        levels = [_read_sequence(unit).level for (kind, _), unit in self.units.items() if kind == SPS]
        # Not told: spatial segmentation, parallelism, average rate, temporal layers.
        record = bytearray((1, *like.tier, max(levels), 0xF0, 0, 0xFC, 0xFC | like.chroma_format))
        record += bytes((0xF8 | like.luma_depth - 8, 0xF8 | like.chroma_depth - 8, 0, 0, 3))
        arrays = [(0x80 | kind, [u for (k, _), u in self.units.items() if k == kind]) for kind in _SETS]
        if self.messages:
            arrays.append((PREFIX_SEI, list(self.messages)))
        record.append(len(arrays))
        for kind, units in arrays:  # 0x80: all of this kind are here, none is in the samples
            record += bytes((kind,)) + len(units).to_bytes(2) + with_lengths(units, 2)
        return bytes(record)

    def units_of(self, data: bytes) -> Iterator[bytes]:
        """The NAL units of an access unit, less parameter sets, which are left to the sample entry.

        Raises UnfitError where those differ from the entry's, and for further layers.
        """
        for unit in nal_units(data, self.length_size):
            kind = kind_of(unit)
            if len(unit) < _HEADER or unit[0] & 1 or unit[1] >> 3:  # nuh_layer_id
                raise UnfitError("it has more than one layer")
            if kind in _SETS:
                if self.units.get((kind, _number(unit))) != unit:
                    raise UnfitError("its parameter sets change on the way")
                continue
            yield unit


def kind_of(unit: bytes) -> int:
    """nal_unit_type."""
    return unit[0] >> 1 & 0x3F


def is_picture(unit: bytes) -> bool:
    """Whether it is a slice segment."""
    return kind_of(unit) < _FIRST_NON_VCL


def as_broken_link(unit: bytes) -> bytes:
    """A slice of a CRA picture as one of a BLA picture (7.4.2.2), whose leading pictures are not there.

    A decoder starts anew at a BLA picture and still shows all before it, which it does not at a CRA
    picture after an end of sequence (C.5.2.2).
    """
    return bytes((BLA_N_LP << 1 | unit[0] & 0x81,)) + unit[1:] if kind_of(unit) == CRA else unit


def renumbered_slice(unit: bytes, number: int) -> bytes:
    """A slice that refers to picture parameter set 0 as one that refers to `number`, of `_LONG_NUMBERS`.

    The code of such a number is one byte longer than that of 0, so all behind it stays as it is, only a byte
    later; and the two bytes that hold it are not 0, so no emulation prevention comes or goes. Raises
    UnfitError.
    """
    before = 2 if kind_of(unit) in IRAP else 1  # bits; no_output_of_prior_pics_flag (7.3.6.1)
    first = unit[_HEADER]
    left = 7 - before
    if not first >> left & 1:
        raise UnfitError("its parts could not be encoded alike")
    code = (first >> left + 1) << 9 | number + 1
    return unit[:_HEADER] + (code << left | first & (1 << left) - 1).to_bytes(2) + unit[_HEADER + 1 :]


def message_kind(unit: bytes) -> int:
    """payloadType of an SEI unit's first message (7.3.5)."""
    kind, at = 0, _HEADER
    while at < len(unit) and unit[at] == 0xFF:
        kind, at = kind + 255, at + 1
    return kind + unit[at] if at < len(unit) else -1


def _hvcc_units(data: bytes) -> Iterator[bytes]:
    at, arrays = 23, data[22]
    for _ in range(arrays):
        count = int.from_bytes(data[at + 1 : at + 3])
        at += 3
        for _ in range(count):
            begin = at + 2
            at = begin + int.from_bytes(data[at:begin])
            if begin + _HEADER <= at <= len(data):
                yield data[begin:at]


def _skip_to_sequence_number(bits: Bits) -> bytes:
    """Read from sps_video_parameter_set_id on; returns general profile, tier and level: 12 bytes (7.3.3)."""
    bits.read(4)
    layers = bits.read(3)
    bits.read(1)
    general = bits.read(96).to_bytes(12)
    present = [(bits.read(1), bits.read(1)) for _ in range(layers)]
    bits.read(2 * (8 - layers) if layers else 0)
    for profile, level in present:
        bits.read(88 * profile + 8 * level)
    return general


def _read_sequence(unit: bytes) -> SequenceParameters:
    bits = payload_bits(unit[_HEADER:])
    general = _skip_to_sequence_number(bits)
    bits.unsigned()
    chroma = bits.unsigned()
    bits.read(1 if chroma == 3 else 0)
    bits.unsigned()  # width
    bits.unsigned()  # height
    if bits.read(1):  # conformance_window_flag
        for _ in range(4):
            bits.unsigned()
    luma_depth, chroma_depth = 8 + bits.unsigned(), 8 + bits.unsigned()
    if chroma > 3 or max(luma_depth, chroma_depth) > 16:
        raise UnfitError("its parameter sets are damaged")
    return SequenceParameters(general[:11], general[11], chroma, luma_depth, chroma_depth)


def _sequence_number_at(unit: bytes) -> tuple[int, int, int]:
    """The id of a sequence parameter set and the bits of the payload that hold it: first, and one after."""
    bits = payload_bits(unit[_HEADER:])
    _skip_to_sequence_number(bits)
    at = bits.position
    return bits.unsigned(), at, bits.position


def _renumbered_sequence(unit: bytes, video: int, number: int) -> bytes:
    _, at, end = _sequence_number_at(unit)
    return _with_digits(_with_digits(unit, unsigned_code(number), at, end), f"{video:04b}", 0, 4)


def _with_digits(unit: bytes, digits: str, at: int, end: int) -> bytes:
    """The unit with other bits in place of those from `at` to `end` of its payload."""
    payload = payload_digits(unit[_HEADER:])
    return unit[:_HEADER] + payload_of(payload[:at] + digits + payload[end:])


def _number(unit: bytes) -> int:
    """The id of a parameter set."""
    kind = kind_of(unit)
    if kind == VPS:
        return payload_bits(unit[_HEADER:]).read(4)
    return _sequence_number_at(unit)[0] if kind == SPS else payload_bits(unit[_HEADER:]).unsigned()
