"""Reading transcripts: json3, WebVTT, srv3 (and srv1), SubRip, and our own JSON, all of them hostile."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from desktop.errors import Exit, ReelyError
from desktop.hooks.models import Origin
from desktop.hooks.rolling import without_repetition
from desktop.hooks.transcript import LATEST, Cue, Transcript, Word, tidy, usable
from desktop.source.models import Chapter
from desktop.source.text import clean_text

LARGEST = 32 * 2**20
"""Bytes of a transcript; ten hours of json3 with a time for each word have about 5 MB."""

_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_ARROW = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}")
_TAG = re.compile(r"</?[a-zA-Z/!?][^<>]{0,300}>|\{\\[^{}]{0,200}\}")  # HTML and WebVTT; SubStation's {\an8}
_WORD_TIME = re.compile(rf"<{_CLOCK}>")
_VTT_BLOCKS = ("NOTE", "STYLE", "REGION")


def read_transcript(path: Path) -> Transcript:
    """The transcript in a file of any of the formats, by its content.

    Raises ReelyError `transcript-not-found`, `transcript-too-large` or `transcript-unreadable`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ReelyError(
            "transcript-not-found",
            f"The transcript {clean_text(path.name)} could not be opened ({error.strerror}).",
            "Check the path and that you may read the file.",
            Exit.USAGE,
        ) from error
    return parse_transcript(content)


def parse_transcript(content: bytes, origin: Origin = Origin.FILE, language: str | None = None) -> Transcript:
    """The transcript in `content`; `language` is used where the content names none.

    Repetitions of rolling captions are removed. Raises ReelyError `transcript-too-large` or
    `transcript-unreadable`; a file of a known format without any words is a transcript without cues.
    """
    if len(content) > LARGEST:
        raise ReelyError(
            "transcript-too-large",
            f"This is no transcript: it has more than {LARGEST // 2**20} MB.",
            "Choose the file with the captions; a film belongs before the options.",
            Exit.MEDIA,
        )
    text = _decoded(content).lstrip("\ufeff\r\n\t ")
    if text.startswith(("{", "[")):
        return _from_json(text, origin, language)
    if text.startswith("<"):
        cues = _from_xml(text)
    elif text.startswith("WEBVTT") or _ARROW.search(text):
        cues = list(_from_blocks(text))
        language = language or _vtt_language(text)
    else:
        raise _unreadable("it is none of the formats that Reely reads")
    return Transcript(origin=origin, language=language, cues=without_repetition(tidy(cues)))


def _decoded(content: bytes) -> str:
    """UTF-8, UTF-16 by its mark or its zeros, else the old Windows encoding, which reads everything."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    sample = content[:400]
    for zeros, encoding in ((sample[1::2], "utf-16-le"), (sample[::2], "utf-16-be")):
        if len(zeros) > 1 and zeros.count(0) > 0.6 * len(zeros):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _plain(text: str) -> str:
    """Text without markup; what only looks like markup stays."""
    return html.unescape(_TAG.sub("", text))


# WebVTT and SubRip


def _from_blocks(text: str) -> Iterator[Cue]:
    """Cues of WebVTT (W3C, section 4) and SubRip: a line with two times, then lines of text up to a blank."""
    for block in re.split(r"\n[ \t]*\n", re.sub(r"\r\n?", "\n", text)):
        lines = block.split("\n")
        if lines[0].startswith(_VTT_BLOCKS):
            continue
        times: re.Match[str] | None = None
        said: list[str] = []
        for line in lines:
            found = _ARROW.match(line) if len(line) < 500 else None
            if found:  # also where the blank line between two cues is missing
                if times:
                    said = said[:-1] if said and said[-1].strip().isdigit() else said
                    yield _cue_of_block(times, said)
                times, said = found, []
            elif times:
                said.append(line)
        if times:
            yield _cue_of_block(times, said)


def _cue_of_block(times: re.Match[str], lines: list[str]) -> Cue:
    start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
    timed = [line for line in lines if _WORD_TIME.search(line)]
    if timed:  # only what is new in a rolling caption has times; the lines above it have been said
        words = tuple(_vtt_words(timed, start, end))
        return Cue(start=start, end=end, text=" ".join(word.text for word in words), words=words)
    return Cue(start=start, end=end, text="\n".join(filter(None, (_plain(line).strip() for line in lines))))


def _vtt_words(lines: list[str], start: float, end: float) -> Iterator[Word]:
    """`first<00:00:01.500><c> second</c>`: each part begins at the time before it."""
    parts: list[tuple[float, str]] = []
    at = start
    for line in lines:
        place = 0
        for found in _WORD_TIME.finditer(line):
            parts.append((at, _plain(line[place : found.start()]).strip()))
            at, place = _seconds(found.groups()), found.end()
        parts.append((at, _plain(line[place:]).strip()))
    parts = [part for part in parts if part[1]]
    for (begin, text), (following, _) in zip(parts, [*parts[1:], (end, "")], strict=True):
        yield Word(start=begin, end=max(begin, following), text=text)


def _seconds(groups: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = groups
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction or 0}")


def _vtt_language(text: str) -> str | None:
    found = re.search(r"^Language: *([A-Za-z0-9-]{2,20}) *$", text[:1000], re.MULTILINE)
    return found[1] if found else None


# srv3 and srv1


def _from_xml(text: str) -> list[Cue]:
    """YouTube's timed text: `<p t d><s t>` in milliseconds (srv3), `<text start dur>` in seconds (srv1)."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _unreadable("it declares entities, which captions never do")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without entities XML cannot grow
    except (ElementTree.ParseError, ValueError) as error:
        raise _unreadable("its XML is damaged") from error
    if root.tag not in {"timedtext", "transcript"}:
        raise _unreadable("its XML is not that of captions")
    cues = [
        _cue_of_parts(
            _milliseconds(node.get("t")),
            _milliseconds(node.get("d"), 0.0),
            [(node.text or "", None)]
            + [(part.text or "", _milliseconds(part.get("t"), 0.0)) for part in node.iter("s")],
        )
        for node in root.iter("p")
    ]
    for node in root.iter("text"):
        start, length = _milliseconds(node.get("start")) * 1000, _milliseconds(node.get("dur"), 0.0) * 1000
        said = html.unescape("".join(node.itertext()))
        cues.append(Cue(start=start, end=start + length, text=_plain(said)))
    return cues


