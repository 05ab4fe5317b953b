"""The job that opens a file on this computer as a `Source`."""

from __future__ import annotations

import hashlib
import os
from itertools import islice
from pathlib import Path

from desktop.jobs.protocol import Report
from desktop.media.container import check_readable
from desktop.media.probe import MediaInfo, probe
from desktop.source.info import CAPTION_FORMATS
from desktop.source.jobs import OpenFileJob
from desktop.source.models import Caption, Chapter, Source, Stream, StreamKind
from desktop.source.refusals import refusal
from desktop.source.text import clean_text

_MOST_NEIGHBOURS = 20_000  # files of a folder that are looked through for captions


def open_file(job: OpenFileJob, report: Report) -> Source:
    """The source in a file.

    Raises ReelyError `is-a-folder`, `file-empty`, `file-without-length`, or what `desktop.media.probe.probe`
    raises: `file-not-found`, `file-not-readable`, `not-a-file`, `media-unreadable`, `no-video-or-audio`.
    """
    report("opening", 0.0)
    path = job.path.expanduser().absolute()
    if path.is_dir():
        raise refusal("is-a-folder")
    check_readable(path)
    if path.stat().st_size == 0:
        raise refusal("file-empty")
    source = source_from_media(probe(path), path)
    report("opening", 1.0)
    return source


def source_from_media(info: MediaInfo, path: Path) -> Source:
    """The source that `info` describes, with the captions inside the file and beside it."""
    if info.duration <= 0:
        raise refusal("file-without-length")
    return Source(
        origin=str(path),
        path=path,
        id=hashlib.sha256(os.fsencode(path)).hexdigest()[:16],
        title=clean_text(info.title or "") or clean_text(path.stem) or "Untitled",
        duration=info.duration,
        streams=_streams(info, path),
        captions=(*_captions_beside(path), *_captions_inside(info)),
        chapters=tuple(
            Chapter(
                start=chapter.start,
                end=min(chapter.end, info.duration),
                title=clean_text(chapter.title, 200) or "Untitled",
            )
            for chapter in info.chapters
            if chapter.start < min(chapter.end, info.duration)
        ),
    )


def _streams(info: MediaInfo, path: Path) -> tuple[Stream, ...]:
    """The file as players play it, then its further sound tracks."""
    video, audio = info.video, info.audio
    container = path.suffix.lstrip(".").lower() or info.container.partition(",")[0]
    width, height = video.display_size if video is not None else (None, None)
    main = Stream(
        id="file",
        kind=StreamKind.AUDIO if video is None else StreamKind.VIDEO if audio is None else StreamKind.MUXED,
        container=container,
        video_codec=video.codec if video is not None else None,
        audio_codec=audio.codec if audio is not None else None,
        width=width,
        height=height,
        fps=float(video.frame_rate) if video is not None and video.frame_rate else None,
        bit_rate=info.bit_rate,
        size=info.size,
        language=audio.language if audio is not None else None,
    )
    others = (
        Stream(
            id=f"track {track.index}",
            kind=StreamKind.AUDIO,
            container=container,
            audio_codec=track.codec,
            bit_rate=track.bit_rate,
            language=track.language,
        )
        for track in info.audios
        if track is not audio
    )
    return (main, *others)


def _captions_beside(path: Path) -> tuple[Caption, ...]:
    """`film.srt` and `film.en.vtt` beside `film.mp4`, as players find them."""
    found = []
    try:
        with os.scandir(path.parent) as entries:
            names = sorted(entry.name for entry in islice(entries, _MOST_NEIGHBOURS))
    except OSError:  # a folder that may be passed but not listed: the file itself can still be opened
        return ()
    for name in names:
        stem, _, ext = name.rpartition(".")
        if ext.lower() not in CAPTION_FORMATS or not (stem == path.stem or stem.startswith(path.stem + ".")):
            continue
        language = stem[len(path.stem) + 1 :]
        if "." in language or len(language) > 20:
            continue
        found.append(
            Caption(
                language=clean_text(language, 20) or "und",
                name=clean_text(name, 100),
                automatic=False,
                ext=ext.lower(),
                url=(path.parent / name).as_uri(),
            )
        )
    return tuple(found)


def _captions_inside(info: MediaInfo) -> tuple[Caption, ...]:
    subtitles = (other for other in info.others if other.kind == "subtitle")
    return tuple(
        Caption(
            language=track.language or "und",
            name=f"Track {track.index}",
            automatic=False,
            ext=track.codec or "unknown",
        )
        for track in subtitles
    )
