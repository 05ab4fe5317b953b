"""Finding hooks: words, signals, candidates, ranking, with progress by stage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from desktop.errors import Exit, ReelyError
from desktop.hooks.embeddings import SENTENCE_MODEL, Embedder, KeptVectors
from desktop.hooks.face_detector import FACE_MODEL, FaceDetector
from desktop.hooks.find import hooks_in, hooks_without_words, material_of, with_observed
from desktop.hooks.job import HooksJob
from desktop.hooks.keeping import TranscriptStore
from desktop.hooks.link_picture import fetch_picture, small_picture
from desktop.hooks.meaning import with_meaning
from desktop.hooks.model_files import ModelFolder
from desktop.hooks.models import FoundHooks
from desktop.hooks.observing import FetchPicture, Observation
from desktop.hooks.onnx_models import open_model
from desktop.hooks.sound_events import SOUND_MODEL, SoundListener
from desktop.hooks.transcribe import hear, read_words
from desktop.hooks.transcript import Transcript
from desktop.hooks.words import words_of
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.progress import span
from desktop.jobs.protocol import Report


def find_hooks(job: HooksJob, report: Report) -> FoundHooks:
    """The hooks of a source or transcript.

    Raises what `desktop.hooks.words.words_of` raises, and `model-incomplete` for a folder of the user's own.
    """
    report("words", 0.0)
    models = ModelFolder(job.models, offline=job.offline)
    kept = _kept(job)
    transcript, notes = _read(job, kept)
    # Words alone stay on this computer, and ask nothing of the network.
    download = job.source is not None and not job.offline
    with _observation(job, models, span(report, 0.0, 0.05), notes, download=download) as observation:
        return _found(job, observation, (transcript, kept), notes, report)


def _found(
    job: HooksJob,
    observation: Observation,
    words: tuple[Transcript | None, Transcript | None],
    notes: list[str],
    report: Report,
) -> FoundHooks:
    """The hooks once the words were looked for: `words` are those that are there, and those kept before."""
    models = ModelFolder(job.models, offline=job.offline)
    transcript, kept = words
    download = job.source is not None and not job.offline
    duration = job.source.duration if job.source else None
    heatmap = job.source.heatmap if job.source else ()
    if transcript is None and job.files.sound is not None:
        transcript, told = _heard(job, models, span(report, 0.05, 0.6))
        notes += told
    _keep(job, transcript, kept)
    report("signals", 0.6)
    if transcript is None:
        observed = observation.result(span(report, 0.6, 0.9))
        notes += observed.notes
        found = hooks_without_words(
            job.wish,
            duration or 0.0,
            heatmap=heatmap,
            curves=observed.curves,
            shots=observed.shots,
            sounds=observed.sounds,
        )
        return found.model_copy(update={"notes": (*notes, *found.notes)})
    material = material_of(transcript, job.wish, duration=duration, heatmap=heatmap)
    embedder, told = open_model(models, SENTENCE_MODEL, Embedder, span(report, 0.6, 0.75), download=download)
    if embedder is not None and material.sentences:
        kept_vectors = KeptVectors(embedder, job.cache) if job.cache is not None else embedder
        material = with_meaning(material, kept_vectors)
    observed = observation.result(span(report, 0.75, 0.9))
    notes += observed.notes
    material = with_observed(material, observed.curves, observed.sounds)
    report("ranking", 0.9)
    found = hooks_in(transcript, job.wish, material, observed.shots)
    report("ranking", 1.0)
    return found.model_copy(update={"notes": (*notes, *told, *found.notes)})


def _observation(
    job: HooksJob, models: ModelFolder, report: Report, notes: list[str], *, download: bool
) -> Observation:
    """Observing that has begun, with the models that are there; `notes` get what should be known of those."""
    detector = listener = fetch = None
    if job.files.picture is None:
        fetch = _fetch_of(job)
    if job.files.picture is not None or fetch is not None:
        detector, told = open_model(models, FACE_MODEL, FaceDetector, report, download=download)
        notes += told
    if job.files.sound is not None:
        listener, told = open_model(models, SOUND_MODEL, SoundListener, report, download=download)
        notes += told
    return Observation(job.files, detector, listener, fetch)


def _fetch_of(job: HooksJob) -> FetchPicture | None:
    """What brings the picture of a link; None where there is none."""
    source, cache = job.source, job.cache
    if source is None or source.path is not None or cache is None:
        return None
    stream = small_picture(source)
    if stream is None:
        return None

    def fetch(progress: Callable[[float], None], token: CancelToken) -> Path:
        return fetch_picture(source, stream, cache, offline=job.offline, progress=progress, token=token)

    return fetch


def _kept(job: HooksJob) -> Transcript | None:
    """What an earlier run has kept of this source."""
    if job.source is None or job.transcript is not None or job.cache is None:
        return None
    return TranscriptStore(job.cache).read(job.source, job.wish.language)


def _keep(job: HooksJob, transcript: Transcript | None, kept: Transcript | None) -> None:
    """A transcript of the user's own is not kept: it is a file of theirs, and may not be of this source."""
    if transcript is None or transcript == kept or job.source is None or job.cache is None:
        return
    if job.transcript is None:
        TranscriptStore(job.cache).keep(job.source, job.wish.language, transcript)


def _read(job: HooksJob, kept: Transcript | None) -> tuple[Transcript | None, list[str]]:
    """The transcript of the user's own, else what was kept of the source or can be read of it."""
    if job.source is None or job.transcript is not None:
        return words_of(job.source, job.transcript, job.wish.language, offline=job.offline)
    return read_words(job.source, job.wish.language, kept, offline=job.offline)


def _heard(job: HooksJob, models: ModelFolder, report: Report) -> tuple[Transcript | None, list[str]]:
    """The words by speech recognition; None, and why, where that is not possible or nobody speaks."""
    duration = job.source.duration if job.source else 0.0
    try:
        return hear(job.files, duration, job.wish.language, models, report)
    except ReelyError as error:
        if error.exit is Exit.USAGE:
            raise
        return None, [f"{error.message} {error.hint}"]
