"""Whatever an extractor hands over, a source comes of it, or a refusal in words."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.errors import ReelyError
from desktop.source.info import source_from_info, streams_from_info
from desktop.source.links import VideoLink
from desktop.source.models import Source, StreamKind
from desktop.source.refusals import REFUSALS

LINK = VideoLink(url="https://example.com/film")
junk: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["none", "mhtml", "https", "https://example.com/a", "json3"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def entries(*names: str) -> st.SearchStrategy[Any]:
    return junk | st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(names, junk)), max_size=4)


infos = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "title", "channel", "uploader", "start_time", "url"), junk),
        "duration": junk | st.floats(0.1, 1e5),
        "formats": entries(
            *("format_id", "vcodec", "acodec", "protocol", "url", "ext", "width", "height", "fps", "tbr"),
            *("filesize", "language", "has_drm", "fragments", "rows", "columns"),
        ),
        "chapters": entries("start_time", "end_time", "title"),
        "heatmap": entries("start_time", "end_time", "value"),
        "subtitles": junk | st.dictionaries(st.text(max_size=5), entries("url", "ext", "name"), max_size=3),
        "automatic_captions": junk | st.dictionaries(st.text(max_size=5), entries("url", "ext"), max_size=3),
    },
)


def _made(info: dict[str, Any]) -> Source | ReelyError:
    try:
        return source_from_info(info, LINK)
    except ReelyError as error:
        return error


@given(infos)
def test_any_info_gives_a_sound_source_or_a_refusal(info: dict[str, Any]) -> None:
    made = _made(info)
    if isinstance(made, ReelyError):
        assert made.code in REFUSALS
        return
    assert Source.model_validate_json(made.model_dump_json()) == made
    assert made.title
    assert 0 < made.duration < math.inf
    assert 0 <= made.start_at < made.duration
    for chapter in made.chapters:
        assert 0 <= chapter.start < chapter.end <= made.duration
    for point in made.heatmap:
        assert 0 <= point.start < point.end <= made.duration
        assert 0 <= point.value <= 1
    for stream in made.streams:
        assert (stream.url or "").startswith("http")
    ids = [stream.id for stream in made.streams]
    assert len(ids) == len(set(ids))


def test_streams_that_need_another_program_or_a_key_are_left_out() -> None:
    url = "https://example.com/a"
    info = {
        "formats": [
            {"format_id": "rtmp", "url": "rtmp://example.com/a", "protocol": "rtmp"},
            {"format_id": "image", "url": url, "vcodec": "none", "acodec": "none", "protocol": "mhtml"},
            {"format_id": "ism", "url": url, "protocol": "ism"},
            {"format_id": "drm", "url": url, "has_drm": True},
            {"format_id": "399-sr", "url": url, "vcodec": "av01", "acodec": "none"},
            {"format_id": "hls", "url": url, "protocol": "m3u8_native", "vcodec": "avc1", "acodec": "mp4a"},
            {"format_id": "unknown", "url": url},
            {
                "format_id": "sound",
                "url": url,
                "vcodec": "none",
                "acodec": "opus",
                "filesize": 10,
                "tbr": 1.5,
            },
        ]
    }
    streams = {stream.id: stream for stream in streams_from_info(info)}
    assert list(streams) == ["sound", "unknown", "hls"]  # best first
    assert streams["unknown"].kind is StreamKind.MUXED
    assert (streams["sound"].kind, streams["sound"].size) == (StreamKind.AUDIO, 10)
    assert streams["sound"].bit_rate == 1500
    assert streams["hls"].protocol == "m3u8_native"


def test_a_direct_file_without_formats_is_one_stream() -> None:
    info = {"id": "a", "title": "A", "duration": 5.0, "url": "https://example.com/a.mp4", "ext": "mp4"}
    (stream,) = source_from_info(info, LINK).streams
    assert (stream.kind, stream.container) == (StreamKind.MUXED, "mp4")


@pytest.mark.parametrize("duration", [None, 0, -1, math.nan, math.inf, "60", True])
def test_a_video_of_unknown_length_is_refused(duration: object) -> None:
    with pytest.raises(ReelyError) as caught:
        source_from_info({"id": "a", "title": "A", "duration": duration}, LINK)
    assert caught.value.code == "unknown-length"
