"""Parameter sets and slice headers of H.264, from the bytes of real encoders and from the standard's bits."""

from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.trim.bits import Bits, UnfitError
from desktop.trim.h264 import ParameterSets
from desktop.trim.nal import nal_units
from tests.desktop.corpus import Corpus


def extradata_of(corpus: Corpus, name: str) -> bytes:
    with av.open(str(corpus.path(name))) as container:
        return container.streams.video[0].codec_context.extradata or b""


@pytest.mark.parametrize("name", ["h264-closed", "h264-baseline", "h264-10bit", "h264-interlaced"])
def test_a_record_that_was_read_is_written_as_it_was(corpus: Corpus, name: str) -> None:
    data = extradata_of(corpus, name)
    assert ParameterSets.from_extradata(data).avcc() == data


@pytest.mark.parametrize(
    ("name", "profile", "depth", "frames_only", "number"),
    [
        ("h264-closed", 77, 8, True, 0),
        ("h264-closed-ts", 77, 8, True, 0),
        ("h264-baseline", 66, 8, True, 1),
        ("h264-10bit", 110, 10, True, 0),
        ("h264-interlaced", 77, 8, False, 0),
    ],
)
def test_what_an_encoder_said_of_itself_is_read(
    corpus: Corpus, name: str, profile: int, depth: int, frames_only: bool, number: int
) -> None:
    first = ParameterSets.from_extradata(extradata_of(corpus, name)).first
    assert (first.profile, first.luma_depth, first.frames_only, first.number) == (
        profile, depth, frames_only, number,
    )  # fmt: skip


def test_sets_of_two_encoders_share_a_record_unless_their_ids_collide(corpus: Corpus) -> None:
    mine, other = (
        ParameterSets.from_extradata(extradata_of(corpus, name)) for name in ("h264-29.97", "h264-baseline")
    )
    both = ParameterSets.from_extradata(mine.joined(other).avcc())
    assert (both.sequences, both.pictures) == (
        {**mine.sequences, **other.sequences},
        {**mine.pictures, **other.pictures},
    )
    assert both.free_number() == 2
    with pytest.raises(UnfitError):
        mine.joined(mine)


@pytest.mark.parametrize(("field", "refused"), [("0", False), ("10", True)])
def test_fields_coded_as_pictures_are_refused(corpus: Corpus, field: str, refused: bool) -> None:
    sets = ParameterSets.from_extradata(extradata_of(corpus, "h264-interlaced"))
    # first_mb_in_slice, slice_type 7, pic_parameter_set_id, frame_num, field_pic_flag (bottom_field_flag)
    bits = "1" + "0001000" + "1" + "0" * sets.first.frame_number_bits + field + "1"
    bits += "0" * (-len(bits) % 8)
    unit = b"\x65" + int(bits, 2).to_bytes(len(bits) // 8)
    sample = len(unit).to_bytes(4) + unit
    if refused:
        with pytest.raises(UnfitError, match="fields"):
            sets.sample(sample)
    else:
        assert sets.sample(sample) == sample


@pytest.mark.parametrize("kind", [2, 20])
def test_what_belongs_to_other_layers_is_refused(corpus: Corpus, kind: int) -> None:
    sets = ParameterSets.from_extradata(extradata_of(corpus, "h264-closed"))
    with pytest.raises(UnfitError):
        sets.sample(b"\0\0\0\2" + bytes((kind, 0x80)))


@given(
    st.lists(
        st.binary(min_size=1, max_size=40).filter(lambda unit: b"\0\0" not in unit and unit[-1]), max_size=5
    )
)
def test_units_are_found_after_start_codes_and_after_lengths(units: list[bytes]) -> None:
    assert list(nal_units(b"".join(b"\0\0\0\1" + unit for unit in units), 0)) == units
    for size in (1, 2, 4):
        assert list(nal_units(b"".join(len(unit).to_bytes(size) + unit for unit in units), size)) == units


@given(st.binary(max_size=60), st.booleans())
def test_damaged_records_are_refused_and_nothing_else_happens(data: bytes, sps: bool) -> None:
    unit = (b"\x67\x64\0\x1f" if sps else b"\x68") + data
    record = b"\1\x64\0\x1f\xff\xe1" + len(unit).to_bytes(2) + unit + b"\1" + len(unit).to_bytes(2) + unit
    for extradata in (data, b"\1" + data, record):
        try:
            ParameterSets.from_extradata(extradata).avcc()
        except UnfitError:
            continue


@given(st.lists(st.integers(-5000, 5000), min_size=1, max_size=20))
def test_exponential_golomb_codes_are_read(numbers: list[int]) -> None:
    codes = [2 * number - 1 if number > 0 else -2 * number for number in numbers]
    bits = "".join("0" * (len(f"{code + 1:b}") - 1) + f"{code + 1:b}" for code in codes) + "1"
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8)
    reader = Bits(payload)
    assert [reader.signed() for _ in numbers] == numbers


def test_bits_that_are_missing_are_told() -> None:
    with pytest.raises(UnfitError):
        Bits(b"\0").unsigned()
