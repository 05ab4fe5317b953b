"""Caption tracks of a source: which to read first, and their bytes, from the web, a file beside or inside."""

from __future__ import annotations

import json
import logging
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import av
from av.error import FFmpegError
from av.subtitles.subtitle import AssSubtitle

from desktop.jobs.cancellation import CancelToken
from desktop.source.models import Caption, Source
from desktop.source.refusals import refusal
from desktop.source.small import fetch_small

logger = logging.getLogger(__name__)

LARGEST = 32 * 2**20
"""Bytes of a track at most; ten hours with a time for each word have about 5 MB."""
_ASS_FIELDS = 8  # ReadOrder, Layer, Style, Name, three margins, Effect; then the text, which may have commas


def tracks_in_order(source: Source, language: str | None = None) -> list[Caption]:
    """The tracks worth reading, best first: what people wrote before what machines heard, in one language.

    That is `language`, else that of the source's sound, of what machines heard, or of the first track.
    A track whose language nobody noted counts as being in it.
    """
    wanted = _primary(language or _spoken(source))
    known = [track for track in source.captions if _primary(track.language) == wanted or wanted is None]
    unknown = [track for track in source.captions if _primary(track.language) is None and track not in known]
    tracks = known + unknown
    if not tracks and language is None:
        tracks = list(source.captions)
    return sorted(tracks, key=lambda track: track.automatic)


def caption_bytes(source: Source, track: Caption, *, offline: bool, token: CancelToken) -> bytes:
    """The track's file; of one inside a media file, its texts as JSON with `segments`.

    Raises ReelyError `offline`, `access-denied`, `stalled`, `network-down` or `media-unreadable`, and OSError
    for a file beside it.
    """
    if track.url is None:
        return _inside(source, track)
    if urlsplit(track.url).scheme == "file":
        path = Path(urllib.request.url2pathname(urlsplit(track.url).path))
        if source.path is None or path.parent != source.path.parent:
            raise refusal("access-denied")
        with path.open("rb") as file:
            return file.read(LARGEST)
    if offline:
        raise refusal("offline")
    return fetch_small(track.url, LARGEST, token)


def _spoken(source: Source) -> str | None:
    sound = next((stream.language for stream in source.streams if stream.language), None)
    heard = next((track.language for track in source.captions if track.automatic), None)
    first = next((track.language for track in source.captions), None)
    return sound or heard or first


def _primary(language: str | None) -> str | None:
    """`pt` of `pt-BR`; files mark their tracks with three letters, as ISO 639-2 has them."""
    tag = (language or "").replace("_", "-").partition("-")[0].lower()
    return _TWO_LETTERS.get(tag, tag) if tag not in {"", "und", "mul", "zxx"} else None


_TWO_LETTERS = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "por": "pt", "ita": "it",
    "nld": "nl", "dut": "nl", "jpn": "ja", "zho": "zh", "chi": "zh", "kor": "ko", "rus": "ru", "pol": "pl",
    "tur": "tr", "ara": "ar", "hin": "hi", "swe": "sv", "dan": "da", "nor": "no", "fin": "fi", "ukr": "uk",
}  # fmt: skip


def _inside(source: Source, track: Caption) -> bytes:
    """The texts of a subtitle stream, which `Track N` names by its index in the file."""
    number = track.name.rpartition(" ")[2]
    if source.path is None or not number.isdigit():
        raise refusal("access-denied")
    try:
        with av.open(str(source.path)) as container:
            streams = [stream for stream in container.streams.subtitles if stream.index == int(number)]
            segments = list(_texts(container, streams[0])) if streams else []
    except FFmpegError as error:
        logger.info("a subtitle track could not be read: %s", error.strerror)
        segments = []
    return json.dumps({"segments": segments, "language": _primary(track.language)}).encode()


def _texts(
    container: av.container.InputContainer, stream: av.subtitles.stream.SubtitleStream
) -> Iterator[dict[str, object]]:
    origin = (container.start_time or 0) / av.time_base
    for packet in container.demux(stream):
        if packet.pts is None or packet.time_base is None:
            continue
        start = float(packet.pts * packet.time_base) - origin
        lasting = float((packet.duration or 0) * packet.time_base)
        for subtitle in packet.decode():
            if isinstance(subtitle, AssSubtitle):  # others are pictures of text
                yield {"start": max(0.0, start), "end": max(0.0, start + lasting), "text": _text(subtitle)}


def _text(subtitle: AssSubtitle) -> str:
    """FFmpeg hands out every text format as the fields of a dialogue line of SubStation Alpha."""
    line = bytes(subtitle.ass).decode("utf-8", "replace")
    return line.split(",", _ASS_FIELDS)[-1].replace("\\N", "\n").replace("\\n", "\n")
