"""Finished files get their real names in one step, and never over another file."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop import files
from desktop.errors import Exit, ReelyError
from desktop.files import disk_error, free_name, publish, write_file


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    path = tmp_path / ".clip.part"
    path.write_bytes(b"new")
    return path


def test_a_finished_file_gets_its_real_name(temporary: Path, tmp_path: Path) -> None:
    publish(temporary, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == b"new"
    assert not temporary.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_nothing_that_has_the_name_is_overwritten_unasked(temporary: Path, tmp_path: Path, kind: str) -> None:
    final = tmp_path / "clip.mp4"
    make: dict[str, Callable[[], object]] = {
        "file": lambda: final.write_bytes(b"old"),
        "folder": final.mkdir,
        "dangling link": lambda: final.symlink_to(tmp_path / "nowhere"),
    }
    make[kind]()
    with pytest.raises(ReelyError) as refused:
        publish(temporary, final)
    assert (refused.value.code, refused.value.exit) == ("file-exists", Exit.DISK)
    assert "clip.mp4" in refused.value.message
    assert temporary.read_bytes() == b"new"
    assert kind != "file" or final.read_bytes() == b"old"


def test_an_existing_file_is_overwritten_when_asked_for(temporary: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"old")
    publish(temporary, tmp_path / "clip.mp4", overwrite=True)
    assert (tmp_path / "clip.mp4").read_bytes() == b"new"
    assert not temporary.exists()


def test_a_missing_folder_is_told_and_the_temporary_file_stays(temporary: Path, tmp_path: Path) -> None:
    with pytest.raises(ReelyError) as failed:
        publish(temporary, tmp_path / "missing" / "clip.mp4")
    assert (failed.value.code, failed.value.exit) == ("cannot-write-file", Exit.DISK)
    assert temporary.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has one way only")
@pytest.mark.parametrize(
    "missing", [(), ("_native_rename",), ("_native_rename", "_link_and_unlink")], ids=["all", "links", "none"]
)
def test_file_systems_with_fewer_abilities_do_not_overwrite_either(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    def unsupported(_old: Path, _new: Path) -> None:
        raise OSError(errno.EINVAL, "not on this file system")

    for name in missing:
        monkeypatch.setattr(files, name, unsupported)
    (tmp_path / "taken.mp4").write_bytes(b"old")
    with pytest.raises(ReelyError) as refused:
        publish(temporary, tmp_path / "taken.mp4")
    assert refused.value.code == "file-exists"
    publish(temporary, tmp_path / "clip.mp4")
    assert (tmp_path / "taken.mp4").read_bytes() == b"old"
    assert (tmp_path / "clip.mp4").read_bytes() == b"new"


def test_of_many_at_once_exactly_one_gets_the_name(tmp_path: Path) -> None:
    final = tmp_path / "clip.mp4"
    parts = [tmp_path / f"{n}.part" for n in range(8)]
    for part in parts:
        part.write_text(part.name)
    outcomes: list[str] = []
    start = threading.Barrier(len(parts))

    def race(part: Path) -> None:
        start.wait()
        try:
            publish(part, final)
        except ReelyError as error:
            outcomes.append(error.code)
        else:
            outcomes.append("published")

    threads = [threading.Thread(target=race, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["file-exists"] * 7 + ["published"]
    assert sorted(part.name for part in parts if part.exists()) == sorted(
        part.name for part in parts if part.name != final.read_text()
    )


def test_a_free_name_is_found_beside_the_taken_ones(tmp_path: Path) -> None:
    assert free_name(tmp_path / "clip.mp4").name == "clip.mp4"
    for name in ("clip.mp4", "clip (2).mp4"):
        (tmp_path / name).touch()
    assert free_name(tmp_path / "clip.mp4").name == "clip (3).mp4"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk-full"),
        (errno.EXDEV, "other-volume"),
        (errno.EACCES, "cannot-write-file"),
        (errno.EROFS, "cannot-write-file"),
        (None, "cannot-write-file"),
    ],
)
def test_troubles_of_the_disk_are_told_apart(number: int | None, code: str) -> None:
    error = OSError(number, "trouble") if number else OSError("trouble")
    told = disk_error(error, Path("/clips/clip.mp4"))
    assert (told.code, told.exit) == (code, Exit.DISK)
    assert "clip.mp4" in told.message


def test_a_small_file_is_replaced_as_a_whole_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state"
    write_file(path, b"one")
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["state"]
    if os.name != "nt":
        assert path.stat().st_mode & 0o077 == 0


def test_a_failed_replacement_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with pytest.raises(ReelyError):
        write_file(tmp_path / "state", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]
