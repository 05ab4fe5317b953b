"""Numbers in H.264's slices: pictures of an encoder made to go before the I picture of an open group.

Syntax: ITU-T H.264, 7.3.3; frame numbers: 7.4.3 and 8.2.5.2; order counts: 8.2.1.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from desktop.trim.bits import Bits, UnfitError, unsigned_code
from desktop.trim.h264 import SequenceParameters
from desktop.trim.nal import nal_units, payload_bits, payload_digits, payload_of

_SLICE, _IDR_SLICE, _SEI = 1, 5, 6
_RECOVERY_POINT = 6  # payloadType (D.1.8)
_LASTING = {137, 144, 148}  # mastering display, content light level, ambient viewing environment
_STRIDES = 3  # each of at most half the range of an order count
LEAST_BEFORE = _STRIDES + 1
"""How many encoded pictures there have to be before an I picture that is none of IDR."""
_STEP = 2  # between the order counts of pictures, as there may be two fields in each
_NOT_ALIKE = "its parts could not be encoded alike"


@dataclass(frozen=True)
class Numbers:
    """What the first slice of a picture says: frame_num, pic_order_cnt_lsb, and whether it is an IDR one."""

    frame: int
    order: int
    idr: bool

    def digits(self, sequence: SequenceParameters) -> tuple[str, str]:
        """As they stand in slices of whole frames: with field_pic_flag, and pic_order_cnt_lsb."""
        field = "" if sequence.frames_only else "0"
        return f"{self.frame:0{sequence.frame_number_bits}b}" + field, f"{self.order:0{sequence.order_bits}b}"


def slices_of(picture: bytes, length_size: int) -> list[bytes]:
    """The slices of an access unit."""
    return [unit for unit in nal_units(picture, length_size) if unit[0] & 0x1F in {_SLICE, _IDR_SLICE}]


def lasting_messages(picture: bytes, length_size: int) -> list[bytes]:
    """The SEI units of an access unit that hold for all that follows, and nothing else."""
    units = (unit for unit in nal_units(picture, length_size) if unit[0] & 0x1F == _SEI)
    return [unit for unit in units if all(kind in _LASTING for kind, _ in _messages(unit))]


def numbers_of(picture: bytes, length_size: int, sequence: SequenceParameters) -> Numbers:
    """Read the numbers of an I picture from which decoding may begin.

    Those are IDR pictures, and others with a recovery point of no delay (D.2.8). Raises UnfitError for any
    other picture.
    """
    slices = slices_of(picture, length_size)
    if not slices or any(_kind_of_slice(unit) != "I" for unit in slices):
        raise UnfitError("its keyframes hold more than I pictures")
    idr = slices[0][0] & 0x1F == _IDR_SLICE
    if not idr and not any(map(_recovers_at_once, nal_units(picture, length_size))):
        raise UnfitError("pictures after its keyframes may refer to those before")
    head = SliceHead.read(slices[0], sequence)
    return Numbers(head.frame, head.order, idr)


@dataclass(frozen=True)
class Numbering:
    """The numbers that `count` encoded pictures get, all of them in order of presentation, the first IDR.

    `following` is the picture that is copied after them, if one is. Frame numbers jump twice, before the
    second picture and before `following`: that far that a decoder fills what it keeps for reference with
    pictures of the very numbers that went before it in the source, as far as nothing was removed from there.
    Its order count has to come out as greater than those before. A decoder takes the nearest that fits the
    lowest bits, so the one farthest ahead is by half their range; those before take three strides for that.
    (FFmpeg fills gaps with pictures that have order counts as well, which lie in between.)
    """

    count: int
    sequence: SequenceParameters
    following: Numbers | None

    def __post_init__(self) -> None:
        references, ranges = self.sequence.reference_frames, (self._frames // 2, self._orders // (2 * _STEP))
        if self._leads and (self.count < LEAST_BEFORE or min(ranges) <= references + 1):
            raise UnfitError("its open groups of pictures are numbered in an unusual way")

    def numbers(self, place: int) -> Numbers:
        """Those of the picture at `place`, 0 being the first."""
        stride = self._stride if self._leads else 0
        order = _STEP * place + stride * min(place, _STRIDES) // _STRIDES
        frame = (self._second_frame if self._leads else 1) + place - 1 if place else 0
        return Numbers(frame % self._frames, order % self._orders, place == 0)

    @property
    def _frames(self) -> int:
        return 1 << self.sequence.frame_number_bits

    @property
    def _orders(self) -> int:
        return 1 << self.sequence.order_bits

    @property
    def _leads(self) -> bool:
        return self.following is not None and not self.following.idr

    @property
    def _stride(self) -> int:
        following = self.following.order if self.following else 0
        return (following - _STEP * (self.count - 1) - self._orders // 2) % self._orders

    @property
    def _second_frame(self) -> int:
        following = self.following.frame if self.following else 0
        # 0 is that of the picture before.
        return (following - self.sequence.reference_frames - self.count + 1) % self._frames or -1


def renumbered(
    unit: bytes, numbers: Numbers, encoder: SequenceParameters, source: SequenceParameters
) -> bytes:
    """A slice of an encoder's I or P picture with other numbers, as long as the source's set asks for.

    The slice is coded without CABAC, so that its bits may be moved. Raises UnfitError.
    """
    head = SliceHead.read(unit, encoder)
    digits = payload_digits(unit[1:])
    moved = (
        digits[: head.frame_at]
        + numbers.digits(source)[0]
        + digits[head.idr_at : head.order_at]
        + numbers.digits(source)[1]
        + digits[head.end :]
    )
    return unit[:1] + payload_of(moved)


def as_plain_picture(
    unit: bytes,
    numbers: Numbers,
    encoder: tuple[SequenceParameters, bool],
    source: SequenceParameters,
    *,
    importance: int,
    marking: str,
) -> bytes:
    """A slice of an encoder's IDR picture as one of an I picture that is none, coded without CABAC.

    `encoder` holds its sequence parameters, and whether slices tell of order counts of second fields;
    `importance` is nal_ref_idc, `marking` the digits of dec_ref_pic_marking. Raises UnfitError.
    """
    sequence, second_fields = encoder
    head = SliceHead.read(unit, sequence)
    digits = payload_digits(unit[1:])
    rest = digits[head.end :]
    at = 0
    if second_fields:
        bits = Bits(int(rest[:64].ljust(64, "0"), 2).to_bytes(8))
        bits.signed()
        at = bits.position
    frame, order = numbers.digits(source)
    # no_output_of_prior_pics_flag and long_term_reference_flag, of IDR pictures, are left out.
    moved = digits[: head.frame_at] + frame + order + rest[:at] + marking + rest[at + 2 :]
    return bytes((importance << 5 | _SLICE,)) + payload_of(moved)


def with_gaps(unit: bytes, sequence: SequenceParameters) -> bytes:
    """The sequence parameter set, allowing gaps in frame numbers, which so are no loss to a decoder."""
    digits = payload_digits(unit[1:])
    at = sequence.gaps_at
    return unit[:1] + payload_of(digits[:at] + "1" + digits[at + 1 :])


def picture_set_of(unit: bytes, sequence: int) -> bytes:
    """The picture parameter set, belonging to the sequence parameter set with this id.

    Raises UnfitError unless it is coded without CABAC.
    """
    bits = payload_bits(unit[1:])
    number = bits.unsigned()
    bits.unsigned()
    at = bits.position
    if bits.read(1):  # entropy_coding_mode_flag
        raise UnfitError(_NOT_ALIKE)
    return unit[:1] + payload_of(
        unsigned_code(number) + unsigned_code(sequence) + payload_digits(unit[1:])[at:]
    )


@dataclass(frozen=True)
class SliceHead:
    """The start of a slice header; `..._at` are bits of the payload where fields begin, `end` the next."""

    kind: int
    picture_set: int
    frame: int
    order: int
    frame_at: int
    idr_at: int
    order_at: int
    end: int

    @classmethod
    def read(cls, unit: bytes, sequence: SequenceParameters) -> SliceHead:
        bits = payload_bits(unit[1:])
        bits.unsigned()  # first_mb_in_slice
        kind = bits.unsigned()
        picture_set = bits.unsigned()
        bits.read(2 if sequence.separate_planes else 0)
        frame_at = bits.position
        frame = bits.read(sequence.frame_number_bits)
        if not sequence.frames_only and bits.read(1):
            raise UnfitError("its pictures are coded as separate fields")
        idr_at = bits.position
        if unit[0] & 0x1F == _IDR_SLICE:
            bits.unsigned()
        order_at = bits.position
        order = bits.read(sequence.order_bits)
        return cls(kind, picture_set, frame, order, frame_at, idr_at, order_at, bits.position)


def _kind_of_slice(unit: bytes) -> str:
    bits = payload_bits(unit[1:])
    bits.unsigned()
    return {0: "P", 1: "B", 2: "I", 3: "SP", 4: "SI"}[bits.unsigned() % 5]


def _recovers_at_once(unit: bytes) -> bool:
    """Whether it is an SEI unit that holds a recovery point with recovery_frame_cnt 0."""
    return unit[0] & 0x1F == _SEI and any(
        kind == _RECOVERY_POINT and Bits(payload).unsigned() == 0 for kind, payload in _messages(unit)
    )


def _messages(unit: bytes) -> Iterator[tuple[int, bytes]]:
    """The messages of an SEI unit: payloadType and payload (7.3.2.3.1)."""
    data, at = unit[1:].replace(b"\0\0\3", b"\0\0"), 0
    while at + 2 < len(data):
        sizes = []
        for _ in range(2):
            value = 0
            while at < len(data) and data[at] == 0xFF:
                value, at = value + 255, at + 1
            if at >= len(data):
                return
            sizes.append(value + data[at])
            at += 1
        yield sizes[0], data[at : at + sizes[1]]
        at += sizes[1]