def _milliseconds(value: object, default: float = -1.0) -> float:
    """Seconds out of milliseconds; -1, which is no usable time, for what is no number."""
    try:
        return float(value) / 1000 if isinstance(value, str | int | float) else default
    except (ValueError, OverflowError):
        return -1.0


# json3 and our own


def _from_json(text: str, origin: Origin, language: str | None) -> Transcript:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable("its JSON is damaged") from error
    if isinstance(data, list):  # the segments alone
        data = {"segments": data}
    if isinstance(data.get("events"), list):
        cues = [cue for event in data["events"] if isinstance(event, dict) for cue in _json3_cue(event)]
        return Transcript(origin=origin, language=language, cues=without_repetition(tidy(cues)))
    if not isinstance(data.get("segments"), list):
        raise _unreadable("its JSON has neither “segments” nor “events”")
    return _own_json(data, origin, language)


def _json3_cue(event: Mapping[str, Any]) -> Iterator[Cue]:
    parts = event.get("segs")
    if not isinstance(parts, list):
        return  # the window's own event
    yield _cue_of_parts(
        _milliseconds(event.get("tStartMs")),
        _milliseconds(event.get("dDurationMs"), 0.0),
        [
            (str(part.get("utf8") or ""), _milliseconds(part["tOffsetMs"]) if "tOffsetMs" in part else None)
            for part in parts
            if isinstance(part, dict)
        ],
    )


def _cue_of_parts(start: float, length: float, parts: list[tuple[str, float | None]]) -> Cue:
    """A cue of parts that begin so many seconds after it; parts without any such time have no word times."""
    text = html.unescape("".join(part for part, _ in parts))
    end = start + max(length, 0.0)
    words: list[Word] = []
    if any(offset for _, offset in parts):
        begins = [(start + (offset or 0.0), part.strip()) for part, offset in parts if part.strip()]
        for (begin, said), (following, _) in zip(begins, [*begins[1:], (end, "")], strict=True):
            words.append(Word(start=begin, end=max(begin, following), text=html.unescape(said)))
    return Cue(start=start, end=end, text=text, words=tuple(words))


def _own_json(data: Mapping[str, Any], origin: Origin, language: str | None) -> Transcript:
    """`{"duration", "title", "language", "chapters", "segments": [{"start", "end", "text", "words"?}]}`."""
    segments = [entry for entry in data["segments"] if isinstance(entry, dict)]
    cues = [
        Cue(
            start=_number(entry.get("start")),
            end=_number(entry.get("end")),
            text=_plain(str(entry.get("text") or "")),
            words=tuple(
                Word(start=_number(word.get("start")), end=_number(word.get("end")), text=_word_text(word))
                for word in _dicts(entry.get("words"))
            ),
        )
        for entry in segments
    ]
    tidied = tidy(cues)
    if data["segments"] and not tidied and any(cue.text.strip() for cue in cues):
        raise _unreadable("no segment has a usable start")
    duration, title = _number(data.get("duration")), data.get("title")
    said_language = data.get("language")
    return Transcript(
        origin=origin,
        language=(clean_text(said_language, 20) or None) if isinstance(said_language, str) else language,
        cues=without_repetition(tidied),
        duration=duration if usable(duration) and duration > 0 else None,
        title=(clean_text(title) or None) if isinstance(title, str) else None,
        chapters=tuple(_chapters(data.get("chapters"))),
    )


def _word_text(word: Mapping[str, Any]) -> str:
    return str(word.get("text") or word.get("word") or "")


def _chapters(value: object) -> Iterator[Chapter]:
    for entry in _dicts(value)[:1000]:
        start, end = _number(entry.get("start")), _number(entry.get("end"))
        if usable(start) and usable(end) and start < end:
            yield Chapter(start=start, end=end, title=clean_text(str(entry.get("title") or ""), 200))


def _dicts(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _number(value: object) -> float:
    """Seconds; -1, which is no usable time, for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return -1.0
    return float(value) if abs(value) <= 2 * LATEST else -1.0


def _unreadable(why: str) -> ReelyError:
    return ReelyError(
        "transcript-unreadable",
        f"The transcript cannot be read: {why}.",
        "Use captions as json3, vtt, srv3 or srt, or Reely's own JSON with “segments”.",
        Exit.MEDIA,
    )
