"""The index in a stream's head says where its pieces are, to the byte."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.media.probe import probe
from desktop.source.excerpt import stream_start
from desktop.source.pieces import Piece
from desktop.source.segment_index import HeadTooShortError, IndexUnreadableError, SegmentIndex, read_index
from tests.youtube import Media, Rendition


def indexed(media: Media) -> list[Rendition]:
    return [one for one in media.renditions.values() if one.index_range is not None]


def test_the_pieces_of_every_stream_fill_it_without_gaps(youtube_media: Media) -> None:
    assert len(indexed(youtube_media)) > 5
    for rendition in indexed(youtube_media):
        data = rendition.path.read_bytes()
        index = read_index(data, len(data))
        assert rendition.index_range is not None
        assert index.head > rendition.index_range[1]
        assert index.pieces[0].first == index.head
        assert index.pieces[0].start == pytest.approx(0, abs=0.1)
        for earlier, later in zip(index.pieces, index.pieces[1:], strict=False):
            assert later.start == pytest.approx(earlier.end)
            assert later.first == earlier.first + earlier.size
        last = index.pieces[-1]
        assert last.end == pytest.approx(rendition.seconds, abs=0.2)
        assert len(data) - (last.first + last.size) < 1000  # at most an index of fragments at the end


def test_head_and_one_piece_are_enough_to_decode_it(youtube_media: Media) -> None:
    for itag in (137, 243):
        data = youtube_media.renditions[itag].path.read_bytes()
        index = read_index(data, len(data))
        piece = index.pieces[3]
        alone = data[: index.head] + data[piece.first : piece.first + piece.size]
        with av.open(io.BytesIO(alone), "r") as container:
            times = sorted(frame.time for frame in container.decode(video=0) if frame.time is not None)
        assert times[0] == pytest.approx(piece.start, abs=0.001)
        assert times[-1] < piece.end
        assert len(times) == pytest.approx((piece.end - piece.start) * 24, abs=1)


def test_a_short_head_says_how_much_it_needs(youtube_media: Media) -> None:
    for rendition in indexed(youtube_media):
        data = rendition.path.read_bytes()
        asked = [16]
        found = _read(data[:16], len(data))
        while isinstance(found, HeadTooShortError):
            assert asked[-1] < found.needed < 10_000
            asked.append(found.needed)
            found = _read(data[: found.needed], len(data))
        assert found == read_index(data, len(data))
        assert len(asked) < 40


@given(st.floats(0, 60), st.floats(0.01, 30))
def test_what_covers_a_segment_holds_all_of_it_and_nothing_beside(
    youtube_media: Media, start: float, length: float
) -> None:
    data = youtube_media.renditions[133].path.read_bytes()
    index = read_index(data, len(data))
    end = start + length
    covering = index.covering(start, end)
    for piece in index.pieces:
        # Beyond the end it is the last one, which tells where the end is.
        touched = max(piece.start, start) < min(piece.end, end)
        assert (piece in covering) == (touched or (start >= piece.end and piece == index.pieces[-1]))


@pytest.mark.parametrize("itag", [18])
def test_a_file_without_an_index_says_so(youtube_media: Media, itag: int) -> None:
    data = youtube_media.renditions[itag].path.read_bytes()
    with pytest.raises(IndexUnreadableError):
        read_index(data, len(data))


def _read(data: bytes, size: int) -> SegmentIndex | IndexUnreadableError:
    try:
        return read_index(data, size)
    except IndexUnreadableError as error:
        return error


@given(st.data())
def test_damaged_heads_are_refused_or_make_sense(youtube_media: Media, data: st.DataObject) -> None:
    rendition = data.draw(st.sampled_from(indexed(youtube_media)))
    head = bytearray(rendition.path.read_bytes()[:4000])
    for _ in range(data.draw(st.integers(1, 4))):
        head[data.draw(st.integers(0, len(head) - 1))] = data.draw(st.integers(0, 255))
    size = rendition.size
    found = _read(bytes(head), size)
    if isinstance(found, SegmentIndex):
        at = found.head
        for piece in found.pieces:
            assert at <= piece.first < piece.first + piece.size <= size
            at = piece.first + piece.size


@pytest.mark.parametrize(
    ("accesses", "first", "taken"),
    [
        ((1, 1, 1, 1), 2, (2,)),  # each begins with a closed GOP
        ((1, 3, 3, 3), 2, (1, 2)),  # open GOPs: pictures shown first need the piece before
        ((1, 0, 0, 1), 2, (0, 1, 2)),  # a GOP over several pieces
        ((1, 0, 3, 1), 2, (0, 1, 2)),
        ((3, 3, 3, 3), 0, (0,)),
        ((0, 0, 0, 0), 2, (2,)),  # somebody does not tell
    ],
)
def test_pieces_that_do_not_decode_alone_bring_those_before(
    accesses: tuple[int, ...], first: int, taken: tuple[int, ...]
) -> None:
    pieces = tuple(
        Piece(float(number), number + 1.0, 100 + number * 10, 10, access)
        for number, access in enumerate(accesses)
    )
    covering = SegmentIndex(100, pieces).covering(first + 0.25, first + 0.75)
    assert covering == tuple(pieces[number] for number in taken)


def test_beyond_the_end_the_last_piece_tells_where_it_is(youtube_media: Media) -> None:
    data = youtube_media.renditions[133].path.read_bytes()
    index = read_index(data, len(data))
    assert index.covering(100, 110) == index.pieces[-1:]


def test_the_start_of_a_stream_is_that_of_the_whole_file(youtube_media: Media, tmp_path: Path) -> None:
    for rendition in indexed(youtube_media):
        data = rendition.path.read_bytes()
        index = read_index(data, len(data))
        with pytest.raises(HeadTooShortError) as caught:
            stream_start(data[: index.head], index, len(data), tmp_path / "start")
        needed = caught.value.needed
        with contextlib.suppress(HeadTooShortError):  # the second time it may know of more
            stream_start(data[:needed], index, len(data), tmp_path / "start")
        start = stream_start(data[: needed + 10_000], index, len(data), tmp_path / "start")
        assert start == probe(rendition.path).start
        assert list(tmp_path.iterdir()) == []
