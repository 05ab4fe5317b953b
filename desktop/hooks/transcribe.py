"""The transcript of a source: what was kept, else captions, else what is heard on this computer."""

from __future__ import annotations

from pathlib import Path

from desktop.hooks.job import GotTranscript, Observable, TranscriptJob, Words
from desktop.hooks.keeping import TranscriptStore
from desktop.hooks.model_files import ModelFolder
from desktop.hooks.models import Origin
from desktop.hooks.speech_models import speech_model
from desktop.hooks.transcript import Transcript
from desktop.hooks.words import words_of
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.progress import span
from desktop.jobs.protocol import Report
from desktop.source.captions import tracks_in_order
from desktop.source.models import Source


def transcribe(job: TranscriptJob, report: Report) -> GotTranscript:
    """The words of a source, or why there are none; they are kept for the next time.

    Raises what `desktop.hooks.words.words_of` and `hear` raise.
    """
    report("words", 0.0)
    store = TranscriptStore(job.cache)
    kept = store.read(job.source, job.language)
    if job.words is Words.CAPTIONS and kept is not None and kept.preferred:
        kept = None
    transcript: Transcript | None = None
    notes: list[str] = []
    if job.words is not Words.SPEECH:
        transcript, notes = read_words(job.source, job.language, kept, offline=job.offline)
    if transcript is not None and not transcript.cues:
        transcript = None
        notes.append("The captions hold no words.")
    if transcript is None and job.files.sound is not None:
        models = ModelFolder(job.models, offline=job.offline)
        transcript, notes = hear(job.files, job.source.duration, job.language, models, report)
    if transcript is not None and job.words is Words.SPEECH:
        transcript = transcript.model_copy(update={"preferred": True})
        store.keep(job.source, None, transcript)  # for whoever does not say what is spoken
    if transcript is not None and transcript != kept:
        store.keep(job.source, job.language, transcript)
    report("words", 1.0)
    return GotTranscript(transcript=transcript, notes=tuple(notes))


def read_words(
    source: Source, language: str | None, kept: Transcript | None, *, offline: bool
) -> tuple[Transcript | None, list[str]]:
    """The words that were kept, unless there are captions now that go before them; else what can be read.

    Captions in or beside a file are read anew: that is quick, and they may have been corrected.
    """
    if kept is not None and kept.preferred:
        return kept, []
    if kept is not None and source.path is None:
        tracks = tracks_in_order(source, language)
        if kept.origin is Origin.CAPTIONS or (
            kept.origin is Origin.AUTOMATIC and all(track.automatic for track in tracks)
        ):
            return kept, []
    transcript, notes = words_of(source, None, language, offline=offline)
    if transcript is None and kept is not None and kept.origin is Origin.SPEECH:
        return kept, notes
    return transcript, notes


def hear(
    files: Observable, duration: float, language: str | None, models: ModelFolder, report: Report
) -> tuple[Transcript | None, list[str]]:
    """The words in `files.sound` by speech recognition, and what should be known; None where nobody speaks.

    Raises what `ModelFolder.fetch` and `desktop.hooks.recognition.listen` raise.
    """
    from desktop.hooks.recognition import listen  # noqa: PLC0415 - captions need none of it

    sound: Path | None = files.sound
    if sound is None:
        return None, ["This source has no sound."]
    folder = models.fetch(speech_model(language), span(report, 0.0, 0.3), CancelToken())
    heard = listen(
        sound,
        folder,
        duration=duration,
        language=language,
        report=span(report, 0.3, 1.0),
        origin=files.origin,
    )
    return (heard.transcript if heard.transcript.cues else None), heard.notes
