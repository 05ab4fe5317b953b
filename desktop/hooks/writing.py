"""Transcripts as files for others: SubRip, WebVTT and plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from desktop.errors import Exit, ReelyError
from desktop.files import deliver_file
from desktop.hooks.subtitles import subtitles
from desktop.hooks.transcript import Cue, Transcript
from desktop.source.text import clean_text

_JOINER = "\u2060"  # has no width, and keeps what looks like markup from being read as such
_PARAGRAPH = 2.0  # seconds of silence after which plain text begins anew
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{2,20}")


def to_srt(transcript: Transcript) -> str:
    """SubRip. It knows no escapes: a word joiner, which nobody sees, takes markup and arrows apart."""
    blocks = [
        f"{number}\n{_times(cue, ',')}\n{_taken_apart(_line(cue))}\n"
        for number, cue in enumerate(subtitles(transcript.cues), start=1)
    ]
    return "\n".join(blocks)


def to_vtt(transcript: Transcript) -> str:
    """WebVTT (W3C), with the language in its head where it is known."""
    language = transcript.language
    head = "WEBVTT\n"
    if language and _LANGUAGE.fullmatch(language):
        head += f"Language: {language}\n"
    return "\n".join(
        [head, *(f"{_times(cue, '.')}\n{_escaped(_line(cue))}\n" for cue in subtitles(transcript.cues))]
    )


def to_txt(transcript: Transcript) -> str:
    """The words alone, with a paragraph wherever nobody speaks for two seconds."""
    paragraphs: list[list[str]] = []
    silent_from = float("-inf")
    for cue in transcript.cues:
        if cue.start - silent_from >= _PARAGRAPH:
            paragraphs.append([])
        paragraphs[-1].append(_line(cue))
        silent_from = max(silent_from, cue.end)
    return "".join(" ".join(lines) + "\n\n" for lines in paragraphs).removesuffix("\n")


FORMATS: dict[str, Callable[[Transcript], str]] = {".srt": to_srt, ".vtt": to_vtt, ".txt": to_txt}
"""What writes a file, by the end of its name."""


def write_transcript(path: Path, transcript: Transcript, *, overwrite: bool = False) -> None:
    """Write the file as a whole, in the format that its name says.

    Raises ReelyError `transcript-format-unknown`, `file-exists` unless `overwrite`, `disk-full` or
    `cannot-write-file`.
    """
    deliver_file(path, form_of(path)(transcript).encode(), overwrite=overwrite)


def form_of(path: Path) -> Callable[[Transcript], str]:
    """What writes a file of this name. Raises ReelyError `transcript-format-unknown`."""
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise ReelyError(
            "transcript-format-unknown",
            f"A transcript cannot be saved as “{clean_text(path.suffix or path.name, 40)}”.",
            "Let the name end in .srt, .vtt or .txt.",
            Exit.USAGE,
        )
    return form


def _line(cue: Cue) -> str:
    return clean_text(cue.text, len(cue.text) + 1)


def _times(cue: Cue, point: str) -> str:
    """From when to when; a cue without an end lasts a millisecond, as the formats want none to be empty."""
    start = round(cue.start * 1000)
    end = max(round(cue.end * 1000), start + 1)
    return f"{_clock(start, point)} --> {_clock(end, point)}"


def _clock(milliseconds: int, point: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{milliseconds:03}"


def _taken_apart(text: str) -> str:
    return re.sub(r"[<&{]|--(?=>)", lambda sign: sign[0] + _JOINER, text)


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("{\\", "{&#92;")  # no markup in WebVTT, but readers take it for SubStation's
