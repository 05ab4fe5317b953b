"""What is cut from a plain MP4 of which only the needed bytes are there is what is cut from all of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest

from desktop.media.packets import PacketIndex, read_packets
from desktop.source.fetch import beyond_dependences
from desktop.source.heads import TableHead, merged, read_tables
from desktop.source.mp4 import movie_head
from desktop.source.ranges import RangeFile
from desktop.trim.cut import trim
from desktop.trim.edit import Clip, Edit, MediaInput, Mode, Segment
from desktop.trim.job import TrimJob
from tests.desktop.corpus import Corpus, decode_frames, decode_sound
from tests.desktop.source.conftest import silent
from tests.end_to_end.reading import frame_numbers
from tests.youtube import Media
from tests.youtube.media import FPS, SECONDS

Spans = tuple[tuple[float, float], ...]


def looped(film: Path, times: int, target: Path, *flags: str) -> Path:
    """The film several times over, without encoding it anew."""
    loop = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stream_loop", str(times - 1)]
    command = [*loop, "-i", film, "-c", "copy", *flags, target]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


def with_holes(film: Path, segments: Spans, mode: Mode, folder: Path) -> tuple[Path, TableHead, int]:
    """An excerpt as `fetch` makes it, the film's head, and how many bytes had to be asked for."""
    size = film.stat().st_size
    asked = 0
    with RangeFile(folder / "copy", folder / "copy.ranges", size) as file, film.open("rb") as original:

        def read(first: int, stop: int) -> bytes:
            nonlocal asked
            for start, end in file.missing(first, stop):
                original.seek(start)
                file.write(start, original.read(end - start))
                asked += end - start
            return b"".join(file.read(first, stop))

        movie = movie_head(read, size)
        for span in movie:
            read(*span)
        head = read_tables(movie, file, size, folder / "scratch")
        wanted = segments
        if mode is Mode.COPY and len(segments) > 1:
            wanted = beyond_dependences(
                segments, lambda time: head.clean_access_before(time, head.start, read)
            )
        elif mode is Mode.COPY:
            wanted = beyond_dependences(segments, lambda time: head.access_before(time, head.start))
        spans = head.covering(wanted, head.start)
        for span in merged([*head.kept, *spans]):
            read(*span)
        excerpt = folder / "excerpt.mp4"
        head.write(file, spans, excerpt)
    return excerpt, head, asked


def clip_of(media: MediaInput, segments: Spans, mode: Mode, target: Path) -> Clip:
    edit = Edit(segments=tuple(Segment(start=start, end=end) for start, end in segments), mode=mode)
    [clip] = trim(TrimJob(media=media, edit=edit, targets=(target,)), silent).clips
    return clip


@pytest.mark.parametrize("layout", ["index in front", "index at the end"])
def test_a_long_plain_mp4_is_cut_from_few_of_its_bytes(
    youtube_media: Media, tmp_path: Path, layout: str
) -> None:
    flags = ["-movflags", "+faststart"] if layout == "index in front" else []
    film = looped(youtube_media.renditions[18].path, 40, tmp_path / "film.mp4", *flags)
    segments = ((1271.0, 1273.0), (2300.5, 2301.5))
    excerpt, head, asked = with_holes(film, segments, Mode.EXACT, tmp_path)
    whole = read_packets(film)
    assert head.start == whole.info.start
    assert asked < film.stat().st_size / 8
    media = MediaInput(video=excerpt, audio=excerpt, origin=head.start)
    clip = clip_of(media, segments, Mode.EXACT, tmp_path / "clip.mp4")
    expected = [n for s, e in segments for n in _numbers_of_a_loop(whole, s, e)]
    assert frame_numbers(clip.temporary) == expected


def _numbers_of_a_loop(whole: PacketIndex, start: float, end: float) -> list[int]:
    """Which pictures of the repeated recording a segment has; a repetition lasts as long as its sound."""
    assert whole.video is not None
    return [n % (SECONDS * FPS) for n in range(whole.video.first_at(start), whole.video.first_at(end))]


@pytest.mark.parametrize(
    ("name", "mode"), [("h264-open", Mode.COPY), ("h264-closed", Mode.COPY), ("h264-open", Mode.SMART)]
)
@pytest.mark.parametrize(
    "segments", [((12.1, 12.9), (45.3, 46.2)), ((45.3, 46.2), (12.1, 12.9)), ((33.37, 34.11),)]
)
def test_joined_clips_over_holes_are_those_of_the_whole_file(
    corpus: Corpus, tmp_path: Path, name: str, mode: Mode, segments: Spans
) -> None:
    film = looped(corpus.path(name), 10, tmp_path / "film.mp4")
    excerpt, head, asked = with_holes(film, segments, mode, tmp_path)
    assert asked < film.stat().st_size / 2
    holey = MediaInput(video=excerpt, audio=excerpt, origin=head.start)
    ours = clip_of(holey, segments, mode, tmp_path / "holes.mp4")
    theirs = clip_of(MediaInput(video=film, audio=film), segments, mode, tmp_path / "whole.mp4")
    assert (ours.mode, ours.frames, ours.duration) == (theirs.mode, theirs.frames, theirs.duration)
    assert decode_frames(ours.temporary) == decode_frames(theirs.temporary)
    start, heard = decode_sound(ours.temporary)
    whole_start, whole_heard = decode_sound(theirs.temporary)
    assert start == whole_start
    assert abs(heard - whole_heard).max() == pytest.approx(0, abs=1e-4)
