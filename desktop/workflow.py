"""The rooms put together: what the command and the window both do, from a pasted link to a published clip."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pydantic import JsonValue

from desktop.errors import ReelyError
from desktop.files import already_exists, free_name, publish
from desktop.hooks.job import HooksJob, Observable
from desktop.hooks.models import FoundHooks, Wish
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.progress import span
from desktop.jobs.protocol import Progress, Report
from desktop.jobs.supervisor import Supervisor
from desktop.language_model import LanguageModel
from desktop.settings import Settings
from desktop.source.jobs import ExtractJob, FetchedMedia, FetchJob, OpenFileJob, Purpose
from desktop.source.links import FilePath, parse_source
from desktop.source.models import Source, StreamKind
from desktop.source.preview_media import PreviewMedia
from desktop.source.text import clip_name
from desktop.timecode import format_timecode
from desktop.transcripts import Transcripts, has_sound
from desktop.trim.edit import Clip, Edit, MediaInput, Mode
from desktop.trim.job import TrimJob, TrimResult
from desktop.trim.partials import sweep_partials
from desktop.waveform.job import WaveformJob, WaveformMade, WaveformStore
from desktop.worker import worker_command

if TYPE_CHECKING:
    # Looking into a file or link needs no account: it is imported when it is needed, or when there is time.
    from desktop.account import Account, AccountStatus, Permit

logger = logging.getLogger(__name__)

_FOR_LINKS, _FOR_FILES = ("extract", "fetch", "trim"), ("open-file", "trim")


@dataclass(frozen=True)
class Trimmed:
    """What a trim delivered: clips under their real names, the network's bytes, and seconds of wall time."""

    clips: tuple[Clip, ...]
    bytes_fetched: int
    seconds: float
    status: AccountStatus


@dataclass(frozen=True)
class Proposed:
    """Hooks that were found, in seconds of wall time; `status` is None where no account was asked."""

    found: FoundHooks
    seconds: float
    status: AccountStatus | None = None


