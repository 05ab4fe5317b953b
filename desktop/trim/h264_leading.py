"""Leading pictures of an open group in H.264, encoded anew: they take the places of those they stand for.

A picture that stands for another one has its numbers and does to the pictures kept for reference what that
one did, so that lists of references (8.2.4) begin as they did in the source for all that is copied.

Syntax: ITU-T H.264, 7.3.2.2 and 7.3.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desktop.trim.bits import Bits, UnfitError, unsigned_code
from desktop.trim.h264 import SequenceParameters
from desktop.trim.h264_numbering import Numbers, SliceHead, as_plain_picture
from desktop.trim.nal import payload_bits

_END, _REMOVE = 0, 1  # memory_management_control_operation (table 7-9)


@dataclass(frozen=True)
class PictureParameters:
    """What of a picture parameter set slice headers depend on."""

    bottom_order: bool
    """bottom_field_pic_order_in_frame_present_flag."""
    references: tuple[int, int]
    """How many pictures lists 0 and 1 hold unless a slice says otherwise."""
    weighted: bool
    bipredictive_weights: int
    redundant: bool

    @classmethod
    def read(cls, unit: bytes) -> PictureParameters:
        """Raises UnfitError, also for slice groups."""
        bits = payload_bits(unit[1:])
        bits.unsigned()
        bits.unsigned()
        bits.read(1)
        bottom = bits.read(1)
        if bits.unsigned():
            raise UnfitError("its pictures are coded in slice groups")
        references = bits.unsigned() + 1, bits.unsigned() + 1
        weighted, bipredictive = bits.read(1), bits.read(2)
        for _ in range(3):
            bits.signed()
        bits.read(2)
        return cls(bool(bottom), references, bool(weighted), bipredictive, bool(bits.read(1)))


class StandIns:
    """Makes the slices of pictures that stand for others, in decoding order after the I picture `key`.

    It knows which pictures a decoder keeps for reference, by their frame numbers: those that `Numbering`
    makes it keep, then what these pictures do. What is not there in the clip, is not removed again.
    """

    def __init__(self, key: bytes, sequence: SequenceParameters, sets: Mapping[int, bytes]) -> None:
        self._sequence = sequence
        self._sets = {number: PictureParameters.read(unit) for number, unit in sets.items()}
        self._frames = 1 << sequence.frame_number_bits
        number = SliceHead.read(key, sequence).frame
        self._kept = [(number - back) % self._frames for back in range(sequence.reference_frames, 0, -1)]
        self._keep(number, self._removed_by(key))

    def stand_in(
        self, unit: bytes, encoder: tuple[SequenceParameters, PictureParameters], original: bytes
    ) -> bytes:
        """A slice of an encoder's IDR picture, for the picture of the slice `original`. Raises UnfitError."""
        head = SliceHead.read(original, self._sequence)
        importance, marking = original[0] >> 5 & 3, ""
        if importance:
            removed = [number for number in self._removed_by(original) if number in self._kept]
            full = len(self._kept) - len(removed) == self._sequence.reference_frames
            if removed and full:
                removed.append(next(number for number in self._kept if number not in removed))
            differences = [(head.frame - number) % self._frames - 1 for number in removed]
            marking = "".join(unsigned_code(_REMOVE) + unsigned_code(by) for by in differences)
            marking = "1" + marking + unsigned_code(_END) if removed else "0"
            self._keep(head.frame, removed)
        own, own_pictures = encoder
        return as_plain_picture(
            unit,
            Numbers(head.frame, head.order, idr=False),
            (own, own_pictures.bottom_order),
            self._sequence,
            importance=importance,
            marking=marking,
        )

    def _keep(self, number: int, removed: Sequence[int]) -> None:
        """Sliding window, or what is removed instead (8.2.5.3, 8.2.5.4)."""
        kept = [one for one in self._kept if one not in removed]
        if not removed and len(kept) == self._sequence.reference_frames:
            kept = kept[1:]
        self._kept = [*kept, number]

    def _removed_by(self, unit: bytes) -> list[int]:
        """The frame numbers of pictures that dec_ref_pic_marking of a slice removes."""
        head = SliceHead.read(unit, self._sequence)
        pictures = self._sets.get(head.picture_set)
        if pictures is None:
            raise UnfitError("its parameter sets are missing")
        bits = payload_bits(unit[1:])
        bits.read(head.end)
        if pictures.bottom_order:
            bits.signed()
        if pictures.redundant:
            bits.unsigned()
        _skip_references(bits, head.kind, self._sequence, pictures)
        removed = []
        if bits.read(1):
            while operation := bits.unsigned():
                if operation != _REMOVE:
                    raise UnfitError("its open groups of pictures are numbered in an unusual way")
                removed.append((head.frame - bits.unsigned() - 1) % self._frames)
        return removed


def _skip_references(
    bits: Bits, kind: int, sequence: SequenceParameters, pictures: PictureParameters
) -> None:
    """From direct_spatial_mv_pred_flag to pred_weight_table."""
    lists = {"P": 1, "B": 2}.get("PBI"[kind % 5] if kind % 5 < 3 else "", 0)
    if lists == 2:
        bits.read(1)
    counts = list(pictures.references[:lists])
    if lists and bits.read(1):  # num_ref_idx_active_override_flag
        counts = [bits.unsigned() + 1 for _ in counts]
    for _ in counts:
        if bits.read(1):
            while bits.unsigned() != 3:
                bits.unsigned()
    explicit = pictures.weighted if lists == 1 else pictures.bipredictive_weights == 1
    if lists and explicit:
        colored = sequence.chroma_format and not sequence.separate_planes
        bits.unsigned()
        if colored:
            bits.unsigned()
        for count in counts:
            for _ in range(count):
                for values in (2, 4) if colored else (2,):
                    if bits.read(1):
                        for _ in range(values):
                            bits.signed()
