"""Models come whole or not at all: resumed where they stopped, checked, and not without leave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from desktop.errors import ReelyError
from desktop.hooks.model_files import Model, ModelFile, ModelFolder
from desktop.jobs.cancellation import CancelToken

CONTENT = bytes(range(256)) * 4000


class Publisher(ThreadingHTTPServer):
    """A server of one file that can break off, forget ranges, or offer something else."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.ranges = True
        self.break_off_after: int | None = None
        self.asked: list[str | None] = []

    def model(self) -> Model:
        digest = hashlib.sha256(CONTENT).hexdigest()
        url = f"http://127.0.0.1:{self.server_port}/model.bin"
        file = ModelFile("model.bin", url, len(CONTENT), digest)
        return Model("a-model", "model of a test", (file,), "REELY_TEST_MODEL")


class Handler(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        body = self.server.content[start:]
        self.send_response(206 if self.server.ranges else 200)
        if self.server.ranges:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.break_off_after])

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(folder: ModelFolder, model: Model) -> tuple[Path, list[float]]:
    told: list[float] = []
    return folder.fetch(model, lambda _stage, fraction: told.append(fraction), CancelToken()), told


def test_a_model_is_downloaded_once_and_can_be_removed(publisher: Publisher, tmp_path: Path) -> None:
    folder, model = ModelFolder(tmp_path / "models", environment={}), publisher.model()
    assert folder.find(model) is None
    there, told = fetch(folder, model)
    assert (there / "model.bin").read_bytes() == CONTENT
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert fetch(folder, model)[0] == folder.find(model) == there
    assert len(publisher.asked) == 1
    folder.remove(model)
    assert folder.find(model) is None


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_broke_off_goes_on(publisher: Publisher, tmp_path: Path, ranges: bool) -> None:
    folder, model = ModelFolder(tmp_path, environment={}), publisher.model()
    publisher.break_off_after = 300_000
    with pytest.raises(ReelyError) as caught:
        fetch(folder, model)
    assert caught.value.code == "model-download-failed"
    assert folder.find(model) is None
    publisher.break_off_after, publisher.ranges = None, ranges
    there, _ = fetch(folder, model)
    assert (there / "model.bin").read_bytes() == CONTENT
    assert publisher.asked[1] == "bytes=300000-"


def test_what_the_publisher_does_not_offer_is_not_kept(publisher: Publisher, tmp_path: Path) -> None:
    publisher.content = CONTENT[:-1] + b"!"
    folder = ModelFolder(tmp_path, environment={})
    with pytest.raises(ReelyError) as caught:
        fetch(folder, publisher.model())
    assert caught.value.code == "model-damaged"
    assert [path.name for path in (tmp_path / "a-model").iterdir()] == []


def test_offline_nothing_is_asked(publisher: Publisher, tmp_path: Path) -> None:
    with pytest.raises(ReelyError) as caught:
        fetch(ModelFolder(tmp_path, offline=True, environment={}), publisher.model())
    assert caught.value.code == "offline"
    assert publisher.asked == []


def test_a_folder_of_the_users_own_is_used_or_refused(publisher: Publisher, tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path / "models", environment={"REELY_TEST_MODEL": str(tmp_path)})
    with pytest.raises(ReelyError) as caught:
        folder.find(publisher.model())
    assert caught.value.code == "model-incomplete"
    (tmp_path / "model.bin").write_bytes(b"mine")
    assert folder.find(publisher.model()) == tmp_path
