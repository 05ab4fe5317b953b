"""Of HLS and DASH only the pieces that segments need are fetched, and what is cut from them is exact.

The site is a small one on loopback, and the links are made here: what people paste may not lead to loopback.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.errors import ReelyError
from desktop.source.extract import extract, extract_info
from desktop.source.fetch import fetch
from desktop.source.info import source_from_info
from desktop.source.jobs import ExtractJob, FetchedMedia, FetchJob
from desktop.source.links import VideoLink
from desktop.source.models import Source
from desktop.source.pieces import IndexUnreadableError
from desktop.source.playlist import PieceList, StillGrowingError, dash_pieces, read_hls
from desktop.source.stream_fetch import NO_INDEX
from desktop.trim.cut import trim
from desktop.trim.edit import Edit, MediaInput, Segment
from desktop.trim.job import TrimJob
from tests.desktop.source.conftest import silent
from tests.media_codes import read_frame_number
from tests.youtube import Media
from tests.youtube.media import FPS

TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml"}
WANTED = (22.3, 27.7)
"""Needs the pieces from 20 to 30 s, of twelve pieces of 5 s."""


@dataclass
class Site:
    """A folder on loopback. `ranges`: whether parts of files are handed out; `sent`: bytes by file name."""

    folder: Path
    address: str = ""
    ranges: bool = True
    sent: dict[str, int] = field(default_factory=dict)

    def media(self) -> int:
        """Bytes sent of what is no list."""
        return sum(count for name, count in self.sent.items() if Path(name).suffix not in TYPES)

    def size(self, pattern: str) -> int:
        """Bytes of the files of that kind."""
        return sum(file.stat().st_size for file in self.folder.glob(pattern))


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            file = site.folder / Path(self.path.partition("?")[0]).name
            if not file.is_file():
                self.send_error(404)
                return
            data = file.read_bytes()
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
            if asked is not None and site.ranges:
                first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
                data = data[first : last + 1]
            else:
                self.send_response(200)
            self.send_header("Content-Type", TYPES.get(file.suffix, "video/mp4"))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if with_body:
                site.sent[file.name] = site.sent.get(file.name, 0) + len(data)
                self.wfile.write(data)

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # the client has hung up
                super().handle()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture(scope="session")
def lists(tmp_path_factory: pytest.TempPathFactory, youtube_media: Media) -> Path:
    """The coded recording as lists of many kinds, none of them encoded anew."""
    folder = tmp_path_factory.mktemp("lists")
    both = [str(youtube_media.renditions[itag].path) for itag in (134, 140)]
    inputs = ["-i", both[0], "-i", both[1], "-map", "0:v", "-map", "1:a", "-c", "copy"]
    hls = ["-f", "hls", "-hls_time", "5", "-hls_playlist_type", "vod"]
    fmp4 = ["-hls_segment_type", "fmp4"]
    (folder / "key.info").write_text(f"key.bin\n{folder / 'key.bin'}\n")
    (folder / "key.bin").write_bytes(bytes(range(16)))
    for arguments in (
        [*hls, "-hls_segment_filename", "ts%03d.ts", "ts.m3u8"],
        [*hls, *fmp4, "-hls_fmp4_init_filename", "fmp4.init.mp4", "-hls_segment_filename", "fmp4%03d.m4s",
         "fmp4.m3u8"],
        [*hls, "-hls_flags", "single_file", "-hls_segment_filename", "one.ts", "one.m3u8"],
        [*hls, *fmp4, "-hls_flags", "single_file", "-hls_segment_filename", "onemp4.mp4", "onemp4.m3u8"],
        # Only a little: yt-dlp decrypts in Python.
        ["-t", "10", *hls, "-hls_key_info_file", "key.info", "-hls_segment_filename", "secret%03d.ts",
         "secret.m3u8"],
        ["-f", "dash", "-seg_duration", "5", "-init_seg_name", "dash$RepresentationID$.init.mp4",
         "-media_seg_name", "dash$RepresentationID$-$Number$.m4s", "dash.mpd"],
    ):  # fmt: skip
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *inputs, *arguments]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, cwd=folder)
    told = (folder / "ts.m3u8").read_text()
    (folder / "live.m3u8").write_text(
        told.replace("#EXT-X-ENDLIST\n", "").replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "")
    )
    # As old packagers wrote it: whole seconds, always too many.
    (folder / "rounded.m3u8").write_text(re.sub(r"#EXTINF:[\d.]+,", "#EXTINF:6,", told))
    (folder / "cut.m3u8").write_text(told.replace("ts006.ts", "#EXT-X-DISCONTINUITY\nts006.ts"))
    return folder


@pytest.fixture
def site(lists: Path) -> Iterator[Site]:
    running = Site(lists)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(running)) as server:
        running.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        server.shutdown()
        thread.join()


def opened(site: Site, name: str, cache: Path) -> Source:
    source = extract(ExtractJob(link=VideoLink(url=f"{site.address}/{name}"), cache=cache), silent)
    site.sent.clear()
    return source


def assert_covers(media: FetchedMedia, wanted: tuple[float, float]) -> None:
    """Every picture is the one that its time says, and none of the wanted ones is missing."""
    assert media.video is not None
    assert media.origin is not None
    numbers = []
    with av.open(str(media.video)) as container:
        for picture in container.decode(video=0):
            assert picture.pts is not None
            assert picture.time_base is not None
            time = float(picture.pts * picture.time_base - media.origin)
            number = read_frame_number(picture.to_ndarray(format="rgb24"))
            # The source's clock begins with the sound, whose encoder was a little early.
            assert number == pytest.approx(time * FPS, abs=0.7)
            numbers.append(number)
    assert set(range(round(wanted[0] * FPS), round(wanted[1] * FPS))) <= set(numbers)


def clip_of(media: FetchedMedia, segments: tuple[tuple[float, float], ...], folder: Path) -> list[int]:
    """The numbers of the pictures in a clip, which is made in the default mode."""
    job = TrimJob(
        media=MediaInput(video=media.video, audio=media.audio, origin=media.origin),
        edit=Edit(segments=tuple(Segment(start=start, end=end) for start, end in segments)),
        targets=(folder / "clip.mp4",),
    )
    [clip] = trim(job, silent).clips
    with av.open(str(clip.temporary)) as container:
        return [
            read_frame_number(picture.to_ndarray(format="rgb24")) for picture in container.decode(video=0)
        ]


@pytest.mark.parametrize("name", ["ts", "fmp4", "one", "onemp4"])
def test_of_hls_only_the_covering_pieces_come(site: Site, cache: Path, name: str) -> None:
    source = opened(site, f"{name}.m3u8", cache)
    media = fetch(FetchJob(source=source, segments=(WANTED,), cache=cache), silent)
    assert media.notes == ()
    assert_covers(media, WANTED)
    assert media.bytes_fetched == site.media()
    whole = site.size(f"{name}*.ts") + site.size(f"{name}*.m4s") + site.size(f"{name}.mp4")
    assert site.media() < whole * (2 + 1.5) / 12
    # Nothing is fetched twice, in this run or a later one.
    again = fetch(FetchJob(source=source, segments=((23.0, 24.0),), cache=cache), silent)
    assert again.bytes_fetched == 0
    assert_covers(again, (23.0, 24.0))


def test_of_dash_only_the_covering_pieces_come(site: Site, cache: Path) -> None:
    link = VideoLink(url=f"{site.address}/dash.mpd")
    info = extract_info(link, cache, offline=False, patience=5.0)
    # What yt-dlp's extractor for bare manifests leaves out, and those for sites tell.
    source = source_from_info({**info, "duration": 60.0}, link)
    site.sent.clear()
    assert {stream.protocol for stream in source.streams} == {"http_dash_segments"}
    media = fetch(FetchJob(source=source, segments=(WANTED,), cache=cache), silent)
    assert media.notes == ()
    assert media.video != media.audio
    assert_covers(media, WANTED)
    assert site.media() < site.size("dash*.m4s") * (2 + 2) / 12


@pytest.mark.parametrize("name", ["ts", "fmp4"])
def test_several_segments_come_in_one_file(site: Site, cache: Path, tmp_path: Path, name: str) -> None:
    parts = ((1.0, 2.0), (41.0, 42.0))
    media = fetch(FetchJob(source=opened(site, f"{name}.m3u8", cache), segments=parts, cache=cache), silent)
    for part in parts:
        assert_covers(media, part)
    assert site.media() < site.size(f"{name}*.ts") / 2 + site.size(f"{name}*.m4s") / 2
    assert clip_of(media, parts, tmp_path) == [*range(24, 48), *range(41 * FPS, 42 * FPS)]


@pytest.mark.parametrize("name", ["ts", "fmp4"])
def test_a_clip_of_a_list_is_exact(site: Site, cache: Path, tmp_path: Path, name: str) -> None:
    source = opened(site, f"{name}.m3u8", cache)
    media = fetch(FetchJob(source=source, segments=((24.5, 25.5),), cache=cache), silent)
    assert clip_of(media, ((24.5, 25.5),), tmp_path) == list(range(round(24.5 * FPS), round(25.5 * FPS)))


def test_a_list_whose_times_are_wrong_is_seen_through(site: Site, cache: Path) -> None:
    source = opened(site, "rounded.m3u8", cache)
    media = fetch(FetchJob(source=source, segments=(WANTED,), cache=cache), silent)
    assert media.notes == ()
    assert_covers(media, WANTED)
    assert site.media() < site.size("ts*.ts") / 2


def test_a_server_that_hands_out_no_parts_of_pieces_will_do(site: Site, cache: Path) -> None:
    site.ranges = False
    source = opened(site, "ts.m3u8", cache)
    media = fetch(FetchJob(source=source, segments=(WANTED,), cache=cache), silent)
    assert_covers(media, WANTED)
    assert site.media() < site.size("ts*.ts") / 3


def test_interrupted_lists_come_whole_and_the_notes_say_so(site: Site, cache: Path) -> None:
    source = opened(site, "cut.m3u8", cache)
    media = fetch(FetchJob(source=source, segments=(WANTED,), cache=cache), silent)
    assert media.notes == (NO_INDEX,)
    assert media.origin is None


def test_encrypted_lists_come_whole_and_decrypted(site: Site, cache: Path) -> None:
    source = opened(site, "secret.m3u8", cache)
    media = fetch(FetchJob(source=source, segments=((6.0, 7.0),), cache=cache), silent)
    assert media.notes == (NO_INDEX,)
    assert media.video is not None
    with av.open(str(media.video)) as container:
        numbers = [
            read_frame_number(picture.to_ndarray(format="rgb24")) for picture in container.decode(video=0)
        ]
    assert numbers[: 10 * FPS] == list(range(10 * FPS))


def test_what_is_still_on_air_is_refused(site: Site, cache: Path) -> None:
    with pytest.raises(ReelyError) as caught:
        fetch(FetchJob(source=opened(site, "live.m3u8", cache), segments=(WANTED,), cache=cache), silent)
    assert caught.value.code in {"live-now", "unknown-length"}


PLAYLIST = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:6
#EXT-X-MAP:URI="init.mp4",BYTERANGE="720@0"
#EXTINF:5.005,
#EXT-X-BYTERANGE:1000@720
all.mp4?sig=1
#EXTINF:4.5,a title, with a comma
#EXT-X-BYTERANGE:500
all.mp4?sig=1
#EXT-X-ENDLIST
"""


