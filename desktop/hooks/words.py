"""Where the words come from: the user's transcript, else captions, people's before machines'."""

from __future__ import annotations

import logging
from pathlib import Path

from desktop.errors import Exit, ReelyError
from desktop.hooks.captions import parse_transcript, read_transcript
from desktop.hooks.models import Origin
from desktop.hooks.transcript import Transcript
from desktop.jobs.cancellation import CancelToken
from desktop.source.captions import caption_bytes, tracks_in_order
from desktop.source.models import Caption, Source

logger = logging.getLogger(__name__)

_TRIES = 3  # tracks that are read before captions count as not there


def words_of(
    source: Source | None, transcript: Path | None, language: str | None, *, offline: bool
) -> tuple[Transcript | None, list[str]]:
    """The transcript and what should be known about it; None if there are no words to be had.

    Raises what `read_transcript` raises, and ReelyError of the group network where captions did not come.
    """
    if transcript is not None:
        return read_transcript(transcript), []
    if source is None:
        raise ReelyError(
            "nothing-to-read",
            "There is neither a source nor a transcript.",
            "Name a link or a file, or a transcript with --transcript.",
            Exit.USAGE,
        )
    tracks = tracks_in_order(source, language)
    if not tracks:
        there = sorted({track.language for track in source.captions})
        if there:
            return None, [f"There are no captions in “{language}”, only in {', '.join(there)}."]
        return None, ["This source has no captions."]
    notes: list[str] = []
    for track in tracks[:_TRIES]:
        try:
            return _read(source, track, offline=offline), notes
        except (ReelyError, OSError) as error:
            if isinstance(error, ReelyError) and error.exit is Exit.NETWORK:
                raise
            logger.info("captions could not be read: %s", error)
            notes.append(f"The captions “{track.name}” could not be read.")
    return None, notes


def _read(source: Source, track: Caption, *, offline: bool) -> Transcript:
    content = caption_bytes(source, track, offline=offline, token=CancelToken())
    origin = Origin.AUTOMATIC if track.automatic else Origin.CAPTIONS
    language = track.language if track.language not in {"", "und"} else None
    return parse_transcript(content, origin, language).model_copy(update={"track": track.name})
