"""Streams on disk: where their bytes lie, who works on them, and which go when room is needed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from desktop.source.models import Source, Stream

PARTIAL = ".partial"
INDEX = ".ranges"
DEFAULT_LIMIT = 10 * 1024**3
"""Bytes that the cache may hold."""
GRACE = 3600.0
"""Seconds after its last use in which a file is never evicted: somebody may be reading it."""
_LOCKS = 64  # files; unrelated streams may share one, and then only wait for each other


class StreamCache:
    """The streams under `folder`. Any number of processes may use it at once.

    A stream is a file with its bytes, each at its place, and beside it an index (`.ranges`) of those that are
    there (`desktop.source.ranges`). Streams that cannot be had in ranges are files that are complete under
    their real name, and end in `.partial` until then. Names carry the size, so that a stream that the site
    has made anew is never continued with bytes of the old one.
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._folder = folder / "media"
        self._limit = limit

    def path(self, source: Source, stream: Stream) -> Path:
        """Where the stream is or will be."""
        name = _safe(stream.id)
        size = f"-{stream.size}" if stream.size else ""
        ext = stream.container if re.fullmatch(r"[a-z0-9]{1,5}", stream.container) else "media"
        return self._folder / _key(source) / f"{name}{size}.{ext}"

    def index(self, path: Path) -> Path:
        """Where it is noted which bytes of `path` are there."""
        return path.with_name(path.name + INDEX)

    def partial(self, path: Path) -> Path:
        """Where a file is until it is complete."""
        return path.with_name(path.name + PARTIAL)

    def excerpt(self, path: Path, what: str) -> Path:
        """Where a file made of parts of the stream `path` is; `what` tells it from others."""
        digest = hashlib.sha256(what.encode()).hexdigest()[:16]
        return path.with_name(f"{path.stem}.{digest}{path.suffix}")

    def complete(self, path: Path, stream: Stream) -> bool:
        """Whether a stream without an index is there as a whole; if so, it counts as used now."""
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return False
        if size == 0 or (stream.size and size != stream.size):
            path.unlink()
            return False
        os.utime(path)
        return True

    @contextmanager
    def locked(self, path: Path, timeout: float = -1) -> Iterator[None]:
        """Within the block no other process or thread works on `path`. Ends with the process.

        Waits for its turn, at most `timeout` seconds where that is not negative: then `filelock.Timeout`.
        """
        locks = self._folder / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        stripe = int.from_bytes(hashlib.sha256(os.fsencode(path)).digest()[:4]) % _LOCKS
        with FileLock(locks / f"{stripe}.lock", timeout=timeout):
            yield

    def make_room(self, needed: int, keep: Iterable[Path] = ()) -> None:
        """Evict what was used longest ago until `needed` bytes fit under the limit, as far as possible.

        What was used within `GRACE` seconds, what is in `keep` and what somebody works on stays: so the limit
        may be exceeded for a while. Not to be called with a stream locked.
        """
        kept = set(keep)
        used = [(self._last_used(path), path) for path in self._streams()]
        total = sum(bytes_of(file) for _time, path in used for file in self._files(path))
        youngest = time.time() - GRACE
        for last, path in sorted(used):
            if total + needed <= self._limit:
                return
            if path not in kept and last <= youngest:
                total -= self._remove(path, youngest)

    def clear(self) -> None:
        """Remove everything that nobody works on or has open."""
        for path in self._streams():
            self._remove(path, float("inf"))

    def _remove(self, path: Path, youngest: float) -> int:
        """The bytes that became free; nothing goes that is at work or was used after `youngest`."""
        freed = 0
        with contextlib.suppress(Timeout), self.locked(path, timeout=0):
            if self._last_used(path) > youngest:
                return 0
            # The index first: bytes without an index are nothing, an index without bytes would be a lie.
            for file in sorted(self._files(path), key=lambda file: not file.name.endswith(INDEX)):
                size = bytes_of(file)
                try:
                    file.unlink()
                except FileNotFoundError:
                    continue
                except OSError:  # open in another program on Windows
                    break
                freed += size
        return freed

    def _streams(self) -> set[Path]:
        files = (path for path in self._folder.glob("*/*") if path.parent.name != "locks" and path.is_file())
        return {path.with_name(path.name.removesuffix(INDEX).removesuffix(PARTIAL)) for path in files}

    def _files(self, path: Path) -> tuple[Path, ...]:
        return (path, self.partial(path), self.index(path))

    def _last_used(self, path: Path) -> float:
        found = [status.st_mtime for file in self._files(path) if (status := _status(file)) is not None]
        return max(found, default=0.0)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def bytes_of(path: Path) -> int:
    """What the file takes on the disk: holes take nothing; 0 if it is not there."""
    status = _status(path)
    if status is None:
        return 0
    blocks: int | None = getattr(status, "st_blocks", None)  # of 512 bytes; not told on Windows
    return status.st_size if blocks is None else min(status.st_size, blocks * 512)


def _key(source: Source) -> str:
    digest = hashlib.sha256(source.origin.encode()).hexdigest()[:16]
    return f"{_safe(source.id)}-{digest}"


def _safe(text: str) -> str:
    """A name for a stranger's id: readable, without meaning to any file system."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", text)[:40]
    # Ids differ by case; the file systems of Windows and macOS do not see that.
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
