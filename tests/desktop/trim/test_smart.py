"""Smart cuts: the very pictures between in and out, the most of them in the source's own bytes."""

from __future__ import annotations

import hashlib
import struct
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given

from desktop.media.packets import StreamPackets, read_packets
from desktop.media.probe import probe
from desktop.trim.compare import Original
from desktop.trim.cut import TrimJob, trim
from desktop.trim.edit import Clip, Edit, MediaInput, Mode, Segment
from desktop.trim.h264_numbering import LEAST_BEFORE
from desktop.trim.media import read_media
from desktop.trim.plan import plan_cut
from tests.desktop.corpus import PICTURES, RECIPES, Corpus, decode_frames
from tests.desktop.trim.coded import coded_pictures
from tests.desktop.trim.conftest import Cut, media_of
from tests.desktop.trim.test_exact import SEGMENTS, check_sound, expected_frames, random_cuts

SMART = [name for name in PICTURES if name != "vp8"]


@pytest.mark.parametrize("name", SMART)
@random_cuts
@given(segment=SEGMENTS)
def test_a_smart_cut_has_the_pictures_and_samples_between_in_and_out(
    corpus: Corpus, cut: Cut, name: str, segment: tuple[float, float]
) -> None:
    wanted = expected_frames(corpus, name, *segment)
    if not wanted or segment[1] > probe(corpus.path(name)).duration:
        return
    clip = cut(name, segment, mode=Mode.SMART)
    shown, first = decode_frames(clip.temporary), wanted[0][0]
    assert [number for _, number in shown] == [number for _, number in wanted]
    assert [time for time, _ in shown] == [time - first for time, _ in wanted]
    assert clip.frames == len(wanted)
    for track in range(RECIPES[name].tracks):
        end = first + Fraction(clip.duration).limit_denominator(10**7)
        check_sound(corpus, name, clip, [(first, end)], track)
    check_what_is_copied(corpus, name, clip)
    clip.temporary.unlink()


def check_what_is_copied(corpus: Corpus, name: str, clip: Clip) -> None:
    """From the first keyframe on the source's bytes, but for a few pictures that refer beyond the end."""
    source, copy = corpus.path(name), clip.temporary
    packets, made = read_packets(source).video, read_packets(copy).video
    assert packets is not None
    assert made is not None
    zero = probe(source).start + Fraction(clip.start).limit_denominator(10**6)
    slack = packets.time_base / 2 + Fraction(1, 1_000_000)
    places = [int(np.argmin(np.abs(made.pts * float(made.time_base) - float(at)))) for at in
              (int(tick) * packets.time_base - zero for tick in packets.pts)]  # fmt: skip
    original, coded = coded_pictures(source, packets.index), coded_pictures(copy, made.index)
    identical = {
        place
        for number, place in enumerate(places)
        if abs(int(packets.pts[number]) * packets.time_base - zero - int(made.pts[place]) * made.time_base)
        < slack
        and original[number] == coded[place]
    }
    inside = (packets.pts * float(packets.time_base) >= float(zero - slack)) & packets.shown
    inside &= packets.pts * float(packets.time_base) < float(zero) + clip.duration - float(slack)
    begins = packets.pts[
        [
            key
            for key in np.flatnonzero(inside & packets.key)
            if not name.startswith("h264") or joins(packets, inside, int(key))
        ]
    ]
    copyable = int((packets.pts[inside] >= begins.min()).sum()) if begins.size else 0
    if not copyable:
        assert (clip.mode, len(identical)) == (Mode.EXACT, 0)
        assert clip.reencoded_seconds == pytest.approx(clip.duration)
        return
    assert (clip.mode, clip.notes) == (Mode.SMART, ())
    assert copyable - 3 <= len(identical) <= copyable
    usual = float(packets.typical_duration * packets.time_base)
    if name != "h264-vfr":
        assert clip.reencoded_seconds == pytest.approx((len(made) - len(identical)) * usual, abs=0.005)
    assert clip.reencoded_seconds < clip.duration


def joins(packets: StreamPackets, inside: np.ndarray[tuple[int], np.dtype[np.bool_]], key: int) -> bool:
    """Whether copying can begin at this keyframe: in H.264 some pictures are needed before an open group."""
    before = packets.pts < packets.pts[key]
    leading = int(before[key:].sum())
    return bool(packets.clean[key]) or int((inside & before).sum()) - leading >= LEAST_BEFORE


