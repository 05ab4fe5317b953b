"""Plans are pure: tables and properties over made-up packets, without a file."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.errors import ReelyError
from desktop.media.packets import StreamPackets
from desktop.trim.edit import Edit, Mode, Segment
from desktop.trim.plan import ClipPlan, CopyPackets, CopyRule, EncodePictures, plan_cut

MS = Fraction(1, 1000)


def stream(
    pts: list[int], keys: list[int], *, clean: list[int] | None = None, last: int = 40, base: Fraction = MS
) -> StreamPackets:
    """Packets in decoding order; `keys` and `clean` are packet numbers."""
    numbers = np.arange(len(pts))
    return StreamPackets(
        index=0,
        time_base=base,
        origin=Fraction(0),
        pts=np.array(pts, dtype=np.int64),
        dts=np.arange(len(pts), dtype=np.int64) * 40 - 80,
        duration=np.full(len(pts), last, dtype=np.int64),
        key=np.isin(numbers, keys),
        clean=np.isin(numbers, keys if clean is None else clean),
        shown=np.ones(len(pts), dtype=np.bool_),
        size=np.full(len(pts), 1000, dtype=np.int64),
    )


# I0 P3 B1 B2 | I6 B4 B5 P9 B7 B8: the second group is open, its first B-pictures refer to the first group.
OPEN_GOP = stream([0, 120, 40, 80, 240, 160, 200, 360, 280, 320], [0, 4], clean=[0])


def plan(
    video: StreamPackets | None,
    *segments: tuple[float, float],
    mode: Mode = Mode.EXACT,
    rule: CopyRule | None = None,
) -> ClipPlan:
    edit = Edit(segments=tuple(Segment(start=a, end=b) for a, b in segments), mode=mode)
    sounds = [stream(list(range(0, 400, 20)), list(range(20)), last=20)] if video is None else []
    (clip,) = plan_cut(edit, video, sounds, rule)
    return clip


def ticks(clip: ClipPlan) -> list[list[int]]:
    return [segment.ticks.tolist() for segment in clip.segments if segment.ticks is not None]


@pytest.mark.parametrize(
    ("segment", "pictures", "covered"),
    [
        ((0.0, 0.4), [0, 40, 80, 120, 160, 200, 240, 280, 320, 360], (0, 400)),
        ((0.04, 0.12), [40, 80], (40, 120)),
        ((0.0400004, 0.1200004), [40, 80], (40, 120)),
        ((0.041, 0.121), [80, 120], (80, 160)),
        ((0.35, 1.3), [360], (360, 400)),
    ],
)
def test_a_segment_takes_the_pictures_that_start_in_it(
    segment: tuple[float, float], pictures: list[int], covered: tuple[int, int]
) -> None:
    clip = plan(OPEN_GOP, segment)
    assert ticks(clip) == [pictures]
    assert (clip.segments[0].start, clip.segments[0].end) == (covered[0] * MS, covered[1] * MS)
    (step,) = clip.segments[0].steps
    assert isinstance(step, EncodePictures)
    assert OPEN_GOP.starts[list(step.pictures)].tolist() == pictures


def test_a_picture_that_is_held_long_is_cut_short_at_out() -> None:
    slides = stream([0, 40, 80, 5000, 5040], [0])
    assert plan(slides, (0.0, 2.0)).segments[0].end == 2
    assert plan(slides, (0.0, 0.09)).segments[0].end == Fraction(120, 1000)


@pytest.mark.parametrize(
    ("segment", "packets", "pictures", "early"),
    [
        # From the first keyframe; picture 80 needs packet 1 (120), which is shown, so nothing is missing.
        ((0.04, 0.1), [0, 1, 2, 3], [0, 40, 80, 120], 0.04),
        # From the second keyframe: its leading pictures (160, 200) do not decode and are left out.
        ((0.24, 0.28), [4], [240], 0.0),
        # 200 belongs to what was before the second keyframe, but is decoded after it.
        ((0.2, 0.22), [0, 1, 2, 3, 4, 5, 6], [0, 40, 80, 120, 160, 200, 240], 0.2),
        # 280 needs 360, which brings 320 along.
        ((0.25, 0.3), [4, 7, 8, 9], [240, 280, 320, 360], 0.01),
    ],
)
def test_a_copy_takes_whole_packets_from_a_keyframe_without_holes(
    segment: tuple[float, float], packets: list[int], pictures: list[int], early: float
) -> None:
    clip = plan(OPEN_GOP, segment, mode=Mode.COPY)
    (step,) = clip.segments[0].steps
    assert isinstance(step, CopyPackets)
    assert step.packets.tolist() == packets
    assert ticks(clip) == [pictures]
    assert float(clip.segments[0].early) == pytest.approx(early)


def test_a_joined_copy_starts_anew_only_where_nothing_refers_back() -> None:
    clip = plan(OPEN_GOP, (0.24, 0.3), (0.28, 0.3), mode=Mode.COPY)
    assert [segment.start for segment in clip.segments] == [Fraction(240, 1000), 0]


@pytest.mark.parametrize(
    ("segment", "steps"),
    [
        # A whole closed group, and both of them.
        ((0.16, 0.32), [[4, 5, 6, 7]]),
        ((0.0, 0.32), [[0, 1, 2, 3, 4, 5, 6, 7]]),
        # The in point's group is encoded up to the next keyframe.
        ((0.08, 0.32), [range(2, 4), [4, 5, 6, 7]]),
        # 280 is decoded before 200 and 240 but shown after them: they cannot be copied without it.
        ((0.0, 0.28), [[0, 1, 2, 3, 4], range(5, 7)]),
        ((0.08, 0.24), [range(2, 4), [4], range(5, 6)]),
        # No keyframe inside.
        ((0.2, 0.32), [range(5, 8)]),
    ],
)
def test_a_smart_cut_copies_whatever_refers_to_nothing_outside(
    segment: tuple[float, float], steps: list[list[int] | range]
) -> None:
    closed = stream([0, 120, 40, 80, 160, 280, 200, 240], [0, 4])
    clip = plan(closed, segment, mode=Mode.SMART)
    assert [
        step.packets.tolist() if isinstance(step, CopyPackets) else step.pictures
        for step in clip.segments[0].steps
    ] == steps
    encoded = sum(len(step) for step in steps if isinstance(step, range))
    assert clip.encoded == encoded * Fraction(40, 1000)
    exact = plan(closed, segment)
    assert ticks(clip) == ticks(exact)
    assert clip.duration == exact.duration
    (step,) = clip.encoded_anew().segments[0].steps
    assert step == exact.segments[0].steps[0]


def test_copying_never_begins_at_an_open_group() -> None:
    assert not plan(OPEN_GOP, (0.1, 0.4), mode=Mode.SMART).copies
    (step,) = plan(OPEN_GOP, (0.0, 0.4), mode=Mode.SMART).segments[0].steps
    assert isinstance(step, CopyPackets)
    assert step.packets.tolist() == list(range(10))


@st.composite
def groups(draw: st.DrawFn) -> StreamPackets:
    """Groups of pictures in any decoding order: clean ones begin with the first shown, others with any."""
    pts: list[int] = []
    keys, clean, at = [], [], 0
    for number in range(draw(st.integers(1, 6))):
        size = draw(st.integers(1, 8))
        is_clean = number == 0 or draw(st.booleans())
        shown = [40 * (at + place) for place in range(size)]
        keys.append(at)
        if is_clean:
            clean.append(at)
            pts += [shown[0], *draw(st.permutations(shown[1:]))]
        else:
            pts += draw(st.permutations(shown))
        at += size
    return stream(pts, keys, clean=clean)


@pytest.mark.parametrize(
    ("segment", "apart", "steps"),
    [
        # The leading pictures 160 and 200 are encoded before the keyframe at 240,
        ((0.12, 0.4), 0, [range(3, 6), [4, 7, 8, 9]]),
        # also where only one of them is inside, or none.
        ((0.2, 0.4), 0, [range(5, 6), [4, 7, 8, 9]]),
        ((0.24, 0.4), 0, [[4, 7, 8, 9]]),
        # Or they are encoded in their places, if enough is encoded in front.
        ((0.08, 0.4), 2, [range(2, 4), [4, 5, 6, 7, 8, 9]]),
        ((0.08, 0.33), 2, [range(2, 4), [4, 5, 6], range(7, 9)]),
        ((0.12, 0.4), 2, [range(3, 10)]),
        ((0.2, 0.4), 2, [range(5, 10)]),
    ],
)
def test_copying_begins_at_an_open_group_where_the_rule_allows_it(
    segment: tuple[float, float], apart: int, steps: list[list[int] | range]
) -> None:
    clip = plan(OPEN_GOP, segment, mode=Mode.SMART, rule=CopyRule(OPEN_GOP.key & (OPEN_GOP.pts > 0), apart))
    assert [
        step.packets.tolist() if isinstance(step, CopyPackets) else step.pictures
        for step in clip.segments[0].steps
    ] == steps
    (copies,) = (
        (step for step in clip.segments[0].steps if isinstance(step, CopyPackets))
        if clip.copies
        else [CopyPackets(np.zeros(0, np.int64))]
    )
    assert copies.leading == (range(4, 6) if apart and clip.copies else range(0))
    anew = sum(len(step) for step in steps if isinstance(step, range)) + len(copies.leading)
    assert clip.encoded == anew * Fraction(40, 1000)


@given(video=groups(), data=st.data(), kind=st.sampled_from(["clean", "key", "apart"]))
def test_every_picture_comes_once_in_order_and_as_few_as_can_be_are_encoded(
    video: StreamPackets, data: st.DataObject, kind: str
) -> None:
    count = len(video)
    start = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(start + 1, count))
    rule = CopyRule(video.clean if kind == "clean" else video.key, 2 if kind == "apart" else 0)
    clip = plan(video, (start * 0.04, stop * 0.04), mode=Mode.SMART, rule=rule)
    shown: list[int] = []
    copied = 0
    for step in clip.segments[0].steps:
        if isinstance(step, EncodePictures):
            shown += video.starts[step.pictures.start : step.pictures.stop].tolist()
            continue
        packets = step.packets.tolist()
        assert packets == sorted(packets)
        assert rule.starts[packets[0]]
        shown += sorted(video.pts[packets].tolist())
        copied += len(packets) - len(step.leading)
    assert shown == [40 * place for place in range(start, stop)]
    assert copied >= most_copied_in_a_row(video, rule, 40 * start, 40 * stop)


def most_copied_in_a_row(video: StreamPackets, rule: CopyRule, start: int, stop: int) -> int:
    """By trying all: packets in a row from a keyframe that are shown in a row, all of them inside."""
    best = 0
    keys = np.flatnonzero(video.key).tolist()
    for key, following in itertools.pairwise([*keys, len(video)]):
        if not rule.starts[key]:
            continue
        led = [n for n in range(key, following) if video.pts[n] < video.pts[key]]
        in_place = rule.apart and not video.clean[key]
        if in_place and video.pts[[key, *led]].min() < start + 40 * rule.apart:
            continue
        for end in range(key + 1, len(video) + 1):
            numbers = [n for n in range(key, end) if in_place or n not in led]
            times = sorted(video.pts[numbers].tolist())
            if times[0] < start or times[-1] >= stop:
                break
            whole = times[0] == video.pts[[key, *led]].min() if in_place else True
            if whole and times == list(range(times[0], times[-1] + 40, 40)):
                best = max(best, len(times) - len(led) * bool(in_place))
    return best


def test_sound_alone_is_covered_exactly() -> None:
    clip = plan(None, (0.0123, 0.2), (0.3, 0.399999))
    assert [(segment.start, segment.end) for segment in clip.segments] == [
        (Fraction(123, 10000), Fraction(1, 5)),
        (Fraction(3, 10), Fraction(399999, 1000000)),
    ]
    assert clip.frames == 0


@pytest.mark.parametrize(
    ("segment", "code"),
    [
        ((0.4, 0.5), "segment-outside-source"),
        ((0.1, 1.5), "segment-outside-source"),
        ((0.05, 0.07), "segment-empty"),
    ],
)
def test_segments_that_hold_nothing_are_refused(segment: tuple[float, float], code: str) -> None:
    with pytest.raises(ReelyError) as refusal:
        plan(OPEN_GOP, segment)
    assert refusal.value.code == code


@given(
    gaps=st.lists(st.integers(1, 500), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 30_000), min_size=2, max_size=8, unique=True),
    base=st.sampled_from([Fraction(1, 1000), Fraction(1, 90_000), Fraction(1001, 30_000)]),
)
def test_neighbouring_segments_share_out_all_pictures(
    gaps: list[int], cuts: list[int], base: Fraction
) -> None:
    """Whatever the frame times: cut at the same points, no picture is lost and none is there twice."""
    video = stream(np.concatenate(([0], np.cumsum(gaps))).tolist(), [0], base=base)
    end = video.seconds(video.end)
    points = sorted({round(float(end) * cut / 30_000, 4) for cut in cuts})
    found: list[int] = []
    for start, stop in itertools.pairwise(points):
        try:
            clip = plan(video, (start, stop))
        except ReelyError:
            continue  # refused for having no picture, which the comparison at the end would notice
        found += [tick for part in ticks(clip) for tick in part]
        assert clip.duration > 0
        assert sum(count for _, count in clip.samples(44_100)) == round(clip.duration * 44_100)
    low, high = video.first_at(points[0]), video.first_at(points[-1])
    assert found == video.starts[low:high].tolist()
