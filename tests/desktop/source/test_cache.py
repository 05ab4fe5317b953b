"""The cache of streams is bounded, trusts no stranger's name, and keeps what is in use."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from desktop.source.cache import GRACE, StreamCache
from desktop.source.models import Source, Stream, StreamKind


def stream(name: str = "137", size: int | None = 100, container: str = "mp4") -> Stream:
    return Stream(id=name, kind=StreamKind.VIDEO, container=container, size=size)


def source(name: str = "PlainVideo1", origin: str = "https://www.youtube.com/watch?v=PlainVideo1") -> Source:
    return Source(origin=origin, id=name, title="x", duration=1, streams=())


def put(path: Path, size: int, age: float) -> Path:
    """A file that was used `age` seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    used = time.time() - age
    os.utime(path, (used, used))
    return path


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=8))
def test_no_name_of_a_stranger_leads_out_of_the_folder(video: str, name: str, container: str) -> None:
    folder = Path("/cache")
    path = StreamCache(folder).path(source(video, "https://example.com/" + video), stream(name, 5, container))
    assert path.parent.parent == folder / "media"
    assert ".." not in path.parts
    assert str(path).isascii()
    assert len(path.name) < 120


def test_different_streams_never_share_a_file() -> None:
    cache = StreamCache(Path("/cache"))
    names = [stream(name, size) for name in ("a", "A", "a/b", "a_b", "") for size in (None, 1, 2)]
    sources = [source("v"), source("V"), source("v", "https://example.com/v")]
    paths = [str(cache.path(one, each)).lower() for one in sources for each in names]
    assert len(set(paths)) == len(paths)


def test_only_a_file_of_the_right_size_is_complete(tmp_path: Path) -> None:
    cache = StreamCache(tmp_path)
    path = cache.path(source(), stream())
    assert not cache.complete(path, stream())
    put(path, 99, 0)
    assert not cache.complete(path, stream())
    assert not path.exists()
    put(path, 100, 9000)
    assert cache.complete(path, stream())
    assert time.time() - path.stat().st_mtime < 60  # used now


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = StreamCache(tmp_path, limit=1000)
    old = put(tmp_path / "media/a/1.mp4", 400, GRACE + 300)
    older = put(tmp_path / "media/a/2.mp4.partial", 400, GRACE + 600)
    recent = put(tmp_path / "media/b/3.mp4", 400, 10)
    cache.make_room(100)
    assert (old.exists(), older.exists(), recent.exists()) == (True, False, True)
    cache.make_room(10_000)
    assert (old.exists(), recent.exists()) == (False, True)


def test_what_is_about_to_be_used_stays(tmp_path: Path) -> None:
    cache = StreamCache(tmp_path, limit=0)
    kept = put(tmp_path / "media/a/1.mp4", 400, GRACE + 300)
    partial = put(tmp_path / "media/a/2.mp4.partial", 400, GRACE + 300)
    cache.make_room(1, keep=[kept, tmp_path / "media/a/2.mp4"])
    assert kept.exists()
    assert partial.exists()


def test_clearing_leaves_nothing_but_locks(tmp_path: Path) -> None:
    cache = StreamCache(tmp_path)
    path = cache.path(source(), stream())
    with cache.locked(path):
        put(path, 100, 0)
    cache.clear()
    assert not path.exists()


def test_a_second_process_waits_for_the_first_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    cache = StreamCache(tmp_path)
    path = cache.path(source(), stream())
    code = (
        "import sys, pathlib, desktop.source.cache as c\n"
        "with c.StreamCache(pathlib.Path(sys.argv[1])).locked(pathlib.Path(sys.argv[2])):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as second:
            assert second.stdout is not None
            first.kill()
            assert second.stdout.readline() == "held\n"


def test_a_stream_and_its_index_go_together(tmp_path: Path) -> None:
    cache = StreamCache(tmp_path, limit=0)
    old = put(tmp_path / "media/a/1.mp4", 400, GRACE + 300)
    index = put(cache.index(old), 40, GRACE + 300)
    used = put(tmp_path / "media/a/2.mp4", 400, GRACE + 300)
    written = put(cache.index(used), 40, 10)  # to which something has just come
    cache.make_room(1)
    assert (old.exists(), index.exists()) == (False, False)
    assert (used.exists(), written.exists()) == (True, True)


def test_what_somebody_works_on_is_neither_evicted_nor_cleared(tmp_path: Path) -> None:
    cache = StreamCache(tmp_path, limit=0)
    path = cache.path(source(), stream())
    other = cache.path(source(), stream("other"))
    put(path, 400, GRACE + 300)
    put(other, 400, GRACE + 300)

    def while_locked() -> None:
        with cache.locked(path):
            locked.set()
            assert over.wait(20)

    locked, over = threading.Event(), threading.Event()
    worker = threading.Thread(target=while_locked)
    worker.start()
    assert locked.wait(20)
    cache.make_room(1)
    cache.clear()
    assert (path.exists(), other.exists()) == (True, False)
    over.set()
    worker.join()
    cache.clear()
    assert not path.exists()


def test_holes_count_as_nothing(tmp_path: Path) -> None:
    cache = StreamCache(tmp_path, limit=1_000_000)
    sparse = tmp_path / "media/a/1.mp4"
    sparse.parent.mkdir(parents=True)
    with sparse.open("wb") as file:
        file.truncate(10**9)
    used = time.time() - GRACE - 300
    os.utime(sparse, (used, used))
    cache.make_room(500_000)
    assert sparse.exists()
