"""Giving back the cache's room: all that can be had again goes, nothing that is in use."""

from __future__ import annotations

import threading
from pathlib import Path

from desktop.cached import cached, clear_cached
from desktop.source.cache import StreamCache

FILES = {
    "media/video-1/137-4000.mp4": 4000,
    "media/video-1/137-4000.mp4.ranges": 100,
    "storyboards/sheet.jpg": 3000,
    "waveforms/peaks": 2000,
    "transcripts/words.json": 1000,
    "vectors/a.vectors": 200,
    "yt-dlp/youtube-sigfuncs/f.json": 500,
}


def filled(folder: Path) -> Path:
    for name, size in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    return folder


def test_what_is_kept_is_told_by_kind(tmp_path: Path) -> None:
    found = cached(filled(tmp_path / "cache"))
    assert found.kinds == {
        "media": 4100,
        "storyboards": 3000,
        "waveforms": 2000,
        "transcripts": 1000,
        "vectors": 200,
        "other": 500,
    }
    assert (found.bytes, found.freed) == (10_800, 0)


def test_nothing_is_kept_where_there_is_no_folder(tmp_path: Path) -> None:
    assert cached(tmp_path / "none").bytes == 0
    assert clear_cached(tmp_path / "none").freed == 0


def test_clearing_leaves_only_what_somebody_works_on(tmp_path: Path) -> None:
    folder = filled(tmp_path / "cache")
    busy = folder / "media/video-2/140-9.m4a"
    busy.parent.mkdir()
    busy.write_bytes(b"y" * 9)
    held, done = threading.Event(), threading.Event()

    def work() -> None:
        with StreamCache(folder).locked(busy):
            held.set()
            done.wait(30)

    worker = threading.Thread(target=work)
    worker.start()
    assert held.wait(30)
    try:
        left = clear_cached(folder)
    finally:
        done.set()
        worker.join()
    assert (left.kinds["media"], left.bytes, left.freed) == (9, 9, 10_800)
    assert clear_cached(folder).freed == 9


def test_a_link_out_of_the_cache_is_removed_and_what_it_points_to_stays(tmp_path: Path) -> None:
    folder, own = tmp_path / "cache", tmp_path / "own"
    own.mkdir()
    (own / "film.mp4").write_bytes(b"z")
    (folder / "waveforms").mkdir(parents=True)
    (folder / "waveforms" / "elsewhere").symlink_to(own)
    assert clear_cached(folder).bytes == 0
    assert (own / "film.mp4").read_bytes() == b"z"
    assert not (folder / "waveforms" / "elsewhere").is_symlink()