@pytest.mark.parametrize("name", SMART)
def test_copied_pictures_decode_to_the_very_pixels_and_no_decoder_complains(
    corpus: Corpus, cut: Cut, name: str, tmp_path: Path
) -> None:
    clip = cut(name, (1.07, 4.31), mode=Mode.SMART)
    assert clip.mode is Mode.SMART
    first = round(float(probe(corpus.path(name)).start) * 1000) + round(clip.start * 1000)
    source = pixels(corpus.path(name))
    copy = pixels(clip.temporary)
    same = [at for at, digest in copy.items() if near(source, first + at) == digest]
    encoded = round(clip.reencoded_seconds / clip.duration * clip.frames)
    assert len(same) >= clip.frames - encoded - 2
    assert said_by_ffmpeg("-i", clip.temporary, *_AS_IT_IS, "-f", "null", "-") == ""
    other = tmp_path / "remuxed.mkv"
    assert said_by_ffmpeg("-i", clip.temporary, "-c", "copy", other) == ""
    assert said_by_ffmpeg("-i", other, *_AS_IT_IS, "-f", "null", "-") == ""
    assert list(pixels(other).values()) == list(copy.values())


_AS_IT_IS = ("-fps_mode", "passthrough", "-enc_time_base", "demux")


def said_by_ffmpeg(*arguments: str | Path) -> str:
    """What the executable says, from warnings on."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "warning", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def pixels(path: Path) -> dict[int, str]:
    """Digests of the pictures by their time in milliseconds."""
    with av.open(str(path)) as container:
        return {
            round(float((frame.pts or 0) * (frame.time_base or 1)) * 1000): hashlib.sha256(
                frame.to_ndarray().tobytes()
            ).hexdigest()
            for frame in container.decode(video=0)
        }


def near(digests: dict[int, str], at: int) -> str | None:
    """The digest at about this millisecond."""
    return next((digests[place] for place in (at, at - 1, at + 1) if place in digests), None)


@pytest.mark.parametrize(
    "name",
    [
        "h264-closed",
        "h264-vfr",
        "h264-open",
        "dash-video",
        "hevc-open",
        "vp9-hidden",
        "av1",
        "mpeg2-program",
        "mpeg4",
    ],
)
def test_joined_smart_segments_follow_each_other_without_gap_or_overlap(
    corpus: Corpus, cut: Cut, name: str
) -> None:
    segments = [(4.02, 5.3), (0.31, 1.0), (0.35, 2.44), (0.35, 2.44)]
    clip = cut(name, *segments, mode=Mode.SMART)
    assert clip.mode is Mode.SMART
    wanted = [expected_frames(corpus, name, *segment) for segment in segments]
    shown = decode_frames(clip.temporary)
    assert [number for _, number in shown] == [number for part in wanted for _, number in part]
    starts = [time for time, _ in shown]
    parts, at = [], 0
    for part in wanted:
        stop = starts[at + len(part)] if at + len(part) < len(starts) else Fraction(clip.duration)
        parts.append((part[0][0], part[0][0] + stop - starts[at]))
        at += len(part)
    for track in range(RECIPES[name].tracks):
        check_sound(corpus, name, clip, parts, track)


@pytest.mark.parametrize("name", ["h264-hdr", "hevc-hdr", "vp9-hdr", "av1-hdr", "h264-29.97"])
def test_what_pictures_look_like_is_told_the_same_in_every_part(corpus: Corpus, cut: Cut, name: str) -> None:
    source = looks(corpus.path(name))
    assert looks(cut(name, (1.07, 3.3), mode=Mode.SMART).temporary) == source
    assert len(source) == 1
    assert len(next(iter(source))) == (7 if "hdr" in name else 5)


def looks(path: Path) -> set[tuple[object, ...]]:
    """Colours, shape and what an HDR screen needs to know, of all pictures."""
    with av.open(str(path)) as container:
        shape = container.streams.video[0].sample_aspect_ratio or Fraction(1)  # None: not told
        found: set[tuple[object, ...]] = set()
        for frame in container.decode(video=0):
            color = frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range
            data: Any = frame.side_data
            screen = [
                tuple(round(Fraction(*pair), 6) for pair in struct.iter_unpack("=ii", bytes(part)[:80]))
                if part.type.name == "MASTERING_DISPLAY_METADATA"
                else bytes(part)
                for part in data
                if part.type.name in {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"}
            ]
            found.add((*color, shape, *sorted(screen, key=str)))
    return found


def test_pictures_that_are_not_the_sources_are_noticed(corpus: Corpus, cut: Cut) -> None:
    segments = [Segment(start=start, end=start + 1.6) for start in (1.3, 1.34)]
    media = read_media(
        media_of(corpus, "h264-open"), Edit(segments=tuple(segments)), lambda stage, fraction: None
    )
    clip = cut("h264-open", (1.3, 2.9), mode=Mode.SMART)
    made = read_packets(clip.temporary).video
    assert media.picture is not None
    assert made is not None
    seen = []
    for segment in segments:
        (plan,) = plan_cut(Edit(segments=(segment,)), media.picture.packets)
        original = Original(media.picture, plan)
        seen.append(original.is_seen_at(clip.temporary, made, 0, made.starts[15:25]))
    assert seen == [True, False]


def test_a_long_clip_is_verified_at_its_seams(corpus: Corpus, cut: Cut) -> None:
    """More packets than are decoded whole: only the ends and what is around the seams."""
    clip = cut("h264-closed", *[(0.1, 5.7)] * 5, mode=Mode.SMART)
    assert (clip.mode, clip.frames) == (Mode.SMART, 700)
    assert [number for _, number in decode_frames(clip.temporary)] == [*range(3, 143)] * 5


def test_a_cut_between_keyframes_encodes_no_picture(corpus: Corpus, cut: Cut) -> None:
    clip = cut("h264-closed", (1.6, 4.0), mode=Mode.SMART)
    assert (clip.mode, clip.reencoded_seconds, clip.frames) == (Mode.SMART, 0.0, 60)
    assert [number for _, number in decode_frames(clip.temporary)] == list(range(40, 100))


def test_players_may_seek_to_every_coded_group(corpus: Corpus, cut: Cut) -> None:
    made = read_packets(cut("h264-closed", (1.0, 4.1), mode=Mode.SMART).temporary).video
    assert made is not None
    times = made.pts[made.key] * float(made.time_base) + 1.0
    assert {1.0, 1.6, 2.4, 3.2, 4.0} <= {round(time, 3) for time in times}
    assert np.array_equal(made.key, made.clean), "every sync sample is an IDR picture"


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("h264-closed", {}, "no point"),
        ("vp8", {}, "vp8"),
        ("h264-closed", {"max_height": 90}, "smaller"),
    ],
)
def test_what_cannot_be_cut_smartly_is_cut_exactly_and_says_why(
    cut: Cut, name: str, options: dict[str, int], reason: str
) -> None:
    clip = cut(name, (1.0, 1.5), mode=Mode.SMART, **options)
    assert (clip.mode, clip.reencoded_seconds) == (Mode.EXACT, clip.duration)
    (note,) = clip.notes
    assert "re-encoded" in note
    assert reason in note


def test_a_height_limit_above_the_picture_does_not_matter(cut: Cut) -> None:
    assert cut("h264-closed", (1.0, 2.5), mode=Mode.SMART, max_height=1080).mode is Mode.SMART


def smart(path: Path, folder: Path, start: float, end: float) -> Clip:
    edit = Edit(segments=(Segment(start=start, end=end),), mode=Mode.SMART)
    job = TrimJob(media=MediaInput(video=path, audio=path), edit=edit, targets=(folder / "clip.mp4",))
    (clip,) = trim(job, lambda stage, fraction: None).clips
    return clip


def test_parameter_sets_that_change_on_the_way_are_noticed(corpus: Corpus, tmp_path: Path) -> None:
    """Two streams, one after the other, as a recording is when the encoder was set up anew."""
    first, second = corpus.path("h264-closed-ts"), tmp_path / "second.ts"
    coding = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-x264-params",
        "keyint=20:bframes=0",
        "-c:a",
        "copy",
    ]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", first, *coding, "-output_ts_offset", "7"]
    subprocess.run([*command, second], check=True)
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    clip = smart(both, tmp_path, 4.0, 9.0)
    assert clip.mode is Mode.EXACT
    assert "parameter sets change" in clip.notes[0]
    zero = probe(both).start
    wanted = [number for time, number in decode_frames(both) if 4 <= round(float(time - zero), 4) < 9]
    assert [number for _, number in decode_frames(clip.temporary)] == wanted
    assert {path.name for path in tmp_path.iterdir()} == {"second.ts", "both.ts", clip.temporary.name}


def test_a_smart_cut_that_does_not_decode_cleanly_is_made_again_by_encoding(
    corpus: Corpus, tmp_path: Path
) -> None:
    """A picture in the middle of what would be copied is damaged: decoders complain, but show something."""
    source = tmp_path / "damaged.mp4"
    data = bytearray(corpus.path("h264-closed").read_bytes())
    with av.open(str(corpus.path("h264-closed"))) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    at = packets[65]
    assert at.pos is not None
    data[at.pos + at.size // 3 : at.pos + at.size - 1] = bytes(at.size - 1 - at.size // 3)
    source.write_bytes(data)
    clip = smart(source, tmp_path, 1.0, 4.5)
    assert (clip.mode, clip.frames) == (Mode.EXACT, 88)
    assert "did not succeed" in clip.notes[0]
    assert {path.name for path in tmp_path.iterdir()} == {"damaged.mp4", clip.temporary.name}


def test_segments_can_become_smart_clips_of_their_own(corpus: Corpus, tmp_path: Path) -> None:
    segments = (Segment(start=1.0, end=2.9), Segment(start=3.01, end=3.1))
    job = TrimJob(
        media=media_of(corpus, "dash-video"),
        edit=Edit(segments=segments, separate=True),
        targets=(tmp_path / "one.mp4", tmp_path / "two.mp4"),
    )
    clips = trim(job, lambda stage, fraction: None).clips
    assert [clip.mode for clip in clips] == [Mode.SMART, Mode.EXACT]
    for clip, segment in zip(clips, segments, strict=True):
        wanted = expected_frames(corpus, "dash-video", segment.start, segment.end)
        assert [number for _, number in decode_frames(clip.temporary)] == [number for _, number in wanted]
