"""What joins pictures of two encoders, codec by codec: real encoders' bits, and rules of the standards."""

from __future__ import annotations

from dataclasses import replace

import av
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from desktop.trim import hevc
from desktop.trim.av1 import SEQUENCE_HEADER, SequenceHeader, begins_anew, obus, with_size
from desktop.trim.bits import UnfitError
from desktop.trim.h264 import ParameterSets, SequenceParameters
from desktop.trim.h264_numbering import LEAST_BEFORE, Numbering, Numbers
from desktop.trim.joint_vp9 import frames_of, is_shown
from desktop.trim.nal import escaped, nal_units, payload_digits, payload_of
from tests.desktop.corpus import Corpus


def packets_of(corpus: Corpus, name: str) -> tuple[bytes, list[tuple[bool, bytes]]]:
    """Extradata, and whether each packet is a keyframe, with its bytes."""
    with av.open(str(corpus.path(name))) as container:
        stream = container.streams.video[0]
        packets = [(packet.is_keyframe, bytes(packet)) for packet in container.demux(stream) if packet.size]
        return stream.codec_context.extradata or b"", packets


@given(st.binary(max_size=60) | st.lists(st.integers(0, 4), max_size=40).map(bytes))
def test_payloads_hold_no_start_code_and_are_read_as_they_were_written(data: bytes) -> None:
    written = escaped(data + b"\x80")
    assert not any(code in written for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert payload_of(payload_digits(written)) == written


def test_a_packet_of_vp9_shows_one_picture_though_it_may_hold_several(corpus: Corpus) -> None:
    _, packets = packets_of(corpus, "vp9-hidden")
    frames = [list(frames_of(data)) for _, data in packets]
    assert {len(each) for each in frames} == {1, 2}
    assert all(sum(map(is_shown, each)) == 1 for each in frames)


@pytest.mark.parametrize(
    ("first", "shown"),
    [
        (0b10_00_0_0_1_0, True),  # frame_marker, profile 0, a keyframe that is shown
        (0b10_00_0_0_0_0, False),
        (0b10_00_1_000, True),  # show_existing_frame
        (0b10_11_0_0_0_1, True),  # profile 3 has a reserved bit
        (0b10_11_0_0_0_0, False),
        (0b01_00_0_0_1_0, False),  # no frame
    ],
)
def test_frame_headers_of_vp9_say_whether_a_picture_is_shown(first: int, shown: bool) -> None:
    assert is_shown(bytes((first, 0))) is shown


@pytest.mark.parametrize(
    ("name", "depth", "color"),
    [("av1", 8, (2, 2, 2)), ("av1-aom", 8, (2, 2, 2)), ("av1-hdr", 10, (9, 16, 9))],
)
def test_sequence_headers_of_av1_are_read(
    corpus: Corpus, name: str, depth: int, color: tuple[int, int, int]
) -> None:
    extradata, packets = packets_of(corpus, name)
    (told,) = (SequenceHeader.read(unit.payload) for unit in obus(extradata[4:]))
    assert told == SequenceHeader(
        reduced=False, layered=False, profile=0, width=320, height=180, depth=depth, monochrome=False,
        color=color, full_range=False,
    )  # fmt: skip
    for key, data in packets:
        assert begins_anew(obus(data), told) is key
        units = list(obus(data))
        assert b"".join(unit.data for unit in units) == data
        assert [with_size(unit.kind, unit.payload) for unit in units if unit.kind == SEQUENCE_HEADER] == [
            unit.data for unit in units if unit.kind == SEQUENCE_HEADER
        ]


@given(st.binary(max_size=40))
def test_damaged_pictures_of_av1_are_refused_and_nothing_else_happens(data: bytes) -> None:
    try:
        for unit in obus(data):
            SequenceHeader.read(unit.payload)
    except UnfitError:
        return


@pytest.mark.parametrize("name", ["hevc", "hevc-hdr", "hevc-ts"])
def test_parameter_sets_of_hevc_are_put_beside_others_under_ids_of_their_own(
    corpus: Corpus, name: str
) -> None:
    source = hevc.ParameterSets.from_extradata(packets_of(corpus, name)[0])
    again = hevc.ParameterSets.from_extradata(source.hvcc())
    assert (again.units, again.messages) == (source.units, source.messages)
    beside = source.beside(source)
    assert not beside.units.keys() & source.units.keys()
    both = hevc.ParameterSets.from_extradata(source.joined(beside).hvcc())
    assert both.units == {**source.units, **beside.units}
    assert beside.sequence == source.sequence
    with pytest.raises(UnfitError):
        beside.beside(source)


@pytest.mark.parametrize("name", ["hevc-open", "hevc-radl"])
def test_slices_of_hevc_can_refer_to_another_parameter_set(corpus: Corpus, name: str) -> None:
    extradata, packets = packets_of(corpus, name)
    sets = hevc.ParameterSets.from_extradata(extradata)
    number = sets.beside(sets).picture_number
    slices = [unit for _, data in packets for unit in nal_units(data, 4) if hevc.is_picture(unit)]
    assert len({hevc.kind_of(unit) for unit in slices}) > 3
    for unit in slices:
        other = hevc.renumbered_slice(unit, number)
        flags = 2 if hevc.kind_of(unit) in hevc.IRAP else 1
        was, now = payload_digits(unit[2:]), payload_digits(other[2:])
        assert now == was[:flags] + f"{number + 1:09b}" + was[flags + 1 :]
        assert escaped(other[2:].replace(b"\0\0\3", b"\0\0")) == other[2:]
        with pytest.raises(UnfitError):
            hevc.renumbered_slice(other, number)


def test_only_cra_pictures_become_broken_links(corpus: Corpus) -> None:
    _, packets = packets_of(corpus, "hevc-open")
    for unit in (unit for _, data in packets for unit in nal_units(data, 4)):
        link = hevc.as_broken_link(unit)
        assert link[1:] == unit[1:]
        assert hevc.kind_of(link) == (hevc.BLA_N_LP if hevc.kind_of(unit) == hevc.CRA else hevc.kind_of(unit))


@given(
    count=st.integers(LEAST_BEFORE, 400),
    frame_bits=st.integers(4, 16),
    order_bits=st.integers(4, 16),
    references=st.integers(1, 16),
    data=st.data(),
)
def test_numbers_of_encoded_pictures_lead_up_to_those_of_the_copied_one(
    count: int, frame_bits: int, order_bits: int, references: int, data: st.DataObject
) -> None:
    """A decoder's rules (ITU-T H.264, 7.4.3 and 8.2.1.1), followed from the first encoded picture on."""
    frames, orders = 1 << frame_bits, 1 << order_bits
    assume(min(frames // 2, orders // 4) > references + 1)
    following = Numbers(
        data.draw(st.integers(0, frames - 1)), data.draw(st.integers(0, orders - 1)), idr=False
    )
    sequence = a_sequence(frame_bits, order_bits, references)
    numbering = Numbering(count, sequence, following)
    high, low, frame = 0, 0, 0
    shown: list[int] = []
    for place, one in enumerate([*(numbering.numbers(place) for place in range(count)), following]):
        assert one.idr is (place == 0)
        if one.idr:
            assert (one.frame, one.order) == (0, 0)
        else:
            gap = (one.frame - frame - 1) % frames
            assert one.frame != frame
            assert gap == 0 or place == 1 or (place == count and gap in {references, references + 1})
            if one.order < low and low - one.order >= orders // 2:
                high += orders
            elif one.order > low and one.order - low > orders // 2:
                high -= orders
        frame, low = one.frame, one.order
        shown.append(high + low)
    assert shown == sorted(set(shown))
    assert shown[-1] - shown[-2] > 2 * references


@pytest.mark.parametrize(("count", "frame_bits"), [(LEAST_BEFORE - 1, 8), (10, 4)])
def test_numbers_that_do_not_fit_are_refused(count: int, frame_bits: int) -> None:
    with pytest.raises(UnfitError):
        Numbering(count, a_sequence(frame_bits, 8, 8), Numbers(3, 3, idr=False))


def a_sequence(frame_bits: int, order_bits: int, references: int) -> SequenceParameters:
    """A sequence parameter set with numbers of these lengths."""
    unit = bytes.fromhex("6764000dacd9414142")  # of a real encoder, as far as it is read
    (read,) = ParameterSets({0: unit}, {0: b"\x68\xce"}).parameters.values()
    return replace(
        read,
        frame_number_bits=frame_bits,
        order_bits=order_bits,
        reference_frames=references,
        frames_only=True,
    )
