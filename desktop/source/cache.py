"""Whole media streams on disk: where they lie, which are complete, and which go when room is needed."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from desktop.source.models import Source, Stream

PARTIAL = ".partial"
DEFAULT_LIMIT = 10 * 1024**3
"""Bytes that the cache may hold."""
GRACE = 3600.0
"""Seconds after its last use in which a file is never evicted: somebody may be reading it."""
_LOCKS = 64  # files; unrelated streams may share one, and then only wait for each other


class StreamCache:
    """The streams under `folder`. Any number of processes may use it at once.

    A file under its real name is complete; what is on its way ends in `.partial`. Names carry the size, so
    that a stream that the site has made anew is never continued with bytes of the old one.
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._folder = folder / "media"
        self._limit = limit

    def path(self, source: Source, stream: Stream) -> Path:
        """Where the whole stream is or will be."""
        name = _safe(stream.id)
        size = f"-{stream.size}" if stream.size else ""
        ext = stream.container if re.fullmatch(r"[a-z0-9]{1,5}", stream.container) else "media"
        return self._folder / _key(source) / f"{name}{size}.{ext}"

    def partial(self, path: Path) -> Path:
        """Where it is until it is complete."""
        return path.with_name(path.name + PARTIAL)

    def complete(self, path: Path, stream: Stream) -> bool:
        """Whether the stream is there as a whole; if so, it counts as used now."""
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
    def locked(self, path: Path) -> Iterator[None]:
        """Within the block no other process works on `path`; waits for its turn. Ends with the process."""
        locks = self._folder / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        stripe = int.from_bytes(hashlib.sha256(os.fsencode(path)).digest()[:4]) % _LOCKS
        with FileLock(locks / f"{stripe}.lock"):
            yield

    def make_room(self, needed: int, keep: Iterable[Path] = ()) -> None:
        """Evict what was used longest ago until `needed` bytes fit under the limit, as far as possible.

        What was used within `GRACE` seconds and what is in `keep` stays: so the limit may be exceeded for a
        while.
        """
        kept = {path for one in keep for path in (one, self.partial(one))}
        used = [(status, path) for path in self._files() if (status := _status(path)) is not None]
        total = sum(status.st_size for status, _path in used)
        youngest = time.time() - GRACE
        for status, path in sorted(used, key=lambda entry: entry[0].st_mtime):
            if total + needed <= self._limit:
                return
            if path in kept or status.st_mtime > youngest:
                continue
            try:
                path.unlink()
            except FileNotFoundError:
                pass
            except OSError:  # open in another program on Windows
                continue
            total -= status.st_size

    def clear(self) -> None:
        """Remove everything that nobody has open."""
        for path in self._files():
            try:
                path.unlink()
            except OSError:
                continue

    def _files(self) -> list[Path]:
        return [path for path in self._folder.glob("*/*") if path.parent.name != "locks" and path.is_file()]


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _key(source: Source) -> str:
    digest = hashlib.sha256(source.origin.encode()).hexdigest()[:16]
    return f"{_safe(source.id)}-{digest}"


def _safe(text: str) -> str:
    """A name for a stranger's id: readable, without meaning to any file system."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", text)[:40]
    # Ids differ by case; the file systems of Windows and macOS do not see that.
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
