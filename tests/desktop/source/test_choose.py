"""The right streams are chosen for a clip and for a preview."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.source.choose import PREVIEW_HEIGHT, Choice, Purpose, choose_streams, lines
from desktop.source.models import Source, Stream, StreamKind

V, A, M = StreamKind.VIDEO, StreamKind.AUDIO, StreamKind.MUXED


def video(name: str, height: int, codec: str = "avc1.64", **more: object) -> Stream:
    return Stream.model_validate(
        {"id": name, "kind": V, "container": "mp4", "video_codec": codec, "height": height, **more}
    )


def audio(name: str, rate: int, codec: str = "mp4a.40.2", **more: object) -> Stream:
    return Stream.model_validate(
        {"id": name, "kind": A, "container": "m4a", "audio_codec": codec, "bit_rate": rate, **more}
    )


def muxed(name: str, height: int, **more: object) -> Stream:
    return Stream.model_validate(
        {
            "id": name,
            "kind": M,
            "container": "mp4",
            "video_codec": "avc1.42",
            "audio_codec": "mp4a",
            "height": height,
            **more,
        }
    )


def source(*streams: Stream) -> Source:
    return Source(origin="https://example.com/", id="x", title="x", duration=60, streams=streams)


LADDER = (
    video("401", 2160, "av01.0.12M.08"),
    video("313", 2160, "vp9"),
    video("137", 1080, fps=30),
    video("299", 1080, fps=60),
    video("248", 1080, "vp9"),
    video("136", 720),
    video("134", 360),
    video("133", 240),
    muxed("18", 360),
    audio("251", 160_000, "opus"),
    audio("140", 128_000),
    audio("139", 48_000),
)


def _ids(choice: Choice) -> tuple[str | None, str | None]:
    return (
        choice.video.id if choice.video else None,
        choice.audio.id if choice.audio else None,
    )


@pytest.mark.parametrize(
    ("streams", "purpose", "max_height", "chosen"),
    [
        # A codec that every player knows, as large as is useful where nobody said more.
        (LADDER, Purpose.CLIP, None, ("299", "140")),
        (LADDER, Purpose.CLIP, 1080, ("299", "140")),
        (LADDER, Purpose.CLIP, 2160, ("401", "140")),
        (LADDER, Purpose.CLIP, 720, ("136", "140")),
        (LADDER, Purpose.CLIP, 500, ("134", "140")),
        (LADDER, Purpose.CLIP, 100, ("133", "140")),
        # To scrub, the smallest picture that is good enough; the sound is the clip's, to be had only once.
        (LADDER, Purpose.PREVIEW, None, ("134", "140")),
        (LADDER, Purpose.PREVIEW, 240, ("133", "140")),
        ([muxed("18", 360)], Purpose.PREVIEW, None, ("18", "18")),
        ([video("137", 1080), audio("140", 128_000)], Purpose.PREVIEW, None, ("137", "140")),
        ([muxed("18", 144), video("134", 360), audio("140", 1)], Purpose.PREVIEW, None, ("134", "140")),
        # Upright films count by their shorter side.
        (
            [video("a", 1920, width=1080), video("b", 1280, width=720), audio("c", 1)],
            Purpose.CLIP,
            1080,
            ("a", "c"),
        ),
        # One stream for both, where there is no other.
        ([muxed("18", 360)], Purpose.CLIP, None, ("18", "18")),
        ([muxed("22", 720), video("136", 720), audio("140", 1)], Purpose.CLIP, None, ("136", "140")),
        ([muxed("22", 720), video("136", 720)], Purpose.CLIP, None, ("22", "22")),
        ([muxed("18", 360), video("136", 720)], Purpose.CLIP, None, ("136", "18")),
        # No picture, no sound.
        ([audio("140", 1)], Purpose.CLIP, None, (None, "140")),
        ([video("136", 720)], Purpose.CLIP, None, ("136", None)),
        ([], Purpose.CLIP, None, (None, None)),
        # The original language, and not the version with its loudness levelled.
        (
            [audio("140-1", 128_000, language="en"), audio("140-0", 160_000, language="de"), video("v", 1)],
            Purpose.CLIP,
            None,
            ("v", "140-1"),
        ),
        ([audio("140-drc", 129_000), audio("140", 128_000)], Purpose.CLIP, None, (None, "140")),
        ([audio("251", 160_000, "opus")], Purpose.CLIP, None, (None, "251")),
        # One file rather than a playlist of pieces.
        ([video("hls", 1080, protocol="m3u8_native"), video("136", 720)], Purpose.CLIP, None, ("136", None)),
        ([video("hls", 1080, protocol="m3u8_native")], Purpose.CLIP, None, ("hls", None)),
    ],
)
def test_the_table_of_choices(
    streams: tuple[Stream, ...],
    purpose: Purpose,
    max_height: int | None,
    chosen: tuple[str | None, str | None],
) -> None:
    assert _ids(choose_streams(source(*streams), purpose, max_height)) == chosen


def test_the_stand_in_is_chosen_from_as_expected(plain: Source) -> None:
    assert _ids(choose_streams(plain)) == ("137", "140")
    assert _ids(choose_streams(plain, Purpose.PREVIEW)) == ("134", "140")


any_stream = st.builds(
    Stream,
    id=st.text(min_size=1, max_size=6),
    kind=st.sampled_from(StreamKind),
    container=st.just("mp4"),
    video_codec=st.sampled_from([None, "avc1", "vp9", "av01", "theora"]),
    audio_codec=st.sampled_from([None, "mp4a", "opus"]),
    width=st.none() | st.integers(1, 4000),
    height=st.none() | st.integers(1, 4000),
    fps=st.none() | st.floats(1, 240),
    bit_rate=st.none() | st.integers(1, 10**8),
    language=st.sampled_from([None, "en", "de"]),
    protocol=st.sampled_from(["https", "m3u8_native"]),
)


@given(
    st.lists(any_stream, max_size=12, unique_by=lambda stream: stream.id),
    st.sampled_from(Purpose),
    st.none() | st.integers(1, 4000),
)
def test_any_choice_has_what_there_is_and_keeps_to_the_limit(
    streams: list[Stream], purpose: Purpose, max_height: int | None
) -> None:
    choice = choose_streams(source(*streams), purpose, max_height)
    pictures = [stream for stream in streams if stream.kind is not A]
    assert (choice.video is None) == (not pictures)
    assert (choice.audio is None) == (all(stream.kind is V for stream in streams))
    assert all(stream in streams for stream in choice.streams)
    assert len(set(choice.streams)) == len(choice.streams)
    limit = PREVIEW_HEIGHT if purpose is Purpose.PREVIEW else max_height
    if choice.video is not None and limit is not None:
        assert lines(choice.video) <= max(limit, *(lines(stream) for stream in pictures), 0)
        if any(lines(stream) <= min(limit, max_height or limit) for stream in pictures):
            assert lines(choice.video) <= limit
    assert choose_streams(source(*streams), purpose, max_height) == choice
