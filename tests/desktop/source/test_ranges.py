"""Bytes of a stream on disk: what is there is known, checked when read, and survives a crash at any time."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.source.ranges import DamagedError, RangeFile

SIZE = 4000
WHOLE = bytes(number * 7 % 251 for number in range(SIZE))
SPANS = st.lists(
    st.tuples(st.integers(0, SIZE - 1), st.integers(1, 600)).map(lambda at: (at[0], min(sum(at), SIZE))),
    max_size=12,
)


def opened(folder: Path, size: int | None = SIZE) -> RangeFile:
    return RangeFile(folder / "stream.mp4", folder / "stream.mp4.ranges", size)


def lacking(file: RangeFile) -> set[int]:
    return {byte for first, stop in file.missing(0, SIZE) for byte in range(first, stop)}


@given(SPANS, SPANS)
def test_what_was_written_is_there_also_after_opening_again(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        for spans in (first, second):
            with opened(Path(name)) as file:
                for start, stop in spans:
                    file.write(start, WHOLE[start:stop])
        there = {byte for start, stop in (*first, *second) for byte in range(start, stop)}
        with opened(Path(name)) as file:
            assert lacking(file) == set(range(SIZE)) - there
            for start, stop in (*first, *second):
                assert b"".join(file.read(start, stop)) == WHOLE[start:stop]
                assert file.missing(start, stop) == []


@given(SPANS.filter(bool), st.data())
def test_an_index_cut_off_anywhere_tells_no_lie(spans: list[tuple[int, int]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        with opened(Path(name)) as file:
            for start, stop in spans:
                file.write(start, WHOLE[start:stop])
            before = lacking(file)
        index = Path(name) / "stream.mp4.ranges"
        kept = index.read_bytes()
        index.write_bytes(kept[: data.draw(st.integers(0, len(kept)))])
        with opened(Path(name)) as file:
            assert lacking(file) >= before
            for byte in set(range(SIZE)) - lacking(file):
                assert b"".join(file.read(byte, byte + 1)) == WHOLE[byte : byte + 1]
            file.write(0, WHOLE)
            assert b"".join(file.read(0, SIZE)) == WHOLE


@given(st.integers(0, SIZE - 1), st.integers(1, 255))
def test_a_changed_byte_is_found_and_its_record_forgotten(at: int, change: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        with opened(Path(name)) as file:
            for start in range(0, SIZE, 500):
                file.write(start, WHOLE[start : start + 500])
        path = Path(name) / "stream.mp4"
        rotten = bytearray(path.read_bytes())
        rotten[at] ^= change
        path.write_bytes(rotten)
        with opened(Path(name)) as file:
            with pytest.raises(DamagedError):
                file.check(0, SIZE)
            start = at // 500 * 500
            assert file.missing(0, SIZE) == [(start, start + 500)]
        with opened(Path(name)) as file:  # it stays forgotten
            assert file.missing(0, SIZE) == [(start, start + 500)]


def test_bytes_that_never_reached_the_disk_are_all_found_at_once(tmp_path: Path) -> None:
    with opened(tmp_path) as file:
        for start in range(0, SIZE, 500):
            file.write(start, WHOLE[start : start + 500])
    (tmp_path / "stream.mp4").write_bytes(WHOLE[:700])
    with opened(tmp_path) as file:
        with pytest.raises(DamagedError):
            list(file.read(0, SIZE))
        assert file.missing(0, SIZE) == [(500, SIZE)]


def test_what_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with opened(tmp_path) as file:
        file.write(100, WHOLE[100:200])
        assert b"".join(file.read(120, 180)) == WHOLE[120:180]
        for first, stop in ((0, 10), (90, 110), (150, 201), (200, 201)):
            with pytest.raises(DamagedError):
                list(file.read(first, stop))


def test_bytes_of_another_make_of_the_stream_are_forgotten(tmp_path: Path) -> None:
    with opened(tmp_path, None) as file:
        assert file.size is None
        file.write(0, WHOLE)
        file.tell_size(SIZE)
        assert file.missing(0, SIZE) == []
    with opened(tmp_path, None) as file:
        assert file.size == SIZE
        file.tell_size(SIZE + 1)
        assert file.missing(0, SIZE) == [(0, SIZE)]
    with opened(tmp_path, SIZE) as file:
        assert file.missing(0, SIZE) == [(0, SIZE)]


def test_holes_take_no_room(tmp_path: Path) -> None:
    size = 1 << 32
    with opened(tmp_path, size) as file:
        file.write(size - 1000, bytes(1000))
        assert (tmp_path / "stream.mp4").stat().st_size == size
    assert getattr((tmp_path / "stream.mp4").stat(), "st_blocks", 0) * 512 < 1 << 20


def test_several_threads_write_at_once(tmp_path: Path) -> None:
    with opened(tmp_path) as file:

        def write(number: int) -> None:
            for start in range(number * 10, SIZE, 80):
                file.write(start, WHOLE[start : start + 10])

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert b"".join(file.read(0, SIZE)) == WHOLE
