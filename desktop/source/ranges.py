"""Bytes of a stream that are there so far: a file with holes, and an index that vouches for what is in it."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import threading
import zlib
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from desktop.files import disk_error, write_file

Span = tuple[int, int]
"""Bytes [first, stop)."""

# The index: a header with the stream's size (0: not known), then records that are only ever appended. A
# record says where bytes are and what their CRC-32 is, and carries one of its own: after a crash in the
# middle of writing either the bytes or the record, what is not whole does not count.
_HEADER = struct.Struct(">8sQ")
_MAGIC = b"reelyrg1"
_RECORD = struct.Struct(">QII")
_CHECKED = struct.Struct(">QIII")
_LONGEST = 256 * 1024  # bytes under one record: what has to be read to check any of them


class DamagedError(Exception):
    """Bytes are not what was written. They are forgotten, and have to be fetched again."""


class RangeFile:
    """The bytes of one stream on disk. To be written by one process at a time (see `StreamCache.locked`).

    Use as a context manager, from any thread. Raises ReelyError `disk-full` or `cannot-write-file`. `written`
    is called after bytes have come.
    """

    def __init__(
        self, path: Path, index: Path, size: int | None = None, *, written: Callable[[], None] | None = None
    ) -> None:
        self._path, self._index_path = path, index
        self._size = size
        self._written = written
        self._lock = threading.Lock()
        self._records: list[tuple[int, int, int]] = []  # first byte, count, CRC-32; disjoint, ascending
        self._data: BinaryIO
        self._index: BinaryIO
        self._known: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._load()
            self._data = self._open(self._path)
            self._index = self._index_path.open("ab", buffering=0)
            os.utime(self._path)
            self._known = self._state()
        except OSError as error:
            raise disk_error(error, self._path) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._data.close()
        self._index.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """To be entered when it is locked again while it was open: knows what others have written since."""
        if self._state() != self._known:
            with self._lock:
                self._data.close()
                self._index.close()
                self.__enter__()
        try:
            yield
        finally:
            self._known = self._state()

    def _state(self) -> tuple[int, ...]:
        """Tells whether the index or the file has become another one, or longer."""
        try:
            index, data = self._index_path.stat(), self._path.stat()
        except FileNotFoundError:
            return ()
        return index.st_ino, index.st_size, data.st_ino

    @property
    def path(self) -> Path:
        """The file with the bytes, each at its place."""
        return self._path

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there yet."""
        return not self._records

    @property
    def size(self) -> int | None:
        """Bytes of the whole stream, where that is known."""
        return self._size

    def tell_size(self, size: int) -> None:
        """Note the size of the whole stream. Bytes of a stream of another size are forgotten."""
        with self._lock:
            if size != self._size:
                if self._size is not None:
                    self._records.clear()
                self._size = size
                self._rewrite()

    def missing(self, first: int, stop: int) -> list[Span]:
        """The parts of [first, stop) that are not there, in order."""
        gaps, at = [], first
        with self._lock:
            for start, count, _sum in self._records[self._record_at(first) :]:
                if start >= stop:
                    break
                if start > at:
                    gaps.append((at, start))
                at = max(at, start + count)
        return [*gaps, (at, stop)] if at < stop else gaps

    def write(self, at: int, data: bytes) -> None:
        """Keep `data` as the bytes from `at` on. What is there already stays as it is."""
        for first, stop in self.missing(at, at + len(data)):
            for start in range(first, stop, _LONGEST):
                self._write(start, data[start - at : min(start + _LONGEST, stop) - at])
        if self._written is not None:
            self._written()

    def _write(self, at: int, data: bytes) -> None:
        record = (at, len(data), zlib.crc32(data))
        with self._lock:
            try:
                self._data.seek(at)
                left = memoryview(data)
                while left:
                    left = left[self._data.write(left) :]
                self._index.write(_packed(*record))
            except OSError as error:
                raise disk_error(error, self._path) from error
            insort(self._records, record)

    def read(self, first: int, stop: int) -> Iterator[bytes]:
        """The bytes [first, stop) in pieces, each checked. Raises DamagedError where some are not there."""
        at = first
        with self._lock:
            records = self._records[self._record_at(first) :]
        for start, count, checksum in records:
            if start >= stop or start > at:
                break
            if start + count <= at:
                continue
            data = self._sound((start, count, checksum))
            if data is None:
                self._forget_damaged(start, stop)
                raise DamagedError
            yield data[at - start : stop - start]
            at = min(start + count, stop)
        if at < stop:
            raise DamagedError

    def check(self, first: int, stop: int) -> None:
        """Raise DamagedError unless all of [first, stop) is there and sound."""
        for _piece in self.read(first, stop):
            pass

    def _record_at(self, byte: int) -> int:
        """The place of the record that holds `byte`, or of the first after it."""
        place = bisect_right(self._records, (byte, 1 << 32, 0))
        return max(0, place - 1)

    def _sound(self, record: tuple[int, int, int]) -> bytes | None:
        """The bytes of a record, None where they are not what was written."""
        start, count, checksum = record
        with self._lock:
            self._data.seek(start)
            data = self._data.read(count)
        return data if len(data) == count and zlib.crc32(data) == checksum else None

    def _forget_damaged(self, first: int, stop: int) -> None:
        """All at once, so that what has to be fetched again is known."""
        damaged = {
            record
            for record in list(self._records)
            if first <= record[0] < stop and self._sound(record) is None
        }
        with self._lock:
            self._records = [record for record in self._records if record not in damaged]
            self._rewrite()

    def _load(self) -> None:
        """Read the index; one that belongs to another stream or no bytes counts as empty."""
        try:
            data = self._index_path.read_bytes()
        except FileNotFoundError:
            data = b""
        told = _told_size(data)
        sound = told is not None and self._path.exists() and (not self._size or told in {0, self._size})
        self._size = self._size or (told if sound else None) or None
        self._records = sorted(_records(data)) if sound else []
        if not sound:
            self._path.unlink(missing_ok=True)
        if not sound or len(data) != _HEADER.size + _CHECKED.size * len(self._records):
            self._save()

    def _save(self) -> None:
        header = _HEADER.pack(_MAGIC, self._size or 0)
        write_file(self._index_path, header + b"".join(_packed(*record) for record in self._records))

    def _rewrite(self) -> None:
        self._index.close()
        self._save()
        self._index = self._index_path.open("ab", buffering=0)

    @staticmethod
    def _open(path: Path) -> BinaryIO:
        with contextlib.suppress(FileNotFoundError):
            return path.open("r+b", buffering=0)
        data = path.open("x+b", buffering=0)
        allow_holes(data)
        return data


