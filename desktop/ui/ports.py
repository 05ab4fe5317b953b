"""What the window needs from the rest of the app; the composition root gives it, tests bring their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.media.peaks import Peaks
from desktop.source.models import Source, Storyboard
from desktop.source.preview_media import PreviewMedia
from desktop.trim.edit import Clip, Edit, MediaInput

OnProgress = Callable[[Progress], None]


class AccountStatus(BaseModel):
    """Who is signed in and what they may still do this period."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signed_in: bool
    email: str | None = None
    tier: str | None = None
    """`free`, `pro` or `premium`."""
    trims_available: int | None = None
    trims_limit: int | None = None
    """None: unlimited."""
    renews_at: datetime | None = None
    notice: str | None = None
    """One plain sentence the user should know, such as being offline."""


SIGNED_OUT = AccountStatus(signed_in=False)


class Ports(Protocol):
    """Everything here blocks and is called off the GUI thread, from any thread.

    Failures are `desktop.errors.ReelyError`; `progress` may be called from any thread; a cancelled `token`
    makes the call end soon with `desktop.errors.Cancelled`.
    """

    def open(self, text: str, progress: OnProgress, token: CancelToken) -> Source:
        """The source behind a link or a path, as it was pasted or dropped."""

    def preview(self, source: Source, progress: OnProgress, token: CancelToken) -> PreviewMedia:
        """What can be scrubbed of the source, a low resolution for links; whoever gets it closes it."""

    def sound(self, preview: PreviewMedia, progress: OnProgress, token: CancelToken) -> Path | None:
        """The preview's sound as a local file, which may take a while; None where there is no sound."""

    def sheet(self, board: Storyboard, number: int, token: CancelToken) -> bytes:
        """The picture file of sheet `number` of a storyboard; a few 100 kB, from anywhere: not trusted."""

    def waveform(
        self, source: Source, media: MediaInput, progress: OnProgress, token: CancelToken
    ) -> Peaks | None:
        """The waveform of the sound in `media`, the source's preview; None where there is no sound."""

    def trim(
        self,
        source: Source,
        edit: Edit,
        destination: Path,
        *,
        overwrite: bool,
        progress: OnProgress,
        token: CancelToken,
    ) -> list[Clip]:
        """Cut the edit; the clips are under their real names (`Clip.path`) when this returns."""

    def suggest_name(self, source: Source, edit: Edit) -> Path:
        """The default folder and file name for the clip."""

    def account_status(self) -> AccountStatus:
        """The account as it is known now, offline too."""

    def sign_in(self, email: str, password: str) -> AccountStatus: ...

    def sign_up(self, email: str, password: str) -> AccountStatus: ...

    def sign_out(self) -> AccountStatus: ...
