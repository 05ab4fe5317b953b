"""What the command answers: JSON for programs (the shapes of docs/command.md) and words for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from desktop.account.models import AccountStatus, DeviceEntry, Meter, MeterStatus, SignIn
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
        "clips": [clip_data(clip) for clip in done.clips],
        "bytes_fetched": done.bytes_fetched,
        "seconds": round(done.seconds, 3),
        "quota": {name: meter.model_dump(mode="json") for name, meter in done.status.meters.items()},
    }


def clip_data(clip: Clip) -> dict[str, Any]:
    """A clip as JSON."""
    return clip.model_dump(mode="json", exclude={"temporary"})


def describe_clips(done: Trimmed) -> str:
    """For each clip where it is and what it covers, then what the user should know."""
    lines = []
    for clip in done.clips:
        lines.append(str(clip.path))
        span = f"{format_timecode(clip.start)} to {format_timecode(clip.end)}"
        lines.append(f"  {format_length(clip.duration)} from {span}, {clip.bytes / 1e6:.1f} MB")
        lines += [f"  {note}" for note in clip.notes]
    lines += describe_left(done.status)
    return "\n".join(lines)


def status_data(status: AccountStatus) -> dict[str, Any]:
    """The account as JSON."""
    return status.model_dump(mode="json")


def describe_status(status: AccountStatus) -> str:
    """Who is signed in, and what is left."""
    if not status.signed_in:
        return "\n".join(["Not signed in.", *status.notices])
    lines = [f"{status.email} ({(status.tier or 'unknown tier').capitalize()})", *describe_left(status)]
    if status.payment:
        lines.append(status.payment)
    if not status.email_verified:
        lines.append("The address is not confirmed yet; `reely account confirm-email` sends the mail again.")
    if not status.online:
        lines.append("The server could not be reached; this is what was known last.")
    return "\n".join([*lines, *status.notices])


def describe_offline(status: AccountStatus) -> str:
    """What this device may use without a network."""
    if not status.signed_in:
        return describe_status(status)
    lines = []
    for name, state in _meters(status):
        held = "any number of" if state.on_device is None else str(state.on_device)
        waiting = f", {state.unreported} not reported yet" if state.unreported else ""
        lines.append(f"{held} {name} on this device{waiting}")
    return "\n".join([*lines, *status.notices])


def devices_data(devices: Sequence[DeviceEntry]) -> dict[str, Any]:
    """The devices as JSON."""
    return {"devices": [device.model_dump(mode="json") for device in devices]}


def describe_devices(devices: Sequence[DeviceEntry]) -> str:
    """A line each: the id, what it is, and when it was last there."""
    lines = []
    for device in devices:
        seen = f", last seen {device.last_seen_at:%Y-%m-%d}" if device.last_seen_at else ""
        mine = "  (this one)" if device.current else ""
        lines.append(f"{device.id}  {device.name} ({device.platform}){seen}{mine}")
    return "\n".join(lines) or "No devices."


def sign_ins_data(sign_ins: Sequence[SignIn]) -> dict[str, Any]:
    """The sign-ins as JSON."""
    return {"sessions": [entry.model_dump(mode="json") for entry in sign_ins]}


def describe_sign_ins(sign_ins: Sequence[SignIn]) -> str:
    """A line each: the id, which app, and since when."""
    lines = []
    for entry in sign_ins:
        mine = "  (this one)" if entry.current else ""
        lines.append(f"{entry.id}  {entry.client or 'unknown app'}, since {entry.created_at:%Y-%m-%d}{mine}")
    return "\n".join(lines) or "Nowhere."


def describe_left(status: AccountStatus) -> Iterable[str]:
    """What is left this month, a line a meter."""
    renews = f", renews {status.renews_at.day} {status.renews_at:%b}" if status.renews_at else ""
    for name, state in _meters(status):
        yield f"{_amount(state)} {name} left this month{renews}"


def _meters(status: AccountStatus) -> Iterable[tuple[str, MeterStatus]]:
    for meter, name in ((Meter.TRIM, "trims"), (Meter.HOOK_RUN, "hook runs")):
        if meter in status.meters:
            yield name, status.meters[meter]


def _amount(state: MeterStatus) -> str:
    if state.limit is None or state.available is None:
        return "unlimited"
    return f"{state.available} of {state.limit}"
