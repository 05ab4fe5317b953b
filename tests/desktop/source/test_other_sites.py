"""Links of other sites go the same way: yt-dlp's own extractors, met by a small site on loopback.

The links are made here, not parsed: what people paste may not lead to loopback.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import pytest

from desktop.errors import ReelyError
from desktop.source.extract import extract
from desktop.source.fetch import fetch
from desktop.source.jobs import ExtractJob, FetchJob
from desktop.source.links import VideoLink
from tests.desktop.source.conftest import silent

SECONDS = 4


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012 - as in the class above
        ".m3u8": "application/vnd.apple.mpegurl",
        ".ts": "video/mp2t",
        ".mp4": "video/mp4",
        ".html": "text/html",
    }

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An HLS recording of four pieces, a plain file, and pages."""
    folder = tmp_path_factory.mktemp("site")
    picture = ["-f", "lavfi", "-i", f"testsrc2=size=160x90:rate=25:duration={SECONDS}"]
    sound = ["-f", "lavfi", "-i", f"sine=440:duration={SECONDS}"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *picture, *sound, *codecs]
    hls = ["-hls_time", "1", "-hls_playlist_type", "vod", str(folder / "film.m3u8")]
    subprocess.run([*command, *hls], check=True, stdin=subprocess.DEVNULL)
    subprocess.run([*command, str(folder / "film.mp4")], check=True, stdin=subprocess.DEVNULL)
    (folder / "text.html").write_text("<html><title>Words</title><body>No video here.</body></html>")
    return folder


@pytest.fixture
def site(pages: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(pages))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_recording_in_pieces_is_opened_and_fetched_as_one_file(site: str, cache: Path) -> None:
    source = extract(ExtractJob(link=VideoLink(url=f"{site}/film.m3u8"), cache=cache), silent)
    assert source.duration == pytest.approx(SECONDS, abs=0.1)
    assert {stream.protocol for stream in source.streams} == {"m3u8_native"}
    media = fetch(FetchJob(source=source, cache=cache), silent)
    assert media.video is not None
    assert media.bytes_fetched > 0
    with av.open(str(media.video)) as container:
        assert sum(1 for _frame in container.decode(video=0)) == SECONDS * 25
    assert fetch(FetchJob(source=source, cache=cache), silent).bytes_fetched == 0


@pytest.mark.parametrize(
    ("page", "code"),
    [("film.mp4", "unknown-length"), ("text.html", "unsupported-site"), ("gone.html", "no-such-video")],
)
def test_what_cannot_be_used_says_why(site: str, cache: Path, page: str, code: str) -> None:
    with pytest.raises(ReelyError) as caught:
        extract(ExtractJob(link=VideoLink(url=f"{site}/{page}"), cache=cache), silent)
    assert caught.value.code == code