def test_a_playlist_is_read_as_the_standard_says() -> None:
    found = read_hls(PLAYLIST, "https://cdn.example/a/b.m3u8?token=x")
    assert found.head is not None
    assert (found.head.url, found.head.span) == ("https://cdn.example/a/init.mp4", (0, 720))
    assert [(piece.start, piece.end, piece.place.span) for piece in found.pieces] == [
        (0.0, 5.005, (720, 1720)),
        (5.005, pytest.approx(9.505), (1720, 2220)),
    ]
    assert {piece.place.url for piece in found.pieces} == {"https://cdn.example/a/all.mp4?sig=1"}
    moved = read_hls(PLAYLIST.replace("sig=1", "sig=2"), "https://other.example/a/b.m3u8")
    assert moved.shape == found.shape
    assert read_hls(PLAYLIST.replace("4.5,", "4.6,"), "https://cdn.example/a/b.m3u8").shape != found.shape


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<html>", IndexUnreadableError),
        ("#EXTM3U\n#EXT-X-ENDLIST", IndexUnreadableError),
        (PLAYLIST.replace("#EXT-X-ENDLIST\n", ""), StillGrowingError),
        (PLAYLIST.replace("4.5,", "nan,"), IndexUnreadableError),
        (PLAYLIST.replace("4.5,", "-1,"), IndexUnreadableError),
        (PLAYLIST.replace("@720", ""), IndexUnreadableError),
        (PLAYLIST.replace("all.mp4", "file:///etc/passwd"), IndexUnreadableError),
        (
            PLAYLIST.replace("#EXTINF:4.5", "#EXT-X-KEY:METHOD=AES-128,URI=k\n#EXTINF:4.5"),
            IndexUnreadableError,
        ),
        (PLAYLIST.replace("#EXTINF:4.5", "#EXT-X-DISCONTINUITY\n#EXTINF:4.5"), IndexUnreadableError),
        (PLAYLIST.replace("#EXTINF:4.5", '#EXT-X-MAP:URI="b.mp4"\n#EXTINF:4.5'), IndexUnreadableError),
        (PLAYLIST.replace("#EXTINF:5.005,\n", ""), IndexUnreadableError),
    ],
)
def test_playlists_that_are_not_simply_one_stream_are_told(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_hls(text, "https://cdn.example/b.m3u8")


@given(st.text(alphabet=st.sampled_from('#EXTM3U-INFMAPKYBRG:="@,.0123456789\n/ahtps'), max_size=200))
def test_no_text_makes_more_of_the_reader_than_its_refusal(text: str) -> None:
    try:
        found = read_hls(f"#EXTM3U\n{text}\n#EXT-X-ENDLIST", "https://cdn.example/b.m3u8")
    except IndexUnreadableError:
        return
    assert found.pieces


@given(st.lists(st.floats(0.1, 20), min_size=1, max_size=30), st.floats(-5, 700), st.floats(0.01, 100))
def test_the_covering_pieces_hold_the_seconds_and_no_more(
    durations: list[float], start: float, length: float
) -> None:
    lines = "".join(f"#EXTINF:{one},\n{number}.ts\n" for number, one in enumerate(durations))
    found: PieceList = read_hls(f"#EXTM3U\n{lines}#EXT-X-ENDLIST", "https://cdn.example/b.m3u8")
    end = start + length
    numbers = found.covering(start, end)
    touched = {
        number for number, piece in enumerate(found.pieces) if piece.start <= end and piece.end > start
    }
    assert set(numbers) == (touched or set(numbers))
    assert len(numbers) >= 1
    assert np.all(np.array(numbers) < len(durations))


def test_dash_without_durations_or_still_growing_is_told() -> None:
    with pytest.raises(StillGrowingError):
        dash_pieces({"fragments": None})
    with pytest.raises(IndexUnreadableError):
        dash_pieces({"fragments": [{"url": "https://a.example/1"}, {"url": "https://a.example/2"}]})
