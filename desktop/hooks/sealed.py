"""Files in the cache that are known to be as they were written, and that together stay below a limit."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from pathlib import Path

from desktop.errors import ReelyError
from desktop.files import write_file

logger = logging.getLogger(__name__)

_SEAL = hashlib.sha256().digest_size * 2


class SealedFolder:
    """Files of one kind in a folder. May be used by several processes at once.

    A file is a line with the SHA-256 of the rest, and the rest. All together take at most `limit` bytes:
    those used longest ago go first.
    """

    def __init__(self, folder: Path, suffix: str, limit: int) -> None:
        self._folder = folder
        self._suffix = suffix
        self._limit = limit

    def read(self, key: str) -> bytes | None:
        """What was kept under the key, which counts as used now. None if nothing was, or it is damaged."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        seal, body = content[:_SEAL], content[_SEAL + 1 :]
        if seal != _seal(body):
            logger.info("a file in the cache is damaged: %s", path.name)
            return None
        return body

    def keep(self, key: str, body: bytes) -> None:
        """Keep it, in place of what was there before. Where there is no room for it, it is not kept."""
        try:
            write_file(self._path(key), _seal(body) + b"\n" + body)
        except ReelyError as error:
            logger.info("nothing is kept: %s", error.code)
        self._make_room()

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:32]}{self._suffix}"

    def _make_room(self) -> None:
        with contextlib.suppress(OSError):  # another process may be doing the same
            files = sorted(
                self._folder.glob(f"*{self._suffix}"), key=lambda file: file.stat().st_mtime, reverse=True
            )
            total = 0
            for file in files:
                total += file.stat().st_size
                if total > self._limit:
                    file.unlink(missing_ok=True)


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
