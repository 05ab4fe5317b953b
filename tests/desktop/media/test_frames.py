"""The frame server gives exactly the picture that is shown at a time, in both directions, whatever the file.

Every picture carries its number as a row of black and white blocks, so that each answer can be read.
"""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import NoReturn

import av
import imageio_ffmpeg
import numpy as np
import pytest
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from desktop.errors import Exit, ReelyError
from desktop.media.frame_decoder import FrameIndex
from desktop.media.frame_times import FrameTimes
from desktop.media.frames import Frame, FrameServer

WIDTH, HEIGHT, BITS, FPS = 320, 180, 10, 30
FRAMES = 190


def numbered(number: int) -> bytes:
    """A picture (RGB bytes) with `number` in binary above and something that moves below."""
    picture = np.full((HEIGHT, WIDTH, 3), 96, np.uint8)
    for bit in range(BITS):
        picture[: HEIGHT // 2, bit * 32 : (bit + 1) * 32] = 235 if number >> bit & 1 else 16
    x = (number * 7) % (WIDTH - 40)
    picture[HEIGHT // 2 + 20 :, x : x + 40] = (200, 60, number % 256)
    return picture.tobytes()


def number_in(rgb: NDArray[np.uint8]) -> int:
    height, width, _ = rgb.shape
    row = rgb[height // 8 : height * 3 // 8].mean(axis=(0, 2))
    blocks = [
        row[int((bit + 0.3) * width / BITS) : int((bit + 0.7) * width / BITS)].mean() for bit in range(BITS)
    ]
    return sum(1 << bit for bit, level in enumerate(blocks) if level > 128)


def encode(path: Path, *options: str, frames: int = FRAMES, before: tuple[str, ...] = ()) -> Path:
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-",
        *before, *options, str(path),
    ]  # fmt: skip
    subprocess.run(command, input=b"".join(map(numbered, range(frames))), check=True)
    return path


H264 = (
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-g",
    "75",
    "-bf",
    "3",
    "-x264-params",
)
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "h264 with B-frames": ("a.mp4", (*H264, "scenecut=0:bframes=3")),
    "h264 with open GOPs": ("b.mkv", (*H264, "scenecut=0:bframes=3:open-gop=1:keyint=50")),
    "h264 in a transport stream that starts late": ("c.ts", (*H264, "scenecut=0", "-output_ts_offset", "99")),
    "hevc with open GOPs": (
        "d.mp4",
        ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=40:open-gop=1"),
    ),
    "vp9": ("e.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "60")),
    "mpeg-2 programme stream": ("f.mpg", ("-c:v", "mpeg2video", "-q:v", "3", "-g", "15", "-bf", "2")),
    "varying frame rate": (
        "g.mp4",
        ("-fps_mode", "passthrough",
         "-vf", "settb=1/90000,setpts='(N+floor(N/7)*3+if(mod(N,5),0,0.4))/30/TB'",
         "-enc_time_base", "1:90000", *H264, "scenecut=0"),
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("frames")
    made: dict[str, Path] = {}

    def make(case: str) -> Path:
        if case not in made:
            name, options = CASES[case]
            made[case] = encode(folder / name, *options)
        return made[case]

    return make


class Asker:
    """Asks a server and waits for the answer, as a test wants it."""

    def __init__(self, server: FrameServer) -> None:
        self.server = server
        self.answers: Queue[Frame | ReelyError] = Queue()

    def at(self, seconds: float) -> Frame:
        self.server.request(seconds, self.answers.put, self.answers.put)
        answer = self.answers.get(timeout=20)
        if isinstance(answer, ReelyError):
            raise answer
        return answer


@pytest.fixture
def ask() -> Iterator[Callable[..., Asker]]:
    servers: list[FrameServer] = []

    def opened(path: Path, max_height: int = 720, **options: int) -> Asker:
        servers.append(FrameServer(path, max_height, **options))
        return Asker(servers[-1])

    yield opened
    for server in servers:
        server.close()
    assert not [t for t in threading.enumerate() if t.name == "frame-server"]


@pytest.mark.parametrize("case", CASES)
def test_every_picture_is_found_forwards_backwards_and_at_random(
    case: str, clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    asker = ask(clip(case), cache_bytes=0)  # the smallest cache: most answers are decoded anew
    times = asker.server.frame_times
    assert len(times) == FRAMES
    assert times.start_of(0) == pytest.approx(0, abs=0.05)
    order = [*range(40), *range(60, 20, -1), *random.Random(case).sample(range(FRAMES), 25), FRAMES - 1, 0]
    for number in order:
        inside = (times.start_of(number) + times.end_of(number)) / 2
        frame = asker.at(inside)
        assert (frame.index, number_in(frame.rgb)) == (number, number)
        assert frame.time == times.start_of(number)
        assert frame.duration == pytest.approx(times.end_of(number) - times.start_of(number))


def test_a_picture_s_own_start_gives_that_picture_and_just_before_gives_the_one_before(
    clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    asker = ask(clip("varying frame rate"))
    times = asker.server.frame_times
    for number in (1, 7, 74, 75, 76, 189):
        assert number_in(asker.at(times.start_of(number)).rgb) == number
        assert number_in(asker.at(np.nextafter(times.start_of(number), 0)).rgb) == number - 1


def test_times_outside_give_the_first_and_the_last_picture(
    clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    asker = ask(clip("h264 with B-frames"))
    assert number_in(asker.at(-5).rgb) == 0
    assert number_in(asker.at(1e6).rgb) == FRAMES - 1


def test_the_clock_starts_with_the_sound_where_that_comes_first(
    tmp_path: Path, ask: Callable[..., Asker]
) -> None:
    path = encode(
        tmp_path / "late.mkv",
        "-map", "1:a", "-map", "0:v", *H264, "scenecut=0", "-c:a", "pcm_s16le", "-vf", "setpts=PTS+2/TB",
        frames=60, before=("-f", "lavfi", "-i", "sine=d=4"),
    )  # fmt: skip
    asker = ask(path)
    assert asker.server.frame_times.start_of(0) == pytest.approx(2, abs=0.002)
    assert number_in(asker.at(2.5).rgb) == 15


def test_a_burst_of_requests_ends_with_the_last_one(
    clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    asker = ask(clip("h264 with B-frames"), cache_bytes=0)
    times = asker.server.frame_times
    answered: list[int] = []
    done = threading.Event()
    last = 3

    def on_frame(frame: Frame) -> None:
        answered.append(frame.index)
        if frame.index == last:
            done.set()

    asked = [*random.Random(1).sample(range(10, FRAMES), 100), last]
    for number in asked:
        asker.server.request(times.start_of(number), on_frame)
    assert done.wait(20)
    assert answered[-1] == last
    assert len(answered) < len(asked) / 2


@pytest.mark.parametrize("case", ["h264 with B-frames", "hevc with open GOPs", "vp9"])
def test_a_drag_that_changes_its_mind_shows_only_right_pictures(
    case: str, clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    """Requests that interrupt decoding and reading ahead at any moment, as dragging does."""
    asker = ask(clip(case), cache_bytes=0)
    times = asker.server.frame_times
    chance = random.Random(case)
    pause = threading.Event()
    for _ in range(60):
        for _ in range(chance.randrange(4)):
            asker.server.request(times.start_of(chance.randrange(FRAMES)), asker.answers.put)
            pause.wait(chance.random() * 0.006)
        wanted = chance.randrange(FRAMES)
        frame = asker.at(times.start_of(wanted))
        while frame.index != wanted:  # an answer to one of those before
            assert number_in(frame.rgb) == frame.index
            answer = asker.answers.get(timeout=20)
            assert isinstance(answer, Frame)
            frame = answer
        assert number_in(frame.rgb) == wanted


def test_what_lies_around_the_playhead_is_ready_without_decoding(
    clip: Callable[[str], Path], ask: Callable[..., Asker], monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = ask(clip("h264 with B-frames"))
    times = asker.server.frame_times
    asker.at(times.start_of(100))
    deadline = time.monotonic() + 10
    around = set(range(76, 125))
    while not all(number in asker.server._cache for number in around):
        assert time.monotonic() < deadline, "the pictures around the playhead were not read ahead"
        threading.Event().wait(0.01)

    def refuse(_target: int, _complete: int) -> NoReturn:
        raise av.InvalidDataError(0, "decoding is not allowed here")

    monkeypatch.setattr(asker.server._decoder, "pictures_towards", refuse)
    assert [number_in(asker.at(times.start_of(n)).rgb) for n in (76, 124, 99)] == [76, 124, 99]


@pytest.fixture
def sought(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The keyframes that the thread of exact pictures went to, in the order in which it did."""
    keys: list[int] = []
    seek = FrameIndex.seek

    def noted(index: FrameIndex, container: InputContainer, stream: VideoStream, key: int) -> None:
        if threading.current_thread().name == "frame-server":
            keys.append(key)
        seek(index, container, stream, key)

    monkeypatch.setattr(FrameIndex, "seek", noted)
    return keys


@pytest.mark.parametrize("step", [1, 2, 5])
def test_who_goes_on_forwards_never_has_a_picture_decoded_twice(
    clip: Callable[[str], Path], ask: Callable[..., Asker], step: int, sought: list[int]
) -> None:
    """What was read ahead when the next picture was asked for is kept, so the decoder need not go back."""
    asker = ask(clip("h264 with B-frames"))
    times = asker.server.frame_times
    for number in range(10, FRAMES, step):
        assert number_in(asker.at(times.start_of(number)).rgb) == number
    assert sought == [0]


def test_who_goes_back_step_by_step_has_many_pictures_made_ready_at_a_time(
    clip: Callable[[str], Path], ask: Callable[..., Asker], sought: list[int]
) -> None:
    asker = ask(clip("h264 with B-frames"))
    times = asker.server.frame_times
    for number in reversed(range(20, 180)):
        assert number_in(asker.at(times.start_of(number)).rgb) == number
    assert len(sought) < 160 / 4


def test_the_cache_is_bounded(clip: Callable[[str], Path], ask: Callable[..., Asker]) -> None:
    asker = ask(clip("h264 with B-frames"), cache_bytes=60 * WIDTH * HEIGHT * 3 // 2)
    times = asker.server.frame_times
    for number in (0, 70, 140, 189, 20):
        asker.at(times.start_of(number))
        assert len(asker.server._cache) <= 60


def test_pictures_are_no_higher_than_asked_and_keep_their_shape(
    clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    asker = ask(clip("h264 with B-frames"), max_height=90)
    frame = asker.at(1.0)
    assert asker.server.size == (160, 90)
    assert frame.rgb.shape == (90, 160, 3)
    assert frame.rgb.dtype == np.uint8
    assert frame.rgb.flags.c_contiguous
    assert not frame.rgb.flags.writeable
    assert number_in(frame.rgb) == 30


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (270, 3)])
def test_rotated_video_is_shown_upright(
    degrees: int, turns: int, tmp_path: Path, clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    path = tmp_path / "turned.mp4"
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-display_rotation", str(degrees),
         "-i", str(clip("h264 with B-frames")), "-c", "copy", str(path)],
        check=True,
    )  # fmt: skip
    asker = ask(path, max_height=160)
    frame = asker.at(2.0)
    width, height = asker.server.size
    assert (width < height) == (turns % 2 == 1)
    assert frame.rgb.shape == (height, width, 3)
    assert height <= 160
    # `-display_rotation` turns counter-clockwise; turning back gives the picture as it was coded.
    assert number_in(np.rot90(frame.rgb, -turns)) == 60


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path, ask: Callable[..., Asker]) -> None:
    path = encode(tmp_path / "anamorphic.mp4", "-vf", "setsar=4/3", *H264, "scenecut=0", frames=10)
    assert ask(path).server.size == (426, 180)


def test_colours_come_out_as_they_went_in(tmp_path: Path, ask: Callable[..., Asker]) -> None:
    for name, tags in {
        "bt709": ("-vf", "scale=out_color_matrix=bt709,setparams=colorspace=bt709"),
        "bt601": ("-vf", "scale=out_color_matrix=bt601,setparams=colorspace=smpte170m"),
        "full": ("-vf", "scale=out_range=full:out_color_matrix=bt709,setparams=colorspace=bt709:range=pc"),
    }.items():
        path = encode(
            tmp_path / f"{name}.mp4", *tags, "-c:v", "libx264", "-crf", "5", "-pix_fmt", "yuv420p", frames=3
        )
        rgb = ask(path).at(0).rgb
        assert rgb[10, 300].mean() == pytest.approx(16, abs=4), name
        assert rgb[HEIGHT - 20, 20] == pytest.approx(np.array((200, 60, 0)), abs=12), name


def test_closing_in_the_middle_of_decoding_is_quick_and_silent(
    clip: Callable[[str], Path],
) -> None:
    server = FrameServer(clip("h264 with B-frames"), 720)
    answered: list[Frame] = []
    for seconds in (6.0, 0.1, 5.9):
        server.request(seconds, answered.append)
    began = time.monotonic()
    server.close()
    took = time.monotonic() - began
    seen = len(answered)
    server.request(1.0, answered.append)
    server.close()
    assert took < 0.5
    assert len(answered) == seen
    assert not [t for t in threading.enumerate() if t.name == "frame-server"]


def test_a_damaged_stretch_gives_the_last_picture_before_it(
    tmp_path: Path, clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    data = bytearray(clip("vp9").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = b"\xff" * 1500
    path = tmp_path / "damaged.webm"
    path.write_bytes(data)
    asker = ask(path)
    times = asker.server.frame_times
    for number in range(0, len(times), 5):
        assert asker.at(times.start_of(number)).index <= number


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
def test_what_is_no_video_is_refused_in_plain_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_bytes(content)
    with pytest.raises(ReelyError) as caught:
        FrameServer(path, 720)
    assert (caught.value.code, caught.value.exit) == ("media-unreadable", Exit.MEDIA)
    assert "notes.mp4" in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_sound_alone_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "tone.m4a"
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "sine=d=1", str(path)],
        check=True,
    )
    with pytest.raises(ReelyError) as caught:
        FrameServer(path, 720)
    assert caught.value.code == "no-picture"


@pytest.mark.parametrize("starts", [[], [0.0, 0.0], [1.0, 0.5], [0.0, 2.0]])
def test_frame_times_that_make_no_sense_are_not_built(starts: list[float]) -> None:
    with pytest.raises(ValueError, match="frame times"):
        FrameTimes(np.asarray(starts, dtype=np.float64), 2.0)


def test_the_grid_steps_and_snaps() -> None:
    times = FrameTimes(np.asarray([0.0, 0.1, 0.3, 0.4]), 0.5)
    assert [times.step(0.35, n) for n in (-9, -1, 0, 1, 9)] == [0.0, 0.1, 0.3, 0.4, 0.4]
    assert [times.nearest_boundary(t) for t in (-1, 0.04, 0.21, 0.46, 9)] == [0.0, 0.0, 0.3, 0.5, 0.5]
    assert times.floor(0.29) == 0.1
    assert times.typical_duration == pytest.approx(0.1)


def test_a_drag_is_glimpsed_on_its_way_ever_closer_and_ends_exactly(
    clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    server = ask(clip("h264 with B-frames"), cache_bytes=0).server
    times = server.frame_times
    came: list[Frame] = []
    done = threading.Event()

    def on_frame(frame: Frame) -> None:
        came.append(frame)
        if frame.exact and frame.index == 149:
            done.set()

    server.request(times.start_of(149), on_frame, rough=True)
    assert done.wait(20)
    assert [frame.index for frame in came if frame.exact] == [149]
    distances = [abs(frame.index - 149) for frame in came]
    assert distances == sorted(set(distances), reverse=True)
    for frame in came:
        assert number_in(frame.rgb) == frame.index
        assert frame.time == times.start_of(frame.index)


def test_a_wild_drag_always_ends_with_the_exact_last_picture(
    clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    server = ask(clip("h264 with open GOPs")).server
    chance = random.Random(5)
    for _ in range(6):
        came: Queue[Frame] = Queue()
        asked = [chance.randrange(FRAMES) for _ in range(15)]
        for number in asked:
            server.request(server.frame_times.start_of(number), came.put, rough=True)
        while True:
            frame = came.get(timeout=20)
            assert number_in(frame.rgb) == frame.index
            if frame.exact and frame.index == asked[-1]:
                break
        with pytest.raises(Empty):
            came.get(timeout=0.02)


def test_without_leave_to_be_rough_no_glimpse_is_shown(
    clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    asker = ask(clip("h264 with B-frames"), cache_bytes=0)
    for number in (149, 3, 80, 189):
        frame = asker.at(asker.server.frame_times.start_of(number))
        assert (frame.index, frame.exact) == (number, True)


@pytest.mark.parametrize("case", CASES)
def test_thumbnails_are_the_nearest_keyframes_the_most_wanted_first(
    case: str, clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    server = ask(clip(case)).server
    times, keys = server.frame_times, [float(key) for key in server.key_times]
    assert keys[0] == times.start_of(0)
    wanted = [4.0, 0.1, 4.01, 2.6]
    came: Queue[tuple[float, NDArray[np.uint8]]] = Queue()
    server.thumbnails(wanted, lambda at, rgb: came.put((at, rgb)))
    for expected in dict.fromkeys(min(keys, key=lambda key: abs(key - at)) for at in wanted):
        shown_at, rgb = came.get(timeout=20)
        assert shown_at == pytest.approx(expected, abs=1 / FPS)
        assert number_in(rgb) == times.index_at(shown_at)


def test_a_newer_wish_for_thumbnails_replaces_the_one_before(
    clip: Callable[[str], Path], ask: Callable[..., Asker]
) -> None:
    server = ask(clip("mpeg-2 programme stream")).server
    first: list[float] = []
    second: Queue[float] = Queue()
    server.thumbnails([float(key) for key in server.key_times], lambda time, _rgb: first.append(time))
    server.thumbnails([1.0], lambda time, _rgb: second.put(time))
    assert abs(second.get(timeout=20) - 1.0) <= 0.25
    assert len(first) <= 2  # the one at work, and one that was made before the wish changed
