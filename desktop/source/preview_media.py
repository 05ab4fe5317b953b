"""What can be scrubbed and heard of a source: files, or streams that are read where somebody looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from desktop.jobs.cancellation import CancelToken
from desktop.media.remote import RemoteMedia


class RemoteFile(RemoteMedia, Protocol):
    """Remote media that become a local file."""

    def stop(self) -> None:
        """As `close`, without waiting for anything."""

    def bring_all(self, progress: Callable[[float], None], token: CancelToken) -> Path:
        """Wait until all of it is a local file, and say where. What somebody reads meanwhile goes first.

        `progress` is told 0..1. Raises why bytes do not come, and `Cancelled`.
        """


@dataclass(frozen=True)
class PreviewMedia:
    """What can be scrubbed and heard of a source; whoever got it closes it."""

    video: Path | RemoteFile | None
    audio: Path | RemoteFile | None
    """The same as `video` where one holds both; None where there is no sound."""

    def stop(self) -> None:
        """Let whoever waits for remote bytes get an error at once. Returns at once, may be called twice."""
        for media in (self.video, self.audio):
            if media is not None and not isinstance(media, Path):
                media.stop()

    def close(self) -> None:
        """Let go of what is remote. May be called twice."""
        for media in (self.video, self.audio):
            if media is not None and not isinstance(media, Path):
                media.close()
