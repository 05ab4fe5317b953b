"""A source: what the user pasted or opened, with its metadata and streams."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class StreamKind(StrEnum):
    VIDEO = "video"
    AUDIO = "audio"
    MUXED = "muxed"
    """Picture and sound in one stream, as in YouTube's progressive formats and most files."""


class Stream(_Frozen):
    """One way to get the picture, the sound or both. Sizes in bytes, bit rate in bits/s."""

    id: str
    kind: StreamKind
    container: str
    video_codec: str | None = None
    audio_codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bit_rate: int | None = None
    size: int | None = None
    language: str | None = None
    url: str | None = None
    """Where the bytes are; None for files. Expires, and is never printed or logged."""
    protocol: str = "https"
    """How the bytes come, in yt-dlp's words: `https` for one file with byte ranges, `m3u8_native` for HLS."""


class Caption(_Frozen):
    """One caption track. `url` serves the format `ext` (json3, vtt, srv3, srt)."""

    language: str
    name: str
    automatic: bool
    ext: str
    url: str | None = None


class Chapter(_Frozen):
    """A named part, in seconds on the source's clock."""

    start: float
    end: float
    title: str


class HeatPoint(_Frozen):
    """A bin of the most-replayed curve: seconds, and an intensity of 0..1."""

    start: float
    end: float
    value: float


class Storyboard(_Frozen):
    """Sprite sheets of small pictures: `urls[k]` holds `rows` x `columns` tiles of `width` x `height` pixels,

    the first tile of sheet k at `k * rows * columns * seconds_per_tile` seconds.
    """

    width: int
    height: int
    rows: int
    columns: int
    seconds_per_tile: float
    urls: tuple[str, ...]


class Source(_Frozen):
    """What was pasted or opened. Times in seconds on the source's own clock, which starts at 0."""

    origin: str
    """The canonical link (`https://www.youtube.com/watch?v=ID`) or the absolute path of a file."""
    path: Path | None = None
    """Set for a local file only."""
    id: str
    title: str
    channel: str | None = None
    duration: float
    start_at: float = 0.0
    """Where the playhead belongs: the link's time stamp."""
    streams: tuple[Stream, ...]
    """Best first; the language of the first with sound is the original."""
    captions: tuple[Caption, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    heatmap: tuple[HeatPoint, ...] = ()
    storyboards: tuple[Storyboard, ...] = ()
