"""What the cache holds, by kind, and how its room is given back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.source.cache import StreamCache, bytes_of

_STREAMS = "media"
_WORDS = {
    _STREAMS: "video and sound of links",
    "storyboards": "thumbnails of links",
    "waveforms": "waveforms",
    "transcripts": "transcripts",
    "vectors": "meanings of sentences",
}
_OTHER = "other"  # what yt-dlp and its JavaScript runtime keep for themselves


@dataclass(frozen=True)
class Cached:
    """What was found; after clearing, what was left because it is in use, and how much became free."""

    folder: Path
    kinds: dict[str, int]
    """Bytes on the disk by kind: `media`, `storyboards`, `waveforms`, `transcripts`, `vectors`, `other`."""
    freed: int = 0
    """Bytes."""

    @property
    def bytes(self) -> int:
        return sum(self.kinds.values())

    def as_data(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "kinds": self.kinds, "bytes": self.bytes, "freed": self.freed}

    def in_words(self) -> str:
        lines = [f"{self.bytes / 1e6:.1f} MB in {self.folder}"]
        lines += [
            f"  {size / 1e6:.1f} MB {_WORDS.get(kind, 'other')}" for kind, size in self.kinds.items() if size
        ]
        if self.freed:
            lines.append(f"{self.freed / 1e6:.1f} MB were removed.")
        return "\n".join(lines)


def cached(folder: Path) -> Cached:
    """What lies in the cache `folder` now."""
    kinds = dict.fromkeys((*_WORDS, _OTHER), 0)
    for path in folder.rglob("*"):
        kind = path.relative_to(folder).parts[0]
        if path.is_file() and not path.is_symlink():
            kinds[kind if kind in _WORDS else _OTHER] += bytes_of(path)
    return Cached(folder=folder, kinds=kinds)


def clear_cached(folder: Path) -> Cached:
    """Remove all that can be had again and that nobody is working on, also in another process."""
    before = cached(folder).bytes
    StreamCache(folder).clear()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.relative_to(folder).parts[0] == _STREAMS:
            continue
        try:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        except OSError:  # gone meanwhile, open elsewhere on Windows, or a folder with something in it
            continue
    left = cached(folder)
    return Cached(folder=folder, kinds=left.kinds, freed=max(before - left.bytes, 0))
