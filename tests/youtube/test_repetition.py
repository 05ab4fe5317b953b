"""Long videos are repetitions of the recording that any reader takes for one."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.media_codes import BEEP_CYCLE, read_beeps, read_frame_number
from tests.youtube import Kind, Media, YouTube, encoded_media, ytdlp
from tests.youtube.catalogue import TEN_MINUTES, THREE_HOURS, TWO_HOURS
from tests.youtube.media import FPS, GOP_SECONDS, SECONDS, mp4_boxes
from tests.youtube.repetition import Repetition, streams_of

HOURS = 2


def whole(repetition: Repetition) -> bytes:
    return b"".join(repetition.read(0, repetition.size))


def test_pictures_go_on_without_a_gap(youtube_media: Media) -> None:
    repeated = Repetition(youtube_media.renditions[133], 3)
    data = whole(repeated)
    assert len(data) == repeated.size

    numbers, times = [], []
    with av.open(io.BytesIO(data), mode="r") as container:
        assert container.duration == 3 * SECONDS * av.time_base
        for frame in container.decode(video=0):
            numbers.append(read_frame_number(frame.to_ndarray(format="gray")))
            times.append(frame.time)

    assert numbers == list(range(youtube_media.frames)) * 3
    assert times == pytest.approx([number / FPS for number in range(3 * youtube_media.frames)], abs=1e-6)


def test_beeps_go_on_without_a_drift(youtube_media: Media) -> None:
    data = whole(Repetition(youtube_media.renditions[140], 3))

    sound = np.zeros((3 * SECONDS + 1) * 44100)
    with av.open(io.BytesIO(data), mode="r") as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().mean(axis=0)
            assert frame.pts is not None
            sound[frame.pts : frame.pts + len(samples)] = samples
    beeps = read_beeps(sound, 44100)

    assert [beep.second for beep in beeps] == [second % BEEP_CYCLE for second in range(3 * SECONDS)]
    assert max(abs(beep.at - second) for second, beep in enumerate(beeps)) < 0.001


@settings(max_examples=50)
@given(data=st.data(), itag=st.sampled_from((133, 140)))
def test_any_range_is_the_same_as_in_the_whole(data: st.DataObject, itag: int) -> None:
    repeated = Repetition(encoded_media().renditions[itag], 3)
    first = data.draw(st.integers(0, repeated.size - 1))
    count = data.draw(st.integers(1, 400_000))

    assert b"".join(repeated.read(first, count)) == whole(repeated)[first : first + count]


def test_two_hours_are_worked_out_not_stored(youtube_media: Media, tmp_path: Path) -> None:
    streams = streams_of(youtube_media, TWO_HOURS.seconds)
    assert set(streams) == {133, 134, 135, 136, 137, 140}
    assert all(stream.seconds == TWO_HOURS.seconds for stream in streams.values())

    # Its index leads to the fragment of any time, here the one at 1:23:20.
    smallest = streams[133]
    assert smallest.index_range is not None
    head = tmp_path / "head.mp4"
    head.write_bytes(b"".join(smallest.read(0, smallest.index_range[1] + 1)))
    assert [kind for kind, _, _ in mp4_boxes(head)] == ["ftyp", "moov", "sidx"]


def test_a_frame_deep_in_two_hours_is_reached_with_few_bytes(
    youtube: YouTube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outcome,) = ytdlp.run(youtube, youtube.url(TWO_HOURS), folder=tmp_path)
    assert outcome.info is not None
    assert outcome.info["duration"] == HOURS * 3600
    assert len(outcome.info["chapters"]) == 6
    url = next(each["url"] for each in outcome.info["formats"] if each["format_id"] == "133")
    size = next(each["filesize"] for each in outcome.info["formats"] if each["format_id"] == "133")

    second = 5003
    position = _Remote(url, youtube, size)
    with av.open(position, mode="r") as container:
        container.seek(second * av.time_base)
        frame = next(each for each in container.decode(video=0) if each.time and each.time >= second)
        number = read_frame_number(frame.to_ndarray(format="gray"))
    position.session.close()

    assert number == second % SECONDS * FPS
    youtube.log.settle()
    assert youtube.log.bytes_sent(Kind.MEDIA) < size / 20


class _Remote(io.RawIOBase):
    """A file on the stand-in, read 64 KiB at a time by range requests."""

    def __init__(self, url: str, youtube: YouTube, size: int) -> None:
        self._url, self._size, self._at = url, size, 0
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.proxies, self.session.verify = {"https": youtube.proxy}, str(youtube.ca_file)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._size)[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, count: int = -1) -> bytes:
        last = min(self._size, self._at + (count if count >= 0 else self._size)) - 1
        if last < self._at:
            return b""
        answer = self.session.get(self._url, headers={"Range": f"bytes={self._at}-{last}"}, timeout=10)
        answer.raise_for_status()
        self._at += len(answer.content)
        return answer.content


def test_longer_videos_say_how_long_they_are(youtube: YouTube, tmp_path: Path) -> None:
    videos = (TEN_MINUTES, THREE_HOURS)
    outcomes = ytdlp.run(youtube, *map(youtube.url, videos), folder=tmp_path)

    for video, outcome in zip(videos, outcomes, strict=True):
        assert outcome.info is not None
        assert outcome.info["duration"] == video.seconds
        boards = [each for each in outcome.info["formats"] if each["format_id"] == "sb0"]
        assert sum(part["duration"] for part in boards[0]["fragments"]) == pytest.approx(video.seconds)


def test_only_whole_repetitions_are_on_offer(youtube_media: Media) -> None:
    with pytest.raises(ValueError, match="no multiple"):
        streams_of(youtube_media, SECONDS + GOP_SECONDS)
