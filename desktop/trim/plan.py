"""From an edit to a cut plan: a pure function over the packet index that decides, and does, nothing else.

The rules, all on the source's clock and in the stream's own ticks (no frames-per-second arithmetic):

- A segment [in, out) takes the pictures that start in it: no more, no fewer, none twice.
- A clip begins with the first of them and so does its sound: what is covered starts at that picture's
  start and ends when the last picture gives way to the next one. A picture that is held long (slides, screen
  recordings) is cut short at `out`, but shown at least for the usual time between pictures.
- Sound without a picture is covered from `in` to `out` exactly.
- In mode `smart` whatever can be is copied: from the first keyframe in the segment at which copying may begin
  (`CopyRule`), less the leading pictures that belong to it, packets in decoding order as long as all of them
  lie inside and none that is left lies before them. What is before (the in point's group) and after (pictures
  that refer beyond `out`) is encoded anew.
- In mode `copy` the cover grows to what can be copied: from the keyframe at or before the first picture to
  the end of the last packet that the last picture needs, without holes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from desktop.errors import Exit, ReelyError
from desktop.media.packets import StreamPackets, Ticks
from desktop.trim.edit import Edit, Mode, Segment

OVERSHOOT = Fraction(1)
"""Seconds that an out point may lie past the source's end; it then means the end (links round lengths)."""


@dataclass(frozen=True)
class EncodePictures:
    """Decode and encode anew the pictures at these positions in order of presentation."""

    pictures: range


@dataclass(frozen=True, eq=False)
class CopyPackets:
    """Copy these packets, numbered in decoding order, ascending.

    Those of `leading`, positions in order of presentation, are encoded anew, and take the packets' places.
    """

    packets: NDArray[np.int64]
    leading: range = range(0)


Step = EncodePictures | CopyPackets
_NO_PACKETS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class CopyRule:
    """Where copying may begin: packets for which `starts` is True, all of them keyframes.

    Leading pictures (decoded after a keyframe, shown before it) may refer to what comes before it, so where
    copying begins they are encoded: before the keyframe, or with `apart`, after keyframes that are not clean,
    in their places. `apart` is how many other pictures such a keyframe needs to be encoded before it.
    """

    starts: NDArray[np.bool_]
    apart: int = 0


@dataclass(frozen=True, eq=False)
class SegmentPlan:
    """What one segment becomes. `start` and `end` are what is covered, in seconds on the source's clock."""

    asked: Segment
    start: Fraction
    end: Fraction
    steps: tuple[Step, ...] = ()
    ticks: Ticks | None = None
    """When its pictures are presented, in the video stream's ticks, ascending; None without a picture."""
    encoded: Fraction = Fraction(0)
    """How many seconds of its pictures (of its sound, if that is all there is) are encoded anew."""
    pictures: range | None = None
    """Where pictures could all be encoded anew: their positions in order of presentation."""

    @property
    def duration(self) -> Fraction:
        return self.end - self.start

    @property
    def early(self) -> Fraction:
        """By how many seconds it begins before it was asked to; 0 where it does not."""
        return max(Fraction(0), _exact(self.asked.start) - self.start)


@dataclass(frozen=True, eq=False)
class ClipPlan:
    """What one clip is made of: segments that follow each other without gap or overlap, from 0 on."""

    segments: tuple[SegmentPlan, ...]

    @cached_property
    def offsets(self) -> tuple[Fraction, ...]:
        """When each segment starts on the clip's clock, in seconds, and when the last one ends."""
        ends = [Fraction(0)]
        for segment in self.segments:
            ends.append(ends[-1] + segment.duration)
        return tuple(ends)

    @property
    def duration(self) -> Fraction:
        return self.offsets[-1]

    @property
    def frames(self) -> int:
        """How many pictures the clip has."""
        return sum(len(segment.ticks) for segment in self.segments if segment.ticks is not None)

    @property
    def copies(self) -> bool:
        """Whether any picture is copied."""
        return any(isinstance(step, CopyPackets) for segment in self.segments for step in segment.steps)

    @property
    def encoded(self) -> Fraction:
        """How many seconds of it are encoded anew."""
        return sum((segment.encoded for segment in self.segments), Fraction(0))

    def encoded_anew(self) -> ClipPlan:
        """The same clip with all its pictures, or all its sound, encoded anew."""
        return ClipPlan(
            tuple(
                replace(
                    segment,
                    steps=(EncodePictures(segment.pictures),) if segment.pictures is not None else (),
                    encoded=segment.duration,
                )
                for segment in self.segments
            )
        )

    def samples(self, rate: int) -> tuple[tuple[int, int], ...]:
        """For each segment the first sample, counted from the source's zero, and how many; `rate` in 1/s.

        The counts follow the clip's clock, so that roundings never add up.
        """
        edges = [round(offset * rate) for offset in self.offsets]
        return tuple(
            (round(segment.start * rate), after - before)
            for segment, before, after in zip(self.segments, edges, edges[1:], strict=False)
        )


