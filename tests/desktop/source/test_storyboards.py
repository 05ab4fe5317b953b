"""Storyboards come from where the extraction said, no larger than they should be, and only once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from desktop.errors import Cancelled, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.source.models import Source, Storyboard
from desktop.source.storyboards import LARGEST, Storyboards
from tests.desktop.source.conftest import Opened
from tests.youtube import Kind, YouTube
from tests.youtube.catalogue import PLAIN

PICTURE = b"\xff\xd8\xff a picture"


class Site(ThreadingHTTPServer):
    """A host of pictures that answers a path as a test says: status, headers, body in parts."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, dict[str, str], list[bytes]]] = {}
        self.asked: list[str] = []
        self.hold = threading.Event()
        self.hold.set()

    def board(self, *paths: str) -> Storyboard:
        urls = tuple(f"http://127.0.0.1:{self.server_port}{path}" for path in paths)
        return Storyboard(width=16, height=9, rows=2, columns=2, seconds_per_tile=1.0, urls=urls)


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, headers, parts = self.server.answers.get(self.path, (404, {}, []))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for part in parts:
                self.wfile.write(part)
                self.server.hold.wait(10)
        except OSError:
            return  # the other side has had enough

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


def code_of(storyboards: Storyboards, board: Storyboard) -> str:
    with pytest.raises(ReelyError) as caught:
        storyboards.sheet(board, 0, CancelToken())
    return caught.value.code


def test_the_sheets_of_a_link_come_without_a_byte_of_its_video(
    online: YouTube, opened: Opened, tmp_path: Path
) -> None:
    source = opened(online.url(PLAIN))
    assert isinstance(source, Source)
    storyboards = Storyboards(tmp_path)
    for board in source.storyboards:
        for number in range(len(board.urls)):
            assert storyboards.sheet(board, number, CancelToken()).startswith(b"\xff\xd8")  # JPEG
    assert len(online.log.of(Kind.IMAGE)) == sum(len(board.urls) for board in source.storyboards)
    assert not online.log.media_bytes()


def test_a_sheet_is_fetched_once_also_after_a_restart_and_then_needs_no_network(
    site: Site, tmp_path: Path
) -> None:
    site.answers["/a"] = (200, {}, [PICTURE])
    board = site.board("/a")
    for _ in range(2):
        assert Storyboards(tmp_path).sheet(board, 0, CancelToken()) == PICTURE
    assert Storyboards(tmp_path, offline=True).sheet(board, 0, CancelToken()) == PICTURE
    assert site.asked == ["/a"]
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((404, {}, []), "access-denied"),
        ((302, {"Location": "/elsewhere"}, []), "access-denied"),
        ((200, {}, [b"x" * (LARGEST // 2)] * 3), "stalled"),
        ((200, {"Content-Length": "100"}, [PICTURE]), "network-down"),
        ((200, {}, [b"<html>Sign in to this network</html>"]), "network-down"),
    ],
)
def test_what_is_wrong_is_refused_and_not_kept(
    answer: tuple[int, dict[str, str], list[bytes]], code: str, site: Site, tmp_path: Path
) -> None:
    site.answers = {"/a": answer, "/elsewhere": (200, {}, [PICTURE])}
    assert code_of(Storyboards(tmp_path), site.board("/a")) == code
    assert site.asked == ["/a"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_offline_nothing_is_asked(site: Site, tmp_path: Path) -> None:
    assert code_of(Storyboards(tmp_path, offline=True), site.board("/a")) == "offline"
    assert not site.asked


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a"])
def test_only_the_web_is_asked(url: str, tmp_path: Path) -> None:
    board = Storyboard(width=1, height=1, rows=1, columns=1, seconds_per_tile=1, urls=(url,))
    assert code_of(Storyboards(tmp_path), board) == "access-denied"


def test_cancelling_ends_a_slow_sheet(site: Site, tmp_path: Path) -> None:
    site.answers["/a"] = (200, {}, [PICTURE] * 3)
    site.hold.clear()
    token = CancelToken()
    ended: list[BaseException] = []

    def fetch() -> None:
        try:
            Storyboards(tmp_path).sheet(site.board("/a"), 0, token)
        except Cancelled as outcome:
            ended.append(outcome)

    thread = threading.Thread(target=fetch)
    thread.start()
    token.cancel()
    site.hold.set()
    thread.join(5)
    assert len(ended) == 1


def test_the_cache_on_disk_is_bounded(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.source.storyboards._CACHE_LIMIT", 2500)
    names = [f"/{number}" for number in range(5)]
    site.answers = {name: (200, {}, [PICTURE + b"x" * 1000]) for name in names}
    board = site.board(*names)
    storyboards = Storyboards(tmp_path)
    for number in range(5):
        storyboards.sheet(board, number, CancelToken())
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 2500
