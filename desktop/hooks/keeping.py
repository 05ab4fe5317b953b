"""Transcripts of sources in the cache, so that nothing is fetched or listened to twice."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from desktop.hooks.models import Origin
from desktop.hooks.sealed import SealedFolder
from desktop.hooks.transcript import Cue, Transcript
from desktop.source.models import Chapter, Source

_LIMIT = 64 * 2**20
"""Bytes of all transcripts together; an hour with a time for each word takes about 1 MB."""


class _Kept(BaseModel):
    """Our own JSON (`docs/hooks.md`), and where the words come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: Origin
    duration: float | None = None
    title: str | None = None
    language: str | None = None
    chapters: tuple[Chapter, ...] = ()
    track: str | None = None
    preferred: bool = False
    segments: tuple[Cue, ...]


class TranscriptStore:
    """The transcripts in the cache. May be used by several processes at once."""

    def __init__(self, cache: Path) -> None:
        self._files = SealedFolder(cache / "transcripts", ".transcript", _LIMIT)

    def read(self, source: Source, language: str | None) -> Transcript | None:
        """What was kept for the source and the language that was asked for (None: that of the source).

        It counts as used now. None if there is nothing, or not as it was written.
        """
        body = self._files.read(_key(source, language))
        if body is None:
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
        self._files.keep(_key(source, language), body)


def _key(source: Source, language: str | None) -> str:
    what = source.origin
    if source.path is not None:
        with contextlib.suppress(OSError):  # a file that is gone: told, with words, by whoever reads it
            state = source.path.stat()
            what += f"\n{state.st_size}\n{state.st_mtime_ns}"
    return f"{what}\n{(language or '').lower()}"


_SHARED = ("origin", "duration", "title", "language", "chapters", "track", "preferred")
