"""Media whose bytes are somewhere else and come as they are read, for those who read files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from desktop.errors import ReelyError

if TYPE_CHECKING:
    from desktop.media.frame_decoder import FrameIndex


class MediaReader(Protocol):
    """A place in remote media, moved by reading and seeking as that of a file. For one thread at a time."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, empty at the end. Waits; raises `av.FFmpegError` if they do not come."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """As `io.IOBase.seek`."""

    def tell(self) -> int: ...

    def close(self) -> None: ...


class RemoteMedia(Protocol):
    """One stream or file of media. Methods may be called from any thread."""

    @property
    def name(self) -> str:
        """What to call it in a sentence."""

    @property
    def size(self) -> int:
        """Bytes in all."""

    @property
    def failure(self) -> ReelyError | None:
        """Why bytes did not come the last time they were asked for; None while they do."""

    def open(self) -> MediaReader:
        """A reader of its own, at the first byte."""

    def frame_index(self) -> FrameIndex:
        """When its pictures are shown, known from its head. Reads a little; raises as `open_media`."""

    def close(self) -> None:
        """Let go of it: whoever waits for bytes gets an error at once. May be called twice."""


Media = Path | RemoteMedia
"""What can be opened: a local file, or something remote."""
