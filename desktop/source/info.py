"""From yt-dlp's info dict, whose every value is a stranger's, to a `Source`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from desktop.source.links import VideoLink
from desktop.source.models import (
    Caption,
    Chapter,
    HeatPoint,
    Source,
    Storyboard,
    Stream,
    StreamKind,
)
from desktop.source.refusals import refusal
from desktop.source.text import clean_text

PROTOCOLS = frozenset({"http", "https", "m3u8_native", "http_dash_segments"})
"""How bytes may come: those for which yt-dlp needs no other program."""
CAPTION_FORMATS = ("json3", "vtt", "srv3", "srt")
"""The caption formats that we read, best first: json3 has times for words."""
_MOST = 1000  # of anything in a list; real videos have a few hundred at most


def source_from_info(info: Mapping[str, Any], link: VideoLink) -> Source:
    """The source that `info` describes, opened by `link`. Raises `ReelyError` `unknown-length`."""
    duration = _number(info.get("duration"))
    if not duration:
        raise refusal("unknown-length")
    start_at = link.start_at or _number(info.get("start_time")) or 0.0
    return Source(
        origin=link.url,
        id=clean_text(str(info.get("id") or ""), 200) or "video",
        title=clean_text(str(info.get("title") or "")) or "Untitled",
        channel=clean_text(str(info.get("channel") or info.get("uploader") or ""), 200) or None,
        duration=duration,
        start_at=start_at if start_at < duration else 0.0,
        streams=streams_from_info(info),
        captions=_captions(info),
        chapters=_chapters(info, duration),
        heatmap=_heatmap(info, duration),
        storyboards=_storyboards(info),
    )


def streams_from_info(info: Mapping[str, Any]) -> tuple[Stream, ...]:
    """The streams that carry picture or sound and come without another program's help, best first."""
    formats = _dicts(info.get("formats")) or ([dict(info)] if info.get("url") else [])
    streams: dict[str, Stream] = {}
    for entry in reversed(formats):  # yt-dlp puts the best last
        stream = _stream(entry)
        if stream is not None:
            streams.setdefault(stream.id, stream)
    return tuple(streams.values())


def _stream(entry: Mapping[str, Any]) -> Stream | None:
    video, audio = _codec(entry.get("vcodec")), _codec(entry.get("acodec"))
    protocol = str(entry.get("protocol") or "https")
    # Pictures that the site's own software has enlarged are not the creator's.
    enlarged = str(entry.get("format_id")).endswith("-sr")
    if video is audio is False or protocol not in PROTOCOLS or enlarged or entry.get("has_drm") is True:
        return None
    url = _web_address(entry.get("url"))
    if url is None:
        return None
    kind = StreamKind.AUDIO if video is False else StreamKind.VIDEO if audio is False else StreamKind.MUXED
    bit_rate = _number(entry.get("tbr"))
    return Stream(
        id=clean_text(str(entry.get("format_id") or "0"), 100) or "0",
        kind=kind,
        container=clean_text(str(entry.get("ext") or "unknown"), 20),
        video_codec=video or None,
        audio_codec=audio or None,
        width=_whole(entry.get("width")),
        height=_whole(entry.get("height")),
        fps=_number(entry.get("fps")),
        bit_rate=round(bit_rate * 1000) if bit_rate else None,
        size=_whole(entry.get("filesize")),
        language=clean_text(str(entry.get("language") or ""), 40) or None,
        url=url,
        protocol=protocol,
    )


def _codec(value: object) -> str | bool:
    """The codec's name; False if there is no such track; an empty string if nothing is known."""
    if value == "none":
        return False
    return clean_text(value, 60) if isinstance(value, str) else ""


def _captions(info: Mapping[str, Any]) -> tuple[Caption, ...]:
    """What people wrote first, then what machines heard; machine translations of either are left out."""
    found: dict[tuple[bool, str, str], Caption] = {}
    for automatic, field in ((False, "subtitles"), (True, "automatic_captions")):
        tracks = info.get(field)
        for language, entries in list(tracks.items())[:_MOST] if isinstance(tracks, dict) else ():
            for entry in _dicts(entries):
                url, ext = _web_address(entry.get("url")), entry.get("ext")
                if url is None or ext not in CAPTION_FORMATS or "tlang" in parse_qs(urlsplit(url).query):
                    continue
                plain = clean_text(str(language), 40).removesuffix("-orig" if automatic else "")
                name = clean_text(str(entry.get("name") or plain), 100).removesuffix(" (Original)")
                caption = Caption(language=plain, name=name or plain, automatic=automatic, ext=ext, url=url)
                found.setdefault((automatic, plain, ext), caption)
    order = {ext: place for place, ext in enumerate(CAPTION_FORMATS)}
    languages = {key[:2]: place for place, key in reversed(list(enumerate(found)))}
    return tuple(
        found[key] for key in sorted(found, key=lambda key: (key[0], languages[key[:2]], order[key[2]]))
    )


def _chapters(info: Mapping[str, Any], duration: float) -> tuple[Chapter, ...]:
    return tuple(
        Chapter(start=start, end=end, title=clean_text(str(entry.get("title") or ""), 200) or "Untitled")
        for entry, start, end in _spans(info.get("chapters"), duration)
    )


def _heatmap(info: Mapping[str, Any], duration: float) -> tuple[HeatPoint, ...]:
    return tuple(
        HeatPoint(start=start, end=end, value=min(value, 1.0))
        for entry, start, end in _spans(info.get("heatmap"), duration)
        if (value := _number(entry.get("value"))) is not None
    )


def _spans(entries: object, duration: float) -> Iterator[tuple[dict[str, Any], float, float]]:
    """Entries with their start and end within the video; what lies outside or has no length is left out."""
    for entry in _dicts(entries):
        start, end = _number(entry.get("start_time")), _number(entry.get("end_time"))
        if start is not None and end is not None and start < min(end, duration):
            yield entry, start, min(end, duration)


def _storyboards(info: Mapping[str, Any]) -> tuple[Storyboard, ...]:
    """Smallest tiles first."""
    boards = (_storyboard(entry) for entry in _dicts(info.get("formats")) if entry.get("ext") == "mhtml")
    return tuple(sorted((board for board in boards if board is not None), key=lambda board: board.width))


def _storyboard(entry: Mapping[str, Any]) -> Storyboard | None:
    numbers = [_whole(entry.get(name)) for name in ("width", "height", "rows", "columns")]
    tiles_per_second = _number(entry.get("fps"))
    urls = [_web_address(sheet.get("url")) for sheet in _dicts(entry.get("fragments"))]
    if not all(numbers) or not tiles_per_second or not urls or None in urls:
        return None
    width, height, rows, columns = (number or 0 for number in numbers)
    return Storyboard(
        width=width,
        height=height,
        rows=rows,
        columns=columns,
        seconds_per_tile=1 / tiles_per_second,
        urls=tuple(url for url in urls if url is not None),
    )


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value[:_MOST] if isinstance(one, dict)] if isinstance(value, list) else []


def _number(value: object) -> float | None:
    """A finite number of at least 0, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return round(number) if number else None


def _web_address(value: object) -> str | None:
    if isinstance(value, str) and value.lower().startswith(("https://", "http://")) and len(value) < 20_000:
        return value
    return None
