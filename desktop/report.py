"""What the command answers: JSON for programs (the shapes of docs/command.md) and words for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from desktop.account.models import AccountStatus, MeterStatus
from desktop.source.models import Source, Stream
from desktop.timecode import format_length, format_timecode
from desktop.trim.edit import Clip
from desktop.workflow import Trimmed


def source_data(source: Source) -> dict[str, Any]:
    """The source as JSON, without the links to its bytes: they expire, and are nobody else's business."""
    hidden = {
        "streams": {"__all__": {"url"}},
        "captions": {"__all__": {"url"}},
        "storyboards": {"__all__": {"urls"}},
    }
    return source.model_dump(mode="json", exclude=hidden)


def describe_source(source: Source) -> str:
    """A few lines: what it is, and what is known about it."""
    lines = [source.title, f"  {source.origin}", f"  length     {format_timecode(source.duration)}"]
    if source.channel:
        lines.insert(1, f"  by {source.channel}")
    lines += [f"  stream     {_stream(stream)}" for stream in source.streams]
    if source.captions:
        tracks = {f"{c.language}{' (automatic)' if c.automatic else ''}" for c in source.captions}
        lines.append(f"  captions   {', '.join(sorted(tracks))}")
    lines += [f"  chapter    {format_timecode(part.start)}  {part.title}" for part in source.chapters]
    if source.heatmap:
        peak = max(source.heatmap[1:] or source.heatmap, key=lambda point: point.value)
        lines.append(f"  most replayed around {format_timecode(peak.start)}")
    return "\n".join(lines)


def _stream(stream: Stream) -> str:
    picture = f"{stream.width}x{stream.height}" if stream.height else ""
    rate = f"{stream.fps:g} fps" if stream.fps else ""
    codecs = "+".join(codec for codec in (stream.video_codec, stream.audio_codec) if codec)
    size = f"{stream.size / 1e6:.1f} MB" if stream.size else ""
    return "  ".join(part for part in (stream.id, stream.container, picture, rate, codecs, size) if part)


def trim_data(done: Trimmed) -> dict[str, Any]:
    """The `trim` result of the contract."""
    return {
        "clips": [_clip_data(clip) for clip in done.clips],
        "bytes_fetched": done.bytes_fetched,
        "seconds": round(done.seconds, 3),
        "quota": {name: meter.model_dump(mode="json") for name, meter in done.status.meters.items()},
    }


def _clip_data(clip: Clip) -> dict[str, Any]:
    return clip.model_dump(mode="json", exclude={"temporary"})


def describe_clips(done: Trimmed) -> str:
    """For each clip where it is and what it covers, then what the user should know."""
    lines = []
    for clip in done.clips:
        lines.append(str(clip.path))
        span = f"{format_timecode(clip.start)} to {format_timecode(clip.end)}"
        lines.append(f"  {format_length(clip.duration)} from {span}, {clip.bytes / 1e6:.1f} MB")
        lines += [f"  {note}" for note in clip.notes]
    lines += _left(done.status)
    return "\n".join(lines)


def status_data(status: AccountStatus) -> dict[str, Any]:
    """The account as JSON."""
    return status.model_dump(mode="json")


def describe_status(status: AccountStatus) -> str:
    """Who is signed in, and what is left."""
    if not status.signed_in:
        return "\n".join(["Not signed in.", *status.notices])
    lines = [f"{status.email} ({(status.tier or 'unknown tier').capitalize()})", *_left(status)]
    if not status.online:
        lines.append("The server could not be reached; this is what was known last.")
    return "\n".join([*lines, *status.notices])


def _left(status: AccountStatus) -> Iterable[str]:
    renews = f", renews {status.renews_at:%-d %b}" if status.renews_at else ""
    for meter, name in (("trim", "trims"), ("hook_run", "hook runs")):
        state = status.meters.get(meter)  # type: ignore[call-overload]
        if state is not None:
            yield f"{_amount(state)} {name} left this month{renews}"


def _amount(state: MeterStatus) -> str:
    if state.limit is None or state.available is None:
        return "unlimited"
    return f"{state.available} of {state.limit}"
