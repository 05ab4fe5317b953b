"""NAL units of H.264 and HEVC, and the bits in them.

Syntax: ITU-T H.264 and H.265, 7.3.1 and annex B; ISO/IEC 14496-15 for units after lengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from desktop.trim.bits import Bits

_READ = 4096  # bytes of a unit; what is read here is in front


def nal_units(data: bytes, length_size: int) -> Iterator[bytes]:
    """The NAL units of an access unit, after lengths of `length_size` bytes or, for 0, after start codes."""
    at = 0
    if length_size:
        while at + length_size < len(data):
            begin = at + length_size
            at = begin + int.from_bytes(data[at:begin])
            if at > begin:
                yield data[begin:at]
        return
    at = data.find(b"\0\0\1")
    while at >= 0:
        after = data.find(b"\0\0\1", at + 3)
        unit = data[at + 3 : after if after >= 0 else len(data)].rstrip(b"\0")
        if unit:
            yield unit
        at = after


def with_lengths(units: Iterable[bytes], size: int) -> bytes:
    return b"".join(len(unit).to_bytes(size) + unit for unit in units)


def payload_bits(payload: bytes) -> Bits:
    """The bits of a raw byte sequence payload (its first 4096 bytes), less emulation prevention (7.3.1)."""
    return Bits(_unescaped(payload[:_READ]))


def payload_digits(payload: bytes) -> str:
    """A raw byte sequence payload as digits 0 and 1, less emulation prevention and trailing bits (7.3.2)."""
    data = _unescaped(payload)
    digits = f"{int.from_bytes(data):0{8 * len(data)}b}" if data else ""
    return digits[: digits.rfind("1")]


def payload_of(digits: str) -> bytes:
    """The payload that `payload_digits` reads as `digits`."""
    digits += "1" + "0" * (-(len(digits) + 1) % 8)
    return escaped(int(digits, 2).to_bytes(len(digits) // 8))


def escaped(data: bytes) -> bytes:
    """With emulation prevention (7.3.1): no three bytes in a row that could be part of a start code."""
    return re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", data)


def _unescaped(data: bytes) -> bytes:
    return data.replace(b"\0\0\3", b"\0\0")
