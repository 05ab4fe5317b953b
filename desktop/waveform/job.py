"""The job that computes a waveform, and where its file is kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from desktop.jobs.protocol import Job

_LIMIT = 128 * 2**20
"""Bytes of all waveforms together; an hour takes 8 MB."""
_SEAL = struct.Struct("<I")


def seal(content: bytes) -> bytes:
    """The content with its CRC-32 behind it, as files in the store are written."""
    return content + _SEAL.pack(zlib.crc32(content))


class WaveformJob(Job):
    """Compute the waveform of the sound in `media` into the file `target`."""

    kind: Literal["waveform"] = "waveform"
    media: Path
    origin: Fraction | None = None
    """Where the source's clock is 0, in seconds of the file; None: where the file starts."""
    target: Path


class WaveformMade(BaseModel):
    """`there` is False where the file has no sound: then there is no target either."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    there: bool


class WaveformStore:
    """The waveform files in the cache. May be used by several processes at once."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "waveforms"

    def of_file(self, path: Path) -> Path:
        """Where the waveform of the user's file is kept; a file that has changed has another."""
        try:
            state = path.stat()
        except OSError:  # told, with words, by the job
            return self._named(str(path.absolute()))
        return self._named(f"{path.absolute()}\n{state.st_size}\n{state.st_mtime_ns}")

    def of_stream(self, path: Path, origin: Fraction | None) -> Path:
        """The same for a stream in the cache, whose name says all about it (and whose times tell its use)."""
        return self._named(f"{path.absolute()}\n{origin}")

    def _named(self, what: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(what)).hexdigest()[:32]}.peaks"

    def content(self, path: Path) -> bytes | None:
        """What was kept there, if it is still as it was written; it counts as used now."""
        try:
            sealed = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        content, seal = sealed[: -_SEAL.size], sealed[-_SEAL.size :]
        return content if seal == _SEAL.pack(zlib.crc32(content)) else None

    def make_room(self) -> None:
        """Remove those used longest ago until the rest stay under the limit."""
        with contextlib.suppress(OSError):  # another process may be doing the same
            files = sorted(self._folder.glob("*.peaks"), key=lambda file: file.stat().st_mtime, reverse=True)
            total = 0
            for file in files:
                total += file.stat().st_size
                if total > _LIMIT:
                    file.unlink(missing_ok=True)
