"""Transcripts of sources in the cache, so that nothing is fetched or listened to twice."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from desktop.errors import ReelyError
from desktop.files import write_file
from desktop.hooks.models import Origin
from desktop.hooks.transcript import Cue, Transcript
from desktop.source.models import Chapter, Source

logger = logging.getLogger(__name__)

_LIMIT = 64 * 2**20
"""Bytes of all transcripts together; an hour with a time for each word takes about 1 MB."""
_SEAL = hashlib.sha256().digest_size * 2


class _Kept(BaseModel):
    """Our own JSON (`docs/hooks.md`), and where the words come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: Origin
    duration: float | None = None
    title: str | None = None
    language: str | None = None
    chapters: tuple[Chapter, ...] = ()
    segments: tuple[Cue, ...]


class TranscriptStore:
    """The transcripts in the cache. May be used by several processes at once.

    A file is a line with the SHA-256 of the rest, and our own JSON.
    """

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "transcripts"

    def read(self, source: Source, language: str | None) -> Transcript | None:
        """What was kept for the source and the language that was asked for (None: that of the source).

        It counts as used now. None if there is nothing, or not as it was written.
        """
        path = self._path(source, language)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        seal, body = content[:_SEAL], content[_SEAL + 1 :]
        if seal != _seal(body):
            logger.info("a transcript in the cache is damaged")
            return None
        try:
            kept = _Kept.model_validate_json(body)
        except ValidationError:  # of another version
            return None
        return Transcript(cues=kept.segments, **{name: getattr(kept, name) for name in _SHARED})

    def keep(self, source: Source, language: str | None, transcript: Transcript) -> None:
        """Keep it, in place of one before. Where there is no room for it, it is not kept."""
        kept = _Kept(segments=transcript.cues, **{name: getattr(transcript, name) for name in _SHARED})
        body = json.dumps(kept.model_dump(mode="json"), ensure_ascii=False).encode()
        path = self._path(source, language)
        try:
            write_file(path, _seal(body) + b"\n" + body)
        except ReelyError as error:
            logger.info("the transcript is not kept: %s", error.code)
        self._make_room()

    def _path(self, source: Source, language: str | None) -> Path:
        what = source.origin
        if source.path is not None:
            with contextlib.suppress(OSError):  # a file that is gone: told, with words, by whoever reads it
                state = source.path.stat()
                what += f"\n{state.st_size}\n{state.st_mtime_ns}"
        name = hashlib.sha256(os.fsencode(f"{what}\n{(language or '').lower()}")).hexdigest()[:32]
        return self._folder / f"{name}.transcript"

    def _make_room(self) -> None:
        """Remove those used longest ago until the rest stay under the limit."""
        with contextlib.suppress(OSError):  # another process may be doing the same
            files = sorted(
                self._folder.glob("*.transcript"), key=lambda file: file.stat().st_mtime, reverse=True
            )
            total = 0
            for file in files:
                total += file.stat().st_size
                if total > _LIMIT:
                    file.unlink(missing_ok=True)


_SHARED = ("origin", "duration", "title", "language", "chapters")


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
