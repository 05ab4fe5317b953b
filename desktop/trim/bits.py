"""Bits and the numbers coded in them, as the headers of video streams are written.

Exponential-Golomb codes: ITU-T H.264 and H.265, 9.1 and 9.2; AV1 specification, 4.10.3.
"""

from __future__ import annotations


class UnfitError(Exception):
    """The stream holds what a smart cut cannot join; the words complete the sentence `because …`."""


class Bits:
    """Reads bytes bit by bit, most significant first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data), 8 * len(data)
        self._count = self._left

    @property
    def position(self) -> int:
        """How many bits have been read."""
        return self._count - self._left

    def read(self, count: int) -> int:
        """The next `count` bits. Raises UnfitError at the end."""
        self._left -= count
        if self._left < 0:
            raise UnfitError("its parameter sets are damaged")
        return self._value >> self._left & (1 << count) - 1

    def unsigned(self) -> int:
        """ue(v) of H.264 and HEVC, uvlc() of AV1."""
        zeros = 0
        while not self.read(1):
            zeros += 1
        return (1 << zeros) - 1 + self.read(zeros)

    def signed(self) -> int:
        """se(v) of H.264 and HEVC."""
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def unsigned_code(number: int) -> str:
    """The digits, 0 and 1, of ue(v)."""
    digits = f"{number + 1:b}"
    return "0" * (len(digits) - 1) + digits