class Workflow:
    """One running app. Methods block and may be called from any thread; each takes a report and a token."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jobs = Supervisor(worker_command(), log=_log_last_words)
        self.language_model = LanguageModel(settings, self._jobs)
        self.transcripts = Transcripts(settings, self._jobs, self._sound_of)
        self._account_lock = threading.Lock()
        self._opened_account: Account | None = None

    def __enter__(self) -> Self:
        self._jobs.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._jobs.__exit__(kind, error, trace)
        with self._account_lock:
            if self._opened_account is not None:
                self._opened_account.close()
                self._opened_account = None

    # From a link to a clip

    def prepare(self, text: str = "") -> None:
        """Get ready to open `text` (or any link) and to cut it: start the child, and import the rest.

        Saves time where there is something else to do before `open`, or nothing. Never needed.
        """
        target = parse_source(text, exists=Path.exists) if text else None
        self._jobs.prepare(*(_FOR_FILES if isinstance(target, FilePath) else _FOR_LINKS))
        import desktop.account  # noqa: F401, PLC0415 - while the child imports, too

    def open(self, text: str, report: Report, token: CancelToken | None = None) -> Source:
        """The source behind what was pasted, dropped or typed."""
        target = parse_source(text, exists=Path.exists)
        if isinstance(target, FilePath):
            return self._jobs.run(
                OpenFileJob(path=target.path), Source, progress=_passing(report), token=token
            )
        job = ExtractJob(link=target, cache=self._settings.cache, offline=self._settings.offline)
        return self._jobs.run(job, Source, progress=_passing(report), token=token)

    def preview(self, source: Source, report: Report, token: CancelToken | None = None) -> PreviewMedia:
        """What can be scrubbed: the file itself, or of a link its smallest useful streams. To be closed."""
        if source.path is not None:
            return PreviewMedia(video=source.path, audio=source.path)
        from desktop.source.preview import open_preview  # noqa: PLC0415 - it brings yt-dlp

        settings, token = self._settings, token or CancelToken()
        preview = open_preview(source, settings.cache, offline=settings.offline, token=token)
        if preview is not None:
            return preview
        job = FetchJob(
            source=source,
            purpose=Purpose.PREVIEW,
            cache=self._settings.cache,
            offline=self._settings.offline,
        )
        media = self._jobs.run(job, FetchedMedia, progress=_passing(report), token=token)
        return PreviewMedia(video=media.video, audio=media.audio)

    def sound(self, preview: PreviewMedia, report: Report, token: CancelToken | None = None) -> Path | None:
        """The preview's sound as a file, on the preview's clock; of links all of it is fetched for that.

        What is scrubbed goes first. None where there is no sound.
        """
        if preview.audio is None or isinstance(preview.audio, Path):
            return preview.audio
        return preview.audio.bring_all(
            lambda fraction: report("downloading", fraction), token or CancelToken()
        )

    def waveform(
        self, source: Source, media: MediaInput, report: Report, token: CancelToken | None = None
    ) -> bytes | None:
        """The waveform file (`desktop.media.peaks`) of the preview's sound; None where there is no sound."""
        if media.audio is None:
            return None
        store = WaveformStore(self._settings.cache)
        of_link = source.path is None
        target = store.of_stream(media.audio, media.origin) if of_link else store.of_file(media.audio)
        if (content := store.content(target)) is not None:
            return content
        job = WaveformJob(media=media.audio, origin=media.origin, target=target)
        made = self._jobs.run(job, WaveformMade, progress=_passing(report), token=token)
        store.make_room()
        return store.content(target) if made.there else None

    def trim(
        self,
        source: Source,
        edit: Edit,
        destination: Path,
        *,
        max_height: int | None = None,
        overwrite: bool = False,
        report: Report,
        token: CancelToken | None = None,
    ) -> Trimmed:
        """Cut the edit and give the clips their real names at `destination`, a file or an existing folder.

        Costs one trim for each clip, and nothing for clips that are not delivered: when one of several
        cannot get its name, those before it stay.
        """
        from desktop.account import Meter  # noqa: PLC0415

        started = time.monotonic()
        token = token or CancelToken()
        account = self.account()
        account.recover()
        targets = self._targets(source, edit, destination)
        _refuse_existing(targets, overwrite=overwrite)
        with contextlib.ExitStack() as held:
            permits = [
                held.enter_context(
                    account.permit(Meter.TRIM, source_seconds=source.duration, job=_job_note(source, edit))
                )
                for _target in targets
            ]
            token.raise_if_cancelled()
            fetched = self._fetched(source, edit, max_height, span(report, 0.0, 0.6), token)
            media = MediaInput(video=fetched.video, audio=fetched.audio, origin=fetched.origin)
            job = TrimJob(
                media=media,
                edit=edit,
                targets=targets,
                max_height=max_height,
                overwrite=overwrite,
                title=source.title,
            )
            cutting = report if source.path is not None else span(report, 0.6, 1.0)
            with _swept(targets):
                cut = self._jobs.run(job, TrimResult, progress=_passing(cutting), token=token)
                _deliver(cut.clips, permits, overwrite=overwrite)
        clips = tuple(clip.model_copy(update={"notes": (*clip.notes, *fetched.notes)}) for clip in cut.clips)
        return Trimmed(clips, fetched.bytes_fetched, time.monotonic() - started, self._settled(account))

    def hooks(
        self,
        source: Source | None,
        wish: Wish,
        transcript: Path | None = None,
        *,
        report: Report,
        token: CancelToken | None = None,
    ) -> Proposed:
        """The moments of a source that are worth cutting, or of a transcript alone.

        Costs one hook run where there is a source and hooks were found; words alone cost nothing.
        """
        started = time.monotonic()
        settings = self._settings
        job = HooksJob(
            wish=wish,
            source=source,
            transcript=transcript and transcript.expanduser().absolute(),
            models=settings.models,
            offline=settings.offline,
            cache=settings.cache,
        )
        if source is None:
            found = self._jobs.run(job, FoundHooks, progress=_passing(report), token=token)
            return Proposed(found, time.monotonic() - started)
        from desktop.account import Meter  # noqa: PLC0415

        token = token or CancelToken()
        account = self.account()
        account.recover()
        note: dict[str, JsonValue] = {"kind": "hooks", "count": wish.count, "link": source.path is None}
        with account.permit(Meter.HOOK_RUN, source_seconds=source.duration, job=note) as permit:
            files = self._observable(source, transcript, wish, span(report, 0.0, 0.3), token)
            job = job.model_copy(update={"files": files})
            finding = report if source.path is not None or files.sound is None else span(report, 0.3, 1.0)
            found = self._jobs.run(job, FoundHooks, progress=_passing(finding), token=token)
            if found.hooks:
                permit.commit()
                permit.delivered()
        return Proposed(found, time.monotonic() - started, self._settled(account))

    def _observable(
        self, source: Source, transcript: Path | None, wish: Wish, report: Report, token: CancelToken
    ) -> Observable:
        """What to listen to and look at: of a file all of it, of a link its sound where words are missing."""
        heard = has_sound(source)
        if source.path is not None:
            seen = any(stream.height for stream in source.streams)
            return Observable(sound=source.path if heard else None, picture=source.path if seen else None)
        from desktop.source.captions import tracks_in_order  # noqa: PLC0415 - it brings yt-dlp

        if transcript is not None or tracks_in_order(source, wish.language) or not heard:
            return Observable()
        return Observable(sound=self._sound_of(source, report, token))

    def _sound_of(self, source: Source, report: Report, token: CancelToken) -> Path | None:
        """The source's sound as a file; of a link all of it is fetched."""
        preview = self.preview(source, span(report, 0.0, 0.5), token)
        try:
            return self.sound(preview, span(report, 0.5, 1.0), token)
        finally:
            preview.close()

    def suggest_name(self, source: Source, edit: Edit, folder: Path) -> Path:
        """A path in `folder` that does not exist yet, named after the title and the first segment."""
        segment = edit.segments[0]
        span_words = f"{format_timecode(segment.start, 1)}-{format_timecode(segment.end, 1)}".replace(
            ":", "."
        )
        return free_name(folder / clip_name(source.title, f" {span_words}{_suffix(source)}"))

    def _targets(self, source: Source, edit: Edit, destination: Path) -> tuple[Path, ...]:
        destination = destination.expanduser().absolute()
        if destination.is_dir():
            destination = self.suggest_name(source, edit, destination)
        elif not destination.suffix:
            destination = destination.with_name(destination.name + _suffix(source))
        if not edit.separate or len(edit.segments) == 1:
            return (destination,)
        return tuple(
            destination.with_name(f"{destination.stem} {number}{destination.suffix}")
            for number in range(1, len(edit.segments) + 1)
        )

    def _fetched(
        self, source: Source, edit: Edit, max_height: int | None, report: Report, token: CancelToken
    ) -> FetchedMedia:
        """The files to cut from: of a link, only what the segments need."""
        if source.path is not None:
            return FetchedMedia(video=source.path, audio=source.path, bytes_fetched=0)
        job = FetchJob(
            source=source,
            segments=tuple((segment.start, segment.end) for segment in edit.segments),
            from_keyframes=edit.mode is Mode.COPY,
            max_height=max_height,
            cache=self._settings.cache,
            offline=self._settings.offline,
        )
        return self._jobs.run(job, FetchedMedia, progress=_passing(report), token=token)

    # The account

    def recover(self) -> list[Path]:
        """Put right what a killed run left behind; the clips that got their names by it."""
        return [delivery.final for delivery in self.account().recover()]

    def account(self) -> Account:
        """Opened when it is first needed: looking into a file asks neither keyring nor server."""
        from desktop.account import Account  # noqa: PLC0415

        with self._account_lock:
            if self._opened_account is None:
                settings = self._settings
                self._opened_account = Account.open(
                    settings.home, settings.server_url, offline=settings.offline
                )
            return self._opened_account

    def _settled(self, account: Account) -> AccountStatus:
        """Report the spends; a network that is gone is no failure of the trim, the journal keeps them."""
        try:
            account.settle()
        except ReelyError as error:
            logger.info("the spends wait to be reported: %s", error.code)
        return account.status()


