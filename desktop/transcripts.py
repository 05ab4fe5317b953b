"""The words of sources put together from the rooms: kept, read from captions, or listened to, and saved.

They cost nothing, and no account is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.hooks.job import GotTranscript, Listening, Observable, TranscriptJob, Words
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.progress import span
from desktop.jobs.protocol import Progress, Report
from desktop.jobs.supervisor import Supervisor
from desktop.settings import Settings
from desktop.source.models import Source, StreamKind

if TYPE_CHECKING:
    from desktop.hooks.transcript import Transcript


class Transcripts:
    """Methods block and may be called from any thread. `sound_of` brings a source's sound as a file."""

    def __init__(
        self,
        settings: Settings,
        jobs: Supervisor,
        sound_of: Callable[[Source, Report, CancelToken], Path | None],
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._sound_of = sound_of

    def read(
        self,
        source: Source,
        language: str | None,
        report: Report,
        token: CancelToken | None = None,
        *,
        words: Words = Words.BEST,
    ) -> GotTranscript:
        """The words that were kept or that captions have, and why there are none; `words` is not SPEECH."""
        return self._run(self._job(source, language, words), report, token)

    def listening(self, source: Source, language: str | None = None) -> Listening | None:
        """What `listen` would take; None where there is no sound.

        Raises ReelyError `model-incomplete` for a folder of the user's own.
        """
        from desktop.hooks.model_files import ModelFolder  # noqa: PLC0415
        from desktop.hooks.speech_models import listening_seconds, speech_model  # noqa: PLC0415

        if not has_sound(source):
            return None
        model = speech_model(language)
        there = ModelFolder(self._settings.models).find(model) is not None
        seconds = listening_seconds(model, source.duration)
        return Listening(seconds=seconds, download=0 if there else model.size)

    def listen(
        self,
        source: Source,
        language: str | None,
        report: Report,
        token: CancelToken | None = None,
        *,
        words: Words = Words.BEST,
    ) -> GotTranscript:
        """As `read`, and where there are no captions by recognising speech, after downloading the model.

        Where `words` is SPEECH, also where there are captions.
        """
        token = token or CancelToken()
        sound = self._sound_of(source, span(report, 0.0, 0.2), token) if has_sound(source) else None
        job = self._job(source, language, words).model_copy(update={"files": Observable(sound=sound)})
        return self._run(job, report if source.path is not None else span(report, 0.2, 1.0), token)

    def save(self, transcript: Transcript, path: Path, *, overwrite: bool) -> None:
        """Write it as the name says. Raises what `desktop.hooks.writing.write_transcript` raises."""
        from desktop.hooks.writing import write_transcript  # noqa: PLC0415

        write_transcript(path.expanduser().absolute(), transcript, overwrite=overwrite)

    def _job(self, source: Source, language: str | None, words: Words) -> TranscriptJob:
        settings = self._settings
        return TranscriptJob(
            source=source,
            language=language,
            words=words,
            models=settings.models,
            offline=settings.offline,
            cache=settings.cache,
        )

    def _run(self, job: TranscriptJob, report: Report, token: CancelToken | None) -> GotTranscript:
        def passing(progress: Progress) -> None:
            report(progress.stage, progress.fraction)

        return self._jobs.run(job, GotTranscript, progress=passing, token=token)


def has_sound(source: Source) -> bool:
    """Whether there is anything to listen to."""
    return any(stream.kind is not StreamKind.VIDEO for stream in source.streams)
