"""What the window needs from the rest of the app; the composition root gives it, tests bring their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from desktop.errors import Offer
from desktop.hooks.job import GotTranscript, Listening, Words
from desktop.hooks.models import FoundHooks
from desktop.hooks.transcript import Transcript
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.media.peaks import Peaks
from desktop.source.models import Source, Storyboard
from desktop.source.preview_media import PreviewMedia
from desktop.trim.edit import Clip, Edit, MediaInput
from desktop.ui.model_ports import ModelPorts

OnProgress = Callable[[Progress], None]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Meter(_Frozen):
    """One meter this period, in units."""

    limit: int | None = None
    """None: unlimited."""
    available: int | None = None
    on_device: int | None = 0
    """What is there for the time without a network. None: no limit while it lasts."""
    unreported: int = 0
    """Used, and the server does not know yet."""


class AccountStatus(_Frozen):
    """Who is signed in and what they may still do this period."""

    signed_in: bool
    online: bool = True
    """Whether the server said so just now."""
    email: str | None = None
    email_verified: bool = True
    tier: str | None = None
    """`free`, `pro` or `premium`."""
    trims: Meter = Meter()
    hook_runs: Meter = Meter()
    renews_at: datetime | None = None
    payment: str | None = None
    """What there is to know about the subscription, in a plain sentence."""
    notice: str | None = None
    """One plain sentence the user should know, such as being offline."""


SIGNED_OUT = AccountStatus(signed_in=False)


class Device(_Frozen):
    """A computer that the account is used on."""

    id: str
    name: str
    platform: str
    last_seen_at: datetime | None = None
    current: bool = False
    """It is this one."""


class SignIn(_Frozen):
    """A place where the account is signed in."""

    id: str
    client: str
    created_at: datetime
    current: bool = False
    """It is this one."""


class AccountPorts(Protocol):
    """The account. As all ports, these block, and raise `desktop.errors.ReelyError`."""

    def account_status(self) -> AccountStatus:
        """The account as it is known now, offline too."""

    def sign_in(self, email: str, password: str) -> AccountStatus: ...

    def sign_up(self, email: str, password: str) -> AccountStatus: ...

    def sign_out(self) -> AccountStatus: ...

    def forgot_password(self, email: str) -> None:
        """Have a link for choosing a new password sent."""

    def confirm_email(self) -> None:
        """Have the mail that confirms the address sent again."""

    def offers(self) -> list[Offer]:
        """The tiers above the account's, cheapest first."""

    def checkout(self, tier: str) -> str:
        """The address of the page where the tier is paid for."""

    def await_tier(self, before: str, token: CancelToken) -> AccountStatus | None:
        """The account once its tier is not `before` any more; None where nobody paid for hours."""

    def portal(self) -> str:
        """The address of the page where the subscription is managed."""

    def devices(self) -> list[Device]: ...

    def rename_device(self, id: str, name: str) -> None: ...

    def remove_device(self, id: str) -> None: ...

    def report_lost(self, id: str) -> None:
        """Remove a device and have back what it holds."""

    def sign_ins(self) -> list[SignIn]: ...

    def end_sign_in(self, id: str) -> None: ...

    def hold_offline(self, units: int) -> AccountStatus:
        """Have so many units of each meter on this device, or what is left of them."""

    def return_offline(self) -> AccountStatus:
        """Give back what this device holds."""

    def delete_account(self, password: str) -> AccountStatus: ...


class TranscriptPorts(Protocol):
    """What is said in a source. As all ports, these block, and raise `desktop.errors.ReelyError`."""

    def transcript(
        self, source: Source, words: Words, progress: OnProgress, token: CancelToken
    ) -> GotTranscript:
        """The words that are kept, or that captions have."""

    def listening(self, source: Source, language: str | None) -> Listening | None:
        """What `listen` would take; None where there is no sound."""

    def listen(
        self, source: Source, language: str | None, progress: OnProgress, token: CancelToken
    ) -> GotTranscript:
        """The words by speech recognition on this computer; `language` None: the one that is heard."""

    def save_transcript(self, transcript: Transcript, path: Path, *, overwrite: bool) -> None:
        """Write it as the name says: `.srt`, `.vtt` or `.txt`."""


class Ports(AccountPorts, TranscriptPorts, ModelPorts, Protocol):
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

    def hooks(
        self, source: Source, describe: str | None, progress: OnProgress, token: CancelToken
    ) -> FoundHooks:
        """The moments worth cutting, best first; `describe` says what they shall be about."""

    def suggest_name(self, source: Source, edit: Edit) -> Path:
        """The default folder and file name for the clip."""
