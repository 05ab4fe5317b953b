"""The job that finds hooks: words, signals, candidates, ranking, with progress by stage."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from desktop.hooks.captions import read_transcript
from desktop.hooks.find import hooks_in, material_of
from desktop.hooks.models import FoundHooks, Wish
from desktop.jobs.protocol import Job, Report


class HooksJob(Job):
    """Find hooks in the words of a transcript file."""

    kind: Literal["hooks"] = "hooks"
    wish: Wish
    transcript: Path


def find_hooks(job: HooksJob, report: Report) -> FoundHooks:
    """The hooks. Raises what `desktop.hooks.captions.read_transcript` raises."""
    report("reading", 0.0)
    transcript = read_transcript(job.transcript)
    report("listening", 0.3)
    material = material_of(transcript, job.wish)
    report("ranking", 0.6)
    found = hooks_in(transcript, job.wish, material)
    report("ranking", 1.0)
    return found
