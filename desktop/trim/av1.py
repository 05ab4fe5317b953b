"""AV1's OBUs, sequence header and frame type, as far as parts of two encoders in one track need them.

Syntax: AV1 Bitstream & Decoding Process Specification, 5.3 to 5.5 and 5.9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from desktop.trim.bits import Bits, UnfitError

SEQUENCE_HEADER = 1
_FRAME_HEADERS = {3, 6}  # OBU_FRAME_HEADER, OBU_FRAME


@dataclass(frozen=True)
class Obu:
    """An open bitstream unit: its type, its payload, and all of its bytes."""

    kind: int
    payload: bytes
    data: bytes


@dataclass(frozen=True)
class SequenceHeader:
    """What a sequence header tells of the pictures."""

    reduced: bool
    """reduced_still_picture_header: frame headers begin otherwise."""
    layered: bool
    """There are several operating points: layers of size or quality."""
    profile: int
    width: int
    height: int
    depth: int
    monochrome: bool
    color: tuple[int, int, int]
    """Primaries, transfer, matrix: code points of ITU-T H.273."""
    full_range: bool

    @classmethod
    def read(cls, payload: bytes) -> SequenceHeader:
        """Read the payload of a sequence header OBU (5.5.1). Raises UnfitError."""
        bits = Bits(payload)
        profile = bits.read(3)
        bits.read(1)  # still_picture
        reduced = bool(bits.read(1))
        points = 1
        if reduced:
            bits.read(5)  # seq_level_idx
        else:
            points = _skip_operating_points(bits)
        widths, heights = bits.read(4) + 1, bits.read(4) + 1
        width, height = bits.read(widths) + 1, bits.read(heights) + 1
        _skip_tools(bits, reduced=reduced)
        return cls(reduced, points > 1, profile, width, height, *_read_color(bits, profile))


def obus(data: bytes) -> Iterator[Obu]:
    """The OBUs of a temporal unit in the low-overhead format (5.3). Raises UnfitError."""
    at = 0
    while at < len(data):
        begin, header = at, data[at]
        at += 2 if header & 4 else 1  # obu_extension_flag
        size = len(data) - at
        if header & 2:  # obu_has_size_field
            size, at = _leb128(data, at)
        if header & 0x80 or at + size > len(data):
            raise UnfitError("its pictures are damaged")
        yield Obu(header >> 3 & 15, data[at : at + size], data[begin : at + size])
        at += size


def with_size(kind: int, payload: bytes) -> bytes:
    """An OBU with its size in front of its payload."""
    size, left = bytearray(), len(payload)
    while left > 0x7F:
        size.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes((kind << 3 | 2, *size, left)) + payload


def begins_anew(units: Iterable[Obu], header: SequenceHeader) -> bool:
    """Whether the first frame of a temporal unit is a shown key frame: a random access point (7.6.1)."""
    for unit in units:
        if unit.kind in _FRAME_HEADERS:
            if header.reduced:
                return True
            bits = Bits(unit.payload[:1])
            # show_existing_frame, frame_type (KEY_FRAME is 0), show_frame (5.9.2)
            return bits.read(4) == 0b0001
    return False


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        if at >= len(data):
            break
        value |= (data[at] & 0x7F) << 7 * place
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
    raise UnfitError("its pictures are damaged")


def _skip_operating_points(bits: Bits) -> int:
    delays = _skip_timing(bits)
    display_delay = bits.read(1)
    points = bits.read(5) + 1
    for _ in range(points):
        bits.read(12)  # operating_point_idc
        if bits.read(5) > 7:  # seq_level_idx
            bits.read(1)  # seq_tier
        if delays and bits.read(1):
            bits.read(2 * delays + 1)  # operating_parameters_info
        if display_delay and bits.read(1):
            bits.read(4)
    return points


def _skip_timing(bits: Bits) -> int:
    """The bits of a buffer delay (5.5.4); 0 where there is no decoder model."""
    if not bits.read(1):
        return 0
    bits.read(64)  # num_units_in_display_tick, time_scale
    if bits.read(1):  # equal_picture_interval
        bits.unsigned()
    if not bits.read(1):  # decoder_model_info_present_flag
        return 0
    delays = bits.read(5) + 1
    bits.read(32 + 5 + 5)
    return delays


def _skip_tools(bits: Bits, *, reduced: bool) -> None:
    if not reduced and bits.read(1):  # frame_id_numbers_present_flag
        bits.read(4 + 3)
    bits.read(3)  # 128x128 superblocks, filter_intra, intra_edge_filter
    if not reduced:
        bits.read(4)  # interintra and masked compounds, warped motion, dual filter
        order_hint = bits.read(1)
        if order_hint:
            bits.read(2)  # jnt_comp, ref_frame_mvs
        screen_content = bits.read(1) or bits.read(1)
        if screen_content and not bits.read(1):  # seq_choose_integer_mv
            bits.read(1)
        if order_hint:
            bits.read(3)
    bits.read(3)  # superres, cdef, restoration


def _read_color(bits: Bits, profile: int) -> tuple[int, bool, tuple[int, int, int], bool]:
    """color_config (5.5.2) as far as color_range: depth, monochrome, colour, full range."""
    depth = 10 if bits.read(1) else 8
    if profile == 2 and depth == 10 and bits.read(1):
        depth = 12
    monochrome = profile != 1 and bool(bits.read(1))
    color = (bits.read(8), bits.read(8), bits.read(8)) if bits.read(1) else (2, 2, 2)
    srgb = color == (1, 13, 0) and not monochrome
    return depth, monochrome, color, srgb or bool(bits.read(1))
