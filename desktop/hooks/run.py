"""Finding hooks: words, signals, candidates, ranking, with progress by stage."""

from __future__ import annotations

from desktop.hooks.find import hooks_in, hooks_without_words, material_of
from desktop.hooks.job import HooksJob
from desktop.hooks.models import FoundHooks
from desktop.hooks.words import words_of
from desktop.jobs.protocol import Report


def find_hooks(job: HooksJob, report: Report) -> FoundHooks:
    """The hooks of a source or transcript. Raises what `desktop.hooks.words.words_of` raises."""
    report("words", 0.0)
    transcript, notes = words_of(job.source, job.transcript, job.wish.language, offline=job.offline)
    report("signals", 0.5)
    duration = job.source.duration if job.source else None
    heatmap = job.source.heatmap if job.source else ()
    if transcript is None:
        found = hooks_without_words(job.wish, duration or 0.0, heatmap)
    else:
        material = material_of(transcript, job.wish, duration=duration, heatmap=heatmap)
        report("ranking", 0.8)
        found = hooks_in(transcript, job.wish, material)
    report("ranking", 1.0)
    return found.model_copy(update={"notes": (*notes, *found.notes)})