def _told_size(index: bytes) -> int | None:
    """The size of the stream that the index says, 0 for not known; None if it is no index."""
    if len(index) < _HEADER.size:
        return None
    magic, size = _HEADER.unpack_from(index)
    return int(size) if magic == _MAGIC else None


def _records(index: bytes) -> Iterator[tuple[int, int, int]]:
    """The records that were written whole."""
    for at in range(_HEADER.size, len(index) - _CHECKED.size + 1, _CHECKED.size):
        first, count, checksum, own = _CHECKED.unpack_from(index, at)
        if zlib.crc32(index[at : at + _RECORD.size]) != own:
            return
        yield first, count, checksum


def _packed(first: int, count: int, checksum: int) -> bytes:
    record = _RECORD.pack(first, count, checksum)
    return record + zlib.crc32(record).to_bytes(4)


def allow_holes(file: BinaryIO) -> None:
    """Where files only have holes if that is asked for (NTFS), ask: FSCTL_SET_SPARSE of winioctl.h."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - what follows exists on Windows only
        import msvcrt  # noqa: PLC0415
        from ctypes import wintypes  # noqa: PLC0415

        control = ctypes.windll.kernel32.DeviceIoControl
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(file.fileno()))
        # A file system that cannot is no reason to fail: the holes then take room.
        control(handle, 0x900C4, None, 0, None, 0, ctypes.byref(wintypes.DWORD()), None)
