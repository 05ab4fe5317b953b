"""From a clip's plan to its tracks: which packets, encoded or copied, with which times."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from av.packet import Packet
from av.stream import Stream

from desktop.errors import Exit, ReelyError
from desktop.media.container import open_media, open_packets
from desktop.media.packets import StreamPackets, Ticks
from desktop.trim.copied import MP4_PICTURES, SoundCopy, read_numbered, retimed
from desktop.trim.media import Picture, Sound
from desktop.trim.mux import Track
from desktop.trim.picture import PictureFormat, encoded_pictures
from desktop.trim.plan import ClipPlan, CopyPackets, Step
from desktop.trim.sound import encoded_count, encoded_sound, output_rate
from desktop.trim.subtitles import Subtitles, cues_of, timed_text

_TAGS = {"h264": "avc1", "hevc": "hvc1"}


def picture_track(picture: Picture, clip: ClipPlan, form: PictureFormat | None) -> Track:
    """The clip's pictures: copied, or encoded as `form` says. Raises ReelyError `copy-not-possible`."""
    copied = clip.copies
    if copied and picture.info.codec not in MP4_PICTURES:
        raise ReelyError(
            "copy-not-possible",
            f"Pictures in {picture.info.codec} cannot be put into an MP4 as they are.",
            "Use mode exact, which encodes them anew.",
            Exit.USAGE,
        )
    tag = _TAGS.get(picture.info.codec) if copied or form is None else form.options["tag:v"]
    packets = pictures_on_the_clips_clock(
        picture.packets,
        clip,
        partial(_step_packets, picture, form),
        reorder_depth(picture.packets, clip, encoder=form.reorder_depth if form else 0),
    )
    if not copied:
        return track_of_pictures(_all_alike(packets), clip.frames, picture, tag)
    track = track_of_pictures(packets, clip.frames, picture, tag)
    track.template = source_stream(picture)
    return track


@contextmanager
def source_stream(track: Picture | Sound) -> Iterator[Stream]:
    """The source's stream with all that pictures tell of it, too, such as colours."""
    with open_media(track.path) if isinstance(track, Picture) else open_packets(track.path) as source:
        yield source.streams[track.packets.index]


def track_of_pictures(packets: Iterator[Packet[Any]], count: int, picture: Picture, tag: str | None) -> Track:
    """The track of these `count` packets, with what the source says about its picture as a whole."""
    return Track(
        packets,
        count,
        codec_tag=tag,
        display_matrix=picture.info.display_matrix,
        metadata={"language": picture.info.language} if picture.info.language else {},
    )


def sound_track(sound: Sound, clip: ClipPlan, copy: SoundCopy | None, held: ExitStack) -> Track:
    """One track of the clip's sound: the copy, else encoded; the encoder lives as long as `held`."""
    if copy is not None:
        packets, count = copy.packets(), copy.count
    else:
        spans = clip.samples(output_rate(sound.info))
        packets = held.enter_context(encoded_sound(sound.path, sound.info, sound.packets, spans))
        count = encoded_count(spans)
    metadata = {
        name: value
        for name, value in (("language", sound.info.language), ("title", sound.info.title))
        if value
    }
    track = Track(packets, count, metadata=metadata)
    if copy is not None and sound.packets.pos is not None:  # such packets belong to no stream
        track.template = source_stream(sound)
    return track


def subtitle_tracks(subtitles: Sequence[Subtitles], clip: ClipPlan, held: ExitStack) -> list[Track]:
    """The tracks of subtitles that have something to say in the clip."""
    tracks = []
    for one in subtitles:
        cues = cues_of(one.cues, clip)
        if cues:
            metadata = {"language": one.stream.language} if one.stream.language else {}
            packets = held.enter_context(timed_text(cues))
            tracks.append(Track(packets, 2 * len(cues) + 2, metadata=metadata))
    return tracks


def clip_ticks(clip: ClipPlan, packets: StreamPackets) -> Ticks:
    """When the clip's pictures are presented, ascending, in the source's ticks from the clip's start."""
    parts = [
        segment.ticks - segment.ticks[0] + round(offset / packets.time_base)
        for segment, offset in zip(clip.segments, clip.offsets, strict=False)
        if segment.ticks is not None
    ]
    return np.concatenate(parts)


def pictures_on_the_clips_clock(
    packets: StreamPackets, clip: ClipPlan, packets_of: Callable[[Step], Iterator[Packet[Any]]], depth: int
) -> Iterator[Packet[Any]]:
    """All pictures in decoding order with their final times, in the source's ticks from the clip's start.

    `packets_of` gives those of a step, presented at the source's ticks; up to `depth` of them are decoded
    ahead of their turn. Raises ReelyError `pictures-missing`.
    """
    base = packets.time_base
    times = clip_ticks(clip, packets)
    lasting = np.diff(times, append=round(clip.duration / base))
    places, came = memoryview(times), np.zeros(len(times), dtype=np.bool_)  # type: ignore[arg-type]
    decoding_times = iter(_decoding_times(times, depth))
    for segment, offset in zip(clip.segments, clip.offsets, strict=False):
        if segment.ticks is None:
            continue
        shift = round(offset / base) - int(segment.ticks[0])
        for step in segment.steps:
            for packet in packets_of(step):
                pts = int(packet.pts if packet.pts is not None else packet.dts or 0) + shift
                number = bisect_left(places, pts)
                if number == len(places) or places[number] != pts or came[number]:
                    raise _not_as_planned(f"a picture came out at {float(pts * base):.3f} s", pts * base)
                came[number] = True
                yield retimed(packet, pts, int(next(decoding_times)), int(lasting[number]), base)
    if not came.all():
        first = int(times[np.argmin(came)]) * base
        missing = int(np.count_nonzero(~came))
        raise _not_as_planned(f"{missing} pictures are missing from {float(first):.3f} s on", first)


def _step_packets(picture: Picture, form: PictureFormat | None, step: Step) -> Iterator[Packet[Any]]:
    if isinstance(step, CopyPackets):
        numbered = read_numbered(picture.path, picture.packets, step.packets)
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


def reorder_depth(packets: StreamPackets, clip: ClipPlan, *, encoder: int) -> int:
    """By how many places pictures are decoded ahead of their turn, at most; `encoder`: those encoded anew."""
    depth = 0
    for segment in clip.segments:
        for step in segment.steps:
            if isinstance(step, CopyPackets):
                depth = max(depth, reordering(packets.pts[step.packets]))
            else:
                depth = max(depth, encoder)
    return depth


def reordering(pts: Ticks) -> int:
    """By how many places pictures are decoded ahead of their turn, at most, presented at `pts` each."""
    rank = np.argsort(np.argsort(pts, kind="stable"), kind="stable")
    return int((np.arange(rank.size) - rank).max(initial=0))


def _all_alike(packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """The packets, as long as their codec parameters are those of the first one."""
    known: bytes | None = None
    for packet in packets:
        own = packet.stream.codec_context.extradata or b""
        if known is not None and own != known:
            raise ReelyError(
                "parameters-differ",
                "The parts of this clip do not fit together in one file.",
                "Export them as separate clips.",
                Exit.MEDIA,
            )
        known = own
        yield packet


def _not_as_planned(what: str, at: Fraction) -> ReelyError:
    return ReelyError(
        "pictures-missing",
        f"The source does not decode as its index says: {what} of the clip.",
        f"The file may be damaged around there ({float(at):.1f} s into the clip); move the in or out point.",
        Exit.MEDIA,
    )
