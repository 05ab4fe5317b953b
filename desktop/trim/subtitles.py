"""Subtitles of a clip: the cues between in and out, on the clip's clock, as MP4's timed text.

All text formats become cues first, decoded by FFmpeg; what they say about looks is kept as far as SubRip can
tell it (italic, bold, underlined). Timed text (3GPP TS 26.245) is written by the ffmpeg executable.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import ffmpeg
from av.packet import Packet
from av.subtitles.subtitle import AssSubtitle

from desktop.media.container import open_media, read_only
from desktop.media.ffmpeg import running
from desktop.media.probe import OtherStream
from desktop.trim.plan import ClipPlan

TEXT_CODECS = {"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"}
"""FFmpeg's names of formats that are text, not pictures."""

_TICK = Fraction(1, 1000)
# Codes of Advanced SubStation Alpha, as libavcodec gives any text: {\\i1} begins italic, {\\r} ends all.
_CODES = re.compile(r"\{[^}]*\}")
_SWITCH = re.compile(r"\\([ibu])([01])(?![0-9])|\\r")


@dataclass(frozen=True)
class Cue:
    """What is read from `start` to `end`, in seconds; `text` has SubRip's tags."""

    start: Fraction
    end: Fraction
    text: str


@dataclass(frozen=True)
class Subtitles:
    """A subtitle track of the source, on its clock."""

    stream: OtherStream
    cues: tuple[Cue, ...]


def read_subtitles(path: Path, streams: Sequence[OtherStream], origin: Fraction) -> tuple[Subtitles, ...]:
    """The text tracks among `streams`; `origin` is where the source's clock is 0, in seconds of the file."""
    texts = {stream.index: stream for stream in streams if stream.codec in TEXT_CODECS}
    cues: dict[int, list[Cue]] = {index: [] for index in texts}
    if not texts:
        return ()
    with open_media(path) as container:
        wanted = [container.streams[index] for index in texts]
        read_only(container, *wanted)
        for packet in container.demux(*wanted):
            if packet.pts is None or not packet.duration or not packet.size:
                continue
            text = _text(packet)
            if text:
                start = packet.pts * packet.time_base - origin
                cues[packet.stream_index].append(Cue(start, start + packet.duration * packet.time_base, text))
    return tuple(Subtitles(stream, tuple(cues[index])) for index, stream in texts.items())


def _text(packet: Packet[Any]) -> str:
    try:
        shown: list[Any] = list(packet.decode())
    except av.FFmpegError:
        return ""  # one damaged cue is left out
    lines = [part.dialogue.decode(errors="replace") for part in shown if isinstance(part, AssSubtitle)]
    return tagged("\n".join(lines))


def tagged(text: str) -> str:
    """SubRip's text for ASS's: tags for codes, none left open, and no empty line, which would end the cue."""
    is_open: list[str] = []

    def tags(codes: re.Match[str]) -> str:
        made = ""
        for switch in _SWITCH.finditer(codes[0]):
            name = switch[1]
            if name and switch[2] == "1" and name not in is_open:
                is_open.append(name)
                made += f"<{name}>"
                continue
            while is_open and (name is None or name in is_open):
                made += f"</{is_open.pop()}>"
        return made

    plain = _CODES.sub(tags, text.replace("\r", "").replace("\\h", " "))
    plain += "".join(f"</{name}>" for name in reversed(is_open))
    return "\n".join(line for line in plain.split("\n") if line.strip())


def cues_of(cues: Sequence[Cue], clip: ClipPlan) -> tuple[Cue, ...]:
    """What of `cues` is read in the clip, on its clock, whole milliseconds, in order; cut at the joins."""
    found = []
    for segment, offset in zip(clip.segments, clip.offsets, strict=False):
        shift = offset - segment.start
        for cue in cues:
            start = round((max(cue.start, segment.start) + shift) / _TICK)
            end = round((min(cue.end, segment.end) + shift) / _TICK)
            if start < end:
                found.append(Cue(start * _TICK, end * _TICK, cue.text))
    return tuple(sorted(found, key=lambda cue: cue.start))


@contextmanager
def timed_text(cues: Sequence[Cue]) -> Iterator[Iterator[Packet[Any]]]:
    """The cues, at least one, as packets of timed text. Raises ReelyError `ffmpeg-failed`."""
    source = ffmpeg.input("pipe:0", format="srt", sub_charenc="UTF-8")
    output = ffmpeg.output(
        source["s"],
        "pipe:1",
        scodec="mov_text",
        format="mp4",
        movflags="+frag_every_frame+empty_moov+default_base_moof",
    )
    with running(output, feed=True) as process:
        assert process.stdin is not None  # noqa: S101 - asked for above; for the type checker
        # SubRip is read to its end before anything is written, so neither waits for the other.
        process.stdin.write(subrip(cues).encode())
        process.stdin.close()
        written = io.BytesIO(process.stdout.read())
        process.finish()
    with av.open(written, mode="r", format="mp4") as container:
        yield _on_the_clips_clock(container.demux(subtitles=0), cues[0].start)


def _on_the_clips_clock(packets: Iterator[Packet[Any]], start: Fraction) -> Iterator[Packet[Any]]:
    """The packets, the first of which is told to be at 0, from `start` on."""
    for packet in packets:
        if packet.pts is None or packet.dts is None or not packet.size:
            continue
        shift = round(start / packet.time_base)
        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
        yield packet


def subrip(cues: Sequence[Cue]) -> str:
    """The cues as a SubRip file."""
    return "".join(
        f"{number}\n{_time(cue.start)} --> {_time(cue.end)}\n{cue.text}\n\n"
        for number, cue in enumerate(cues, start=1)
    )


def _time(seconds: Fraction) -> str:
    whole, milliseconds = divmod(round(seconds / _TICK), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{milliseconds:03}"
