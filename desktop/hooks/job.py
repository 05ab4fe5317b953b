"""The job that finds hooks, as data; what does it is `desktop.hooks.run`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from desktop.hooks.models import Wish
from desktop.jobs.protocol import Job
from desktop.source.models import Source


class HooksJob(Job):
    """Find hooks in a source, in a transcript, or in a source with this transcript."""

    kind: Literal["hooks"] = "hooks"
    wish: Wish
    source: Source | None = None
    transcript: Path | None = None
    cache: Path
    offline: bool = False
