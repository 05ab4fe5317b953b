"""The media have the layouts and the content that the real site's have, and say what they are."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import av
import numpy as np
import pytest
from PIL import Image

from tests.media_codes import BEEP_CYCLE, read_beeps, read_frame_number
from tests.youtube import Media, Rendition, encoded_media
from tests.youtube.catalogue import HOSTILE, PLAIN, Track
from tests.youtube.media import FPS, GOP_SECONDS, SECONDS, mp4_boxes
from tests.youtube.storyboards import LEVELS, Pictures
from tests.youtube.timedtext import timedtext

MP4 = (133, 134, 135, 136, 137, 140)
PICTURES = (18, 133, 134, 135, 136, 137, 242, 243)


def sidx_references(rendition: Rendition) -> list[tuple[int, int, bool]]:
    """Bytes, ticks, and whether it starts with a keyframe, of each fragment (ISO/IEC 14496-12, 8.16.3)."""
    assert rendition.index_range is not None
    first, last = rendition.index_range
    box = rendition.path.read_bytes()[first : last + 1]
    assert box[4:8] == b"sidx"
    at = 8 + 4 + 8 + (8 if box[8] == 0 else 16) + 2
    (count,) = struct.unpack(">H", box[at : at + 2])
    references = []
    for place in range(count):
        size, ticks, access = struct.unpack_from(">III", box, at + 2 + 12 * place)
        references.append((size & 0x7FFFFFFF, ticks, bool(access >> 31)))
    return references


@pytest.mark.parametrize("itag", MP4)
def test_an_mp4_is_indexed_in_front_and_fragmented_by_gops(youtube_media: Media, itag: int) -> None:
    rendition = youtube_media.renditions[itag]
    boxes = list(mp4_boxes(rendition.path))

    kinds = [kind for kind, _, _ in boxes]
    fragments = (len(kinds) - 3) // 2
    assert kinds == ["ftyp", "moov", "sidx", *["moof", "mdat"] * fragments]
    assert rendition.init_range == (0, boxes[1][1] + boxes[1][2] - 1)

    references = sidx_references(rendition)
    sizes = [boxes[place][2] + boxes[place + 1][2] for place in range(3, len(boxes), 2)]
    assert [size for size, _, _ in references] == sizes
    assert all(starts_with_key for _, _, starts_with_key in references)
    if rendition.format.kind == "video":
        assert fragments == SECONDS // GOP_SECONDS
        assert len({ticks for _, ticks, _ in references}) == 1
    else:
        assert fragments == pytest.approx(SECONDS / 10, abs=1)


@pytest.mark.parametrize("itag", [242, 243, 251])
def test_a_webm_has_its_cues_before_its_clusters(youtube_media: Media, itag: int) -> None:
    rendition = youtube_media.renditions[itag]
    data = rendition.path.read_bytes()
    assert rendition.init_range is not None
    assert rendition.index_range is not None

    first, last = rendition.index_range
    assert rendition.init_range == (0, first - 1)
    assert data[first : first + 4] == bytes.fromhex("1C53BB6B")
    assert data[last + 1 : last + 5] == bytes.fromhex("1F43B675")
    assert data[:first].count(bytes.fromhex("1F43B675")) == 0


@pytest.mark.parametrize("itag", PICTURES)
def test_every_picture_tells_its_number(youtube_media: Media, itag: int) -> None:
    rendition = youtube_media.renditions[itag]
    with av.open(str(rendition.path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (rendition.format.width, rendition.format.height)
        assert stream.average_rate == FPS
        # The large ones cost most: their first GOP and a bit tell enough.
        wanted = youtube_media.frames if rendition.format.height <= 360 else FPS * (GOP_SECONDS + 1)
        numbers, times, keys = [], [], []
        for frame in container.decode(video=0):
            numbers.append(read_frame_number(frame.to_ndarray(format="gray")))
            times.append(frame.time)
            keys.append(frame.key_frame)
            if len(numbers) == wanted:
                break

    assert numbers == list(range(wanted))
    assert times == pytest.approx([number / FPS for number in numbers], abs=0.001)
    assert [number for number, key in zip(numbers, keys, strict=True) if key] == list(
        range(0, wanted, FPS * GOP_SECONDS)
    )


def test_h264_has_b_frames_and_is_what_its_codec_string_says(youtube_media: Media) -> None:
    for itag in (133, 134, 135, 136, 137, 18):
        rendition = youtube_media.renditions[itag]
        data = rendition.path.read_bytes()
        told = data[data.index(b"avcC") + 5 :][:3].hex()
        assert rendition.format.codecs.lower().startswith(f"avc1.{told}")
    with av.open(str(youtube_media.renditions[133].path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    assert [packet.pts for packet in packets] != sorted(packet.pts or 0 for packet in packets)


@pytest.mark.parametrize("itag", [18, 140, 251])
def test_every_second_begins_with_its_beep(youtube_media: Media, itag: int) -> None:
    rendition = youtube_media.renditions[itag]
    rate = rendition.format.audio_rate
    with av.open(str(rendition.path)) as container:
        stream = container.streams.audio[0]
        assert (stream.rate, stream.channels) == (rate, 2)
        frames = list(container.decode(audio=0))
    assert frames[0].pts == 0
    samples = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in frames])

    beeps = read_beeps(samples, rate)

    assert [beep.second for beep in beeps] == [second % BEEP_CYCLE for second in range(SECONDS)]
    assert max(abs(beep.at - second) for second, beep in enumerate(beeps)) < 0.001


def test_media_come_from_the_cache_the_second_time(tmp_path: Path) -> None:
    first = encoded_media(seconds=5, cache=tmp_path)
    changed = {itag: each.path.stat().st_mtime_ns for itag, each in first.renditions.items()}
    second = encoded_media(seconds=5, cache=tmp_path)

    assert {itag: each.path.stat().st_mtime_ns for itag, each in second.renditions.items()} == changed
    assert [path.name.startswith("building") for path in tmp_path.iterdir()] == [False]


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_storyboard_tile_shows_the_second_it_stands_for(youtube_media: Media, level: int) -> None:
    pictures, size = Pictures(youtube_media), LEVELS[level]
    shown: list[int] = []
    for number in range(100):
        sheet = pictures.sheet(PLAIN, level, f"M{number}")
        if sheet is None:
            break
        image = Image.open(io.BytesIO(sheet))
        assert image.width == size.columns * size.width
        for top in range(0, image.height, size.height):
            for left in range(0, image.width, size.width):
                tile = np.asarray(image.crop((left, top, left + size.width, top + size.height)))
                if size.width >= 160 and len(shown) < SECONDS:
                    shown.append(read_frame_number(tile))
    if size.width >= 160:
        assert shown == [second * FPS for second in range(SECONDS)]
    assert pictures.sheet(PLAIN, level, f"M{number}") is None
    assert pictures.sheet(PLAIN, level, "default") is None


def manual(track: Track) -> list[tuple[float, float, str]]:
    return [(cue.start, cue.end, cue.text) for cue in track.cues]


def written(track: Track, form: str) -> str:
    answer = timedtext(track, form)
    assert answer is not None
    return answer[1]


@pytest.mark.parametrize("track", [PLAIN.captions[0], HOSTILE.captions[0]], ids=["plain", "hostile"])
def test_json3_and_srv3_carry_the_same_cues(track: Track) -> None:
    events = json.loads(written(track, "json3"))["events"]
    told = [
        (
            event["tStartMs"] / 1000,
            (event["tStartMs"] + event["dDurationMs"]) / 1000,
            "".join(segment["utf8"] for segment in event["segs"]),
        )
        for event in events
    ]
    assert told == manual(track)

    paragraphs = ET.fromstring(written(track, "srv3")).iter("p")
    clean = [(start, end, text.replace("\x07", "")) for start, end, text in manual(track)]
    assert [
        (int(p.get("t", 0)) / 1000, (int(p.get("t", 0)) + int(p.get("d", 0))) / 1000, p.text)
        for p in paragraphs
    ] == clean


def test_automatic_captions_time_every_word() -> None:
    track = PLAIN.captions[2]
    assert track.automatic
    events = json.loads(written(track, "json3"))["events"]
    words = [
        (event["tStartMs"] + segment.get("tOffsetMs", 0), segment["utf8"].strip())
        for event in events
        for segment in event.get("segs", ())
        if segment["utf8"] != "\n"
    ]

    assert " ".join(word for _, word in words) == " ".join(cue.text for cue in track.cues)
    assert [at for at, _ in words] == sorted(at for at, _ in words)
    assert "<00:00:0" in written(track, "vtt")


def test_vtt_keeps_markup_and_arrows_apart_from_its_own() -> None:
    text = written(HOSTILE.captions[0], "vtt")

    assert text.startswith("WEBVTT\n")
    assert "<script>" not in text
    assert text.count(" --> ") == len(HOSTILE.captions[0].cues)