def _log_last_words(words: str) -> None:
    if words.strip():
        logger.error("a job failed; it said:\n%s", words.rstrip())


def _passing(report: Report) -> Callable[[Progress], None]:
    return lambda progress: report(progress.stage, progress.fraction)


def _suffix(source: Source) -> str:
    """Clips are MP4 files, or M4A where there is only sound."""
    has_picture = any(stream.kind is not StreamKind.AUDIO for stream in source.streams)
    return ".mp4" if has_picture else ".m4a"


def _job_note(source: Source, edit: Edit) -> dict[str, JsonValue]:
    """What the account's list of jobs says about a trim: no title, no file name, they are the user's own."""
    return {
        "kind": "trim",
        "mode": edit.mode.value,
        "segments": len(edit.segments),
        "seconds": round(sum(segment.duration for segment in edit.segments), 3),
        "link": source.path is None,
    }


def _refuse_existing(targets: Sequence[Path], *, overwrite: bool) -> None:
    """Before any work and any fetch, say what is in the way."""
    for target in targets:
        if target.exists() and not overwrite:
            raise already_exists(target)


@contextlib.contextmanager
def _swept(targets: Sequence[Path]) -> Iterator[None]:
    """Before and after, remove the temporary files of the dead: a killed child cannot do it itself."""
    folders = {target.parent for target in targets}
    for folder in folders:
        sweep_partials(folder)
    try:
        yield
    finally:
        for folder in folders:
            sweep_partials(folder)


def _deliver(clips: Sequence[Clip], permits: Sequence[Permit], *, overwrite: bool) -> None:
    from desktop.account import Delivery  # noqa: PLC0415

    for clip, permit in zip(clips, permits, strict=True):
        permit.commit([Delivery(temporary=clip.temporary, final=clip.path)])
        try:
            publish(clip.temporary, clip.path, overwrite=overwrite)
        except ReelyError as error:
            permit.take_back(error)
            raise
        permit.delivered()