def plan_cut(
    edit: Edit,
    video: StreamPackets | None,
    sounds: Sequence[StreamPackets] = (),
    rule: CopyRule | None = None,
) -> tuple[ClipPlan, ...]:
    """Plan the clips of `edit`: one joined clip, or one a segment where the edit says `separate`.

    `video` are the packets of the picture and `sounds` those of each audio track, all on one clock. `rule` is
    for mode `smart`; without one, copying begins at clean keyframes. Raises ReelyError
    `segment-outside-source` or `segment-empty`.
    """
    end = max(packets.seconds(packets.end) for packets in (*sounds, *([video] if video else [])))
    planned = []
    for number, segment in enumerate(edit.segments):
        bounds = _bounds(segment, end)
        if video is None:
            encoded = bounds[1] - bounds[0] if edit.mode is Mode.EXACT else Fraction(0)
            planned.append(SegmentPlan(segment, *bounds, encoded=encoded))
        elif edit.mode is Mode.COPY:
            join = number > 0 and not edit.separate
            planned.append(_plan_copy(segment, bounds, video, joined=join))
        elif edit.mode is Mode.SMART:
            planned.append(_plan_smart(segment, bounds, video, rule or CopyRule(video.clean)))
        else:
            planned.append(_plan_encode(segment, bounds, video))
    if edit.separate:
        return tuple(ClipPlan((segment,)) for segment in planned)
    return (ClipPlan(tuple(planned)),)


def _bounds(segment: Segment, end: Fraction) -> tuple[Fraction, Fraction]:
    """In and out as exact numbers, the out point at most at the source's end."""
    start, stop = _exact(segment.start), _exact(segment.end)
    if start >= end or stop > end + OVERSHOOT:
        raise ReelyError(
            "segment-outside-source",
            f"The part from {segment.start:.3f} s to {segment.end:.3f} s is not within the source, "
            f"which is {float(end):.3f} s long.",
            "Choose an in and an out point within the source.",
            Exit.USAGE,
        )
    return start, min(stop, end)


def _exact(seconds: float) -> Fraction:
    """The time that was meant: floats are off by less than what anybody can mean, microseconds."""
    return Fraction(round(seconds * 1_000_000), 1_000_000)


def _pictures(segment: Segment, bounds: tuple[Fraction, Fraction], video: StreamPackets) -> range:
    pictures = range(video.first_at(bounds[0]), video.first_at(bounds[1]))
    if not pictures:
        raise ReelyError(
            "segment-empty",
            f"No picture starts between {segment.start:.3f} s and {segment.end:.3f} s.",
            "Move the in or the out point so that at least one picture lies between them.",
            Exit.USAGE,
        )
    return pictures


def _plan_encode(segment: Segment, bounds: tuple[Fraction, Fraction], video: StreamPackets) -> SegmentPlan:
    pictures = _pictures(segment, bounds, video)
    last = int(video.starts[pictures[-1]])
    shortest = max(video.tick_at(bounds[1]), last + video.typical_duration)
    end = max(last + 1, min(video.end_of(pictures[-1]), shortest))
    ticks = video.starts[pictures.start : pictures.stop]
    covered = video.seconds(int(ticks[0])), video.seconds(end)
    return SegmentPlan(
        segment, *covered, (EncodePictures(pictures),), ticks, covered[1] - covered[0], pictures
    )


