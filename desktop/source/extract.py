"""The job that turns a link into a `Source`: unpatched yt-dlp as a library, nothing downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yt_dlp.utils import YoutubeDLError

from desktop.jobs.protocol import Report
from desktop.source.diagnosis import refused_by_exception, refused_by_facts, refused_by_sentence
from desktop.source.info import source_from_info, streams_from_info
from desktop.source.jobs import ExtractJob
from desktop.source.links import VideoLink
from desktop.source.models import Source
from desktop.source.refusals import refusal
from desktop.source.ytdlp import Sentences, deno_path, opened_ytdlp

__all__ = ["deno_path", "extract", "extract_info"]

# Warnings that say nothing about why there is no video.
_IDLE = (
    'Extractor failed to obtain "title"',
    "No video formats found",
    "Requested format is not available",
    "ffmpeg not found",
    "only images are available",
    "Falling back on generic",
)


def extract(job: ExtractJob, report: Report) -> Source:
    """The source behind a link. Raises `ReelyError` with a code of `desktop.source.refusals`."""
    report("opening", 0.0)
    info = extract_info(job.link, job.cache, offline=job.offline, patience=job.patience)
    source = source_from_info(info, job.link)
    report("opening", 1.0)
    return source


def extract_info(link: VideoLink, cache: Path, *, offline: bool, patience: float) -> Mapping[str, Any]:
    """yt-dlp's info dict of a single recorded video that has streams. Raises as `extract`."""
    if offline:
        raise refusal("offline")
    sentences = Sentences()
    try:
        with opened_ytdlp(cache, sentences, patience=patience) as ydl:
            info = _single(ydl.extract_info(link.url, download=False))
    except YoutubeDLError as error:
        raise refused_by_exception(error, sentences.warnings) from error
    streams = streams_from_info(info)
    if (told := refused_by_facts(info, has_streams=bool(streams))) is not None:
        raise told
    if not streams:
        raise refused_by_sentence([words for words in sentences.warnings if not _is_idle(words)])
    return info


def _single(info: Any) -> Mapping[str, Any]:
    """The one video of a result; pages with a single embedded video count as that video."""
    for _level in range(3):
        if not isinstance(info, dict):
            raise refusal("not-a-video-link")
        if info.get("_type", "video") not in {"playlist", "multi_video"}:
            return info
        entries = [entry for entry in info.get("entries") or () if entry]
        if len(entries) != 1:
            raise refusal("playlist-link" if entries else "not-a-video-link")
        info = entries[0]
    raise refusal("playlist-link")


def _is_idle(sentence: str) -> bool:
    return any(words in sentence for words in _IDLE)
