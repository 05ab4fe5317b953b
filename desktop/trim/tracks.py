"""From a clip's plan to its tracks: which packets, encoded or copied, with which times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Any

import numpy as np
from av.packet import Packet

from desktop.errors import Exit, ReelyError
from desktop.media.packets import StreamPackets, Ticks
from desktop.trim.copied import MP4_PICTURES, MP4_SOUNDS, copied_sound, read_numbered, retimed
from desktop.trim.edit import Mode
from desktop.trim.media import Picture, Sound
from desktop.trim.mux import Track
from desktop.trim.picture import REORDER_DEPTH, PictureFormat, encoded_pictures
from desktop.trim.plan import ClipPlan, CopyPackets, Step
from desktop.trim.sound import encoded_sound, output_rate

_TAGS = {"h264": "avc1", "hevc": "hvc1"}


def picture_track(picture: Picture, clip: ClipPlan, form: PictureFormat | None) -> Track:
    """The clip's pictures: copied, or encoded as `form` says. Raises ReelyError `copy-not-possible`."""
    copied = any(isinstance(step, CopyPackets) for segment in clip.segments for step in segment.steps)
    if copied and picture.info.codec not in MP4_PICTURES:
        raise ReelyError(
            "copy-not-possible",
            f"Pictures in {picture.info.codec} cannot be put into an MP4 as they are.",
            "Use mode exact, which encodes them anew.",
            Exit.USAGE,
        )
    tag = _TAGS.get(picture.info.codec) if copied or form is None else form.options["tag:v"]
    return Track(
        _on_the_clips_clock(picture, clip, form),
        codec_tag=tag,
        display_matrix=picture.info.display_matrix,
        metadata={"language": picture.info.language} if picture.info.language else {},
    )


def sound_track(sound: Sound, clip: ClipPlan, mode: Mode, held: ExitStack) -> Track:
    """One track of the clip's sound; an encoder it needs lives as long as `held`."""
    if can_copy_sound(sound, mode):
        packets = copied_sound(sound.path, sound.info, sound.packets, clip)
    else:
        spans = clip.samples(output_rate(sound.info))
        packets = held.enter_context(encoded_sound(sound.path, sound.info, sound.packets, spans))
    metadata = {
        name: value
        for name, value in (("language", sound.info.language), ("title", sound.info.title))
        if value
    }
    return Track(packets, metadata=metadata)


def can_copy_sound(sound: Sound, mode: Mode) -> bool:
    """Whether the track's packets are copied: what mode `copy` does wherever MP4 can carry them."""
    return mode is Mode.COPY and sound.info.codec in MP4_SOUNDS


def clip_ticks(clip: ClipPlan, packets: StreamPackets) -> Ticks:
    """When the clip's pictures are presented, ascending, in the source's ticks from the clip's start."""
    parts = [
        segment.ticks - segment.ticks[0] + round(offset / packets.time_base)
        for segment, offset in zip(clip.segments, clip.offsets, strict=False)
        if segment.ticks is not None
    ]
    return np.concatenate(parts)


def _on_the_clips_clock(
    picture: Picture, clip: ClipPlan, form: PictureFormat | None
) -> Iterator[Packet[Any]]:
    """All pictures in decoding order with their final times, in the source's ticks from the clip's start."""
    base = picture.packets.time_base
    times = clip_ticks(clip, picture.packets)
    ends = np.append(times[1:], round(clip.duration / base))
    durations = dict(zip(times.tolist(), (ends - times).tolist(), strict=True))
    decoding_times = iter(_decoding_times(times, _reorder_depth(picture.packets, clip)))
    parameters: bytes | None = None
    for segment, offset in zip(clip.segments, clip.offsets, strict=False):
        if segment.ticks is None:
            continue
        shift = round(offset / base) - int(segment.ticks[0])
        for step in segment.steps:
            for packet in _step_packets(step, picture, form):
                pts = int(packet.pts if packet.pts is not None else packet.dts or 0) + shift
                if pts not in durations:
                    raise _not_as_planned(f"a picture came out at {float(pts * base):.3f} s", pts * base)
                parameters = _same_parameters(parameters, packet)
                yield retimed(packet, pts, next(decoding_times), durations.pop(pts), base)
    if durations:
        first = min(durations) * base
        raise _not_as_planned(f"{len(durations)} pictures are missing from {float(first):.3f} s on", first)


def _step_packets(step: Step, picture: Picture, form: PictureFormat | None) -> Iterator[Packet[Any]]:
    if isinstance(step, CopyPackets):
        numbered = read_numbered(picture.path, picture.packets, step.packets.tolist())
        return (packet for _, packet in numbered)
    if form is None:
        raise ValueError("a plan with pictures to encode needs a format")
    ticks = picture.packets.starts[step.pictures.start : step.pictures.stop]
    return encoded_pictures(picture.path, picture.info, picture.packets, ticks, form)


def _decoding_times(times: Ticks, depth: int) -> Ticks:
    """Decoding times for pictures presented at `times`, in decoding order, when up to `depth` run ahead.

    Each picture is decoded when the one `depth` before it in order of presentation is shown; the first ones
    before anything is.
    """
    step = max(1, int(np.median(np.diff(times)))) if len(times) > 1 else 1
    before = times[0] - step * np.arange(depth, 0, -1)
    return np.concatenate((before, times[: len(times) - depth] if depth else times))[: len(times)]


def _reorder_depth(packets: StreamPackets, clip: ClipPlan) -> int:
    """By how many places pictures are decoded ahead of their turn, at most."""
    depth = 0
    for segment in clip.segments:
        for step in segment.steps:
            if isinstance(step, CopyPackets):
                rank = np.argsort(np.argsort(packets.pts[step.packets], kind="stable"), kind="stable")
                depth = max(depth, int((np.arange(rank.size) - rank).max()))
            else:
                depth = max(depth, REORDER_DEPTH)
    return depth


def _same_parameters(known: bytes | None, packet: Packet[Any]) -> bytes:
    """The codec parameters of the packet's stream, which have to be those of the packets before it."""
    own = packet.stream.codec_context.extradata or b""
    if known is not None and own != known:
        raise ReelyError(
            "parameters-differ",
            "The parts of this clip do not fit together in one file.",
            "Export them as separate clips.",
            Exit.MEDIA,
        )
    return own


def _not_as_planned(what: str, at: Fraction) -> ReelyError:
    return ReelyError(
        "pictures-missing",
        f"The source does not decode as its index says: {what} of the clip.",
        f"The file may be damaged around there ({float(at):.1f} s into the clip); move the in or out point.",
        Exit.MEDIA,
    )