def _plan_smart(
    segment: Segment, bounds: tuple[Fraction, Fraction], video: StreamPackets, rule: CopyRule
) -> SegmentPlan:
    whole = _plan_encode(segment, bounds, video)
    pictures = _pictures(segment, bounds, video)
    steps: list[Step] = []
    done, encoded = pictures.start, Fraction(0)
    for first, copied in [*_copyable(video, pictures, rule), (pictures.stop, CopyPackets(_NO_PACKETS))]:
        if done < first:
            steps.append(EncodePictures(range(done, first)))
        begins = first + len(copied.leading)
        if done < begins:
            end = video.seconds(int(video.starts[begins])) if begins < pictures.stop else whole.end
            encoded += end - video.seconds(int(video.starts[done]))
        if len(copied.packets):
            steps.append(copied)
            done = first + len(copied.packets)
    return replace(whole, steps=tuple(steps), encoded=encoded)


def _copyable(video: StreamPackets, pictures: range, rule: CopyRule) -> Iterator[tuple[int, CopyPackets]]:
    """The longest runs of packets that can be copied, in order, with the position of the first picture shown.

    A run begins at a keyframe where the rule allows it. It goes on in decoding order as far as every packet
    is inside, and ends where all that it holds is shown before all that it does not.
    """
    order = video.order[pictures.start : pictures.stop]
    low, high = int(order.min()), int(order.max()) + 1
    outside = len(order)
    rank = np.full(high - low, outside, dtype=np.int64)
    rank[order - low] = np.arange(outside)
    keys = np.flatnonzero(video.key[low:high]).tolist()
    done = 0
    for key, group_end in pairwise([*keys, high - low]):
        first = int(rank[key])
        if not rule.starts[low + key] or first == outside or first < done:
            continue
        numbers = np.arange(key, high - low)
        led = video.pts[low + key : low + group_end] < video.pts[low + key]
        in_place = rule.apart and not video.clean[low + key]
        if in_place:
            first = int(rank[key:group_end].min())
        else:
            numbers = np.concatenate((numbers[: led.size][~led], numbers[led.size :]))
        if first < done + (rule.apart if in_place else 0):
            continue
        run = rank[numbers]
        holes = np.flatnonzero(run == outside)
        run = run[: holes[0]] if holes.size else run
        # Ranks are all different and at least `first`: without a gap where the largest is as large as that.
        whole = np.flatnonzero(np.maximum.accumulate(run) == first + np.arange(run.size))
        if not whole.size:
            continue
        count = int(whole[-1]) + 1
        done = first + count
        leading = range(first, int(rank[key])) if in_place else range(0)
        yield (
            pictures.start + first,
            CopyPackets(
                low + numbers[:count], range(pictures.start + leading.start, pictures.start + leading.stop)
            ),
        )


def _plan_copy(
    segment: Segment, bounds: tuple[Fraction, Fraction], video: StreamPackets, *, joined: bool
) -> SegmentPlan:
    pictures = _pictures(segment, bounds, video)
    # A segment that is joined to another one may only begin where nothing refers back: decoders do not start
    # anew at the keyframe of an open GOP and would put its pictures in order with those before.
    key = video.keyframe_before(int(video.starts[pictures.start]), clean=joined)
    packets = _decodable_without_holes(video, key, int(video.order[pictures.start : pictures.stop].max()))
    ticks = np.sort(video.pts[packets])
    last = int(ticks[-1])
    shortest = max(video.tick_at(bounds[1]), last + video.typical_duration)
    end = min(_end_of_packets(video, last), shortest)
    return SegmentPlan(
        segment, video.seconds(int(ticks[0])), video.seconds(end), (CopyPackets(packets),), ticks
    )


def _decodable_without_holes(video: StreamPackets, key: int, last: int) -> NDArray[np.int64]:
    """The packets from `key` to at least `last`, less the leading ones, so that no picture is missing.

    Leading pictures (presented before their keyframe) refer to what comes before it and do not decode.
    Packets that are decoded before `last` but presented after it bring along those presented in between.
    """
    after_key = np.flatnonzero(video.pts[key:] >= video.pts[key]) + key
    while True:
        taken = after_key[after_key <= last]
        within = after_key[video.pts[after_key] <= video.pts[taken].max()]
        if within[-1] <= last:
            return taken
        last = int(within[-1])


def _end_of_packets(video: StreamPackets, tick: int) -> int:
    """When the picture presented at `tick` gives way to the next one, hidden or not."""
    later = video.pts[video.pts > tick]
    return int(later.min()) if later.size else max(video.end, tick + 1)
