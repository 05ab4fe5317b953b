"""What never happens: a changed source, a half-written clip under a real name, a file overwritten unasked."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from desktop.errors import Exit, ReelyError
from desktop.files import publish
from desktop.media.probe import probe
from desktop.trim.cut import TrimJob, TrimResult, trim
from desktop.trim.edit import Edit, MediaInput, Mode, Segment
from desktop.trim.partials import owner_of_this_process, partial_path, sweep_partials
from tests.desktop.corpus import Corpus, decode_frames


def job_for(source: Path, *targets: Path, mode: Mode = Mode.EXACT, **options: object) -> TrimJob:
    """Two segments of `source`: joined into one target, or one each."""
    segments = (Segment(start=0.5, end=1.5), Segment(start=2.0, end=2.5))
    edit = Edit(segments=segments, mode=mode, separate=len(targets) > 1)
    media = MediaInput(video=source, audio=source)
    return TrimJob(media=media, edit=edit, targets=targets, **options)


def quiet(stage: str, fraction: float) -> None:
    """Nobody listens."""


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def source(corpus: Corpus, tmp_path: Path) -> Iterator[Path]:
    """A copy of a corpus file, which has to be the same after the test."""
    folder = tmp_path / "sources"
    folder.mkdir()
    path = folder / "source.mp4"
    shutil.copy(corpus.path("h264-closed"), path)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    yield path
    if path.exists():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == before
        assert names_in(folder) == {path.name}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "clips"
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("taken.mp4", "file-exists"),
        ("missing/clip.mp4", "folder-not-found"),
        ("taken.mp4/clip.mp4", "folder-not-found"),
        ("clip.txt", "name-not-possible"),
        ("n" * 300 + ".mp4", "name-not-possible"),
        ("../sources/source.mp4", "destination-is-source"),
        ("link to source.mp4", "destination-is-source"),
    ],
)
def test_impossible_destinations_are_refused_and_nothing_is_written(
    source: Path, folder: Path, name: str, code: str
) -> None:
    (folder / "taken.mp4").write_bytes(b"mine")
    (folder / "link to source.mp4").symlink_to(source)
    before = names_in(folder)
    with pytest.raises(ReelyError) as refusal:
        trim(job_for(source, folder / name, overwrite=code == "destination-is-source"), quiet)
    assert refusal.value.code == code
    assert names_in(folder) == before
    assert (folder / "taken.mp4").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (7.0, 8.0, "segment-outside-source"),
        (1.0, 20.0, "segment-outside-source"),
        (1.01, 1.03, "segment-empty"),
    ],
)
def test_segments_without_pictures_are_refused(
    source: Path, folder: Path, start: float, end: float, code: str
) -> None:
    edit = Edit(segments=(Segment(start=start, end=end),), mode=Mode.EXACT)
    media = MediaInput(video=source, audio=source)
    with pytest.raises(ReelyError) as refusal:
        trim(TrimJob(media=media, edit=edit, targets=(folder / "clip.mp4",)), quiet)
    assert (refusal.value.code, refusal.value.exit) == (code, Exit.USAGE)
    assert names_in(folder) == set()


def test_a_source_that_vanished_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ReelyError) as refusal:
        trim(job_for(tmp_path / "gone.mp4", folder / "clip.mp4"), quiet)
    assert refusal.value.code == "file-not-found"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_told(source: Path, folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.raises(ReelyError) as refusal:
            trim(job_for(source, folder / "clip.mp4"), quiet)
    finally:
        folder.chmod(0o700)
    assert refusal.value.code == "folder-not-writable"


@pytest.mark.parametrize(
    "name",
    [
        "-i.mp4",
        "http:evil.mp4",
        "concat:a|b.mp4",
        "100%d %s.mp4",
        "it's “quoted”.mp4",
        "a\nb,c;d=e[f]\\g.mp4",
        "наши видео 日本語 🎬.mp4",
        "x" * 245 + ".mp4",
    ],
)
def test_names_are_names_and_nothing_else(source: Path, folder: Path, name: str) -> None:
    odd = folder / name
    shutil.copy(source, odd)
    (folder / "out").mkdir()
    target = folder / "out" / name
    (clip,) = trim(job_for(odd, target), quiet).clips
    assert [number for _, number in decode_frames_of(clip.temporary)] == [*range(13, 38), *range(50, 63)]
    publish(clip.temporary, clip.path)
    assert names_in(folder / "out") == {name}


def decode_frames_of(path: Path) -> list[tuple[object, int]]:
    """As `decode_frames`, by a name that no library misreads."""
    plain = path.with_name("plain.mp4")
    plain.hardlink_to(path)
    try:
        return list(decode_frames(plain))
    finally:
        plain.unlink()


def test_each_segment_becomes_a_clip_of_its_own_when_asked(source: Path, folder: Path) -> None:
    targets = (folder / "one.mp4", folder / "two.mp4")
    clips = trim(job_for(source, *targets), quiet).clips
    assert [clip.path for clip in clips] == list(targets)
    numbers = [[number for _, number in decode_frames(clip.temporary)] for clip in clips]
    assert numbers == [list(range(13, 38)), list(range(50, 63))]


def test_a_finished_clip_belongs_to_the_process_that_asked(source: Path, folder: Path) -> None:
    (clip,) = trim(job_for(source, folder / "clip.mp4"), quiet).clips
    assert owner_of_this_process() in clip.temporary.name
    assert sweep_partials(folder) == []
    assert names_in(folder) == {clip.temporary.name}
    assert clip.bytes == clip.temporary.stat().st_size


def test_progress_goes_forward_through_the_stages(source: Path, folder: Path) -> None:
    heard: list[tuple[str, float]] = []
    trim(job_for(source, folder / "clip.mp4"), lambda stage, fraction: heard.append((stage, fraction)))
    assert list(dict.fromkeys(stage for stage, _ in heard)) == ["index", "encode", "verify"]
    fractions = [fraction for _, fraction in heard]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert fractions[-1] == pytest.approx(1.0)


def test_the_title_goes_with_the_clip(source: Path, folder: Path) -> None:
    (clip,) = trim(job_for(source, folder / "clip.mp4", title="Ein schöner Titel"), quiet).clips
    assert probe(clip.temporary).title == "Ein schöner Titel"


@pytest.mark.parametrize("stage", ["index", "encode", "verify"])
def test_a_killed_job_leaves_no_clip_and_what_it_left_is_swept(
    source: Path, folder: Path, stage: str
) -> None:
    job = job_for(source, folder / "clip.mp4")
    if stage == "verify":  # long enough for the signal to come before its end
        whole = job.edit.model_copy(update={"segments": (Segment(start=0, end=5.9),) * 4})
        job = job.model_copy(update={"edit": whole})
    child = subprocess.Popen(
        [sys.executable, "-m", "desktop.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        child.stdin.write(job.model_dump_json().encode() + b"\n")
        child.stdin.flush()
        for line in child.stdout:
            if json.loads(line).get("stage") == stage:
                break
        group = [child.pid, *(process.pid for process in psutil.Process(child.pid).children(recursive=True))]
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    left = [psutil.Process(pid) for pid in group if psutil.pid_exists(pid)]
    assert psutil.wait_procs(left, timeout=5)[1] == [], "an encoder outlived its job"
    assert all(name.endswith(".partial.mp4") for name in names_in(folder))
    sweep_partials(folder)
    assert names_in(folder) == set()


@pytest.mark.parametrize("mode", list(Mode))
def test_a_full_disk_is_told_and_left_as_it_was(source: Path, small_disk: Path, mode: Mode) -> None:
    filler = small_disk / "filler"
    room = shutil.disk_usage(small_disk).free - 40_000
    filler.write_bytes(b"\0" * room)
    with pytest.raises(ReelyError) as failure:
        trim(job_for(source, small_disk / "clip.mp4", mode=mode, max_height=170), quiet)
    assert (failure.value.code, failure.value.exit) == ("disk-full", Exit.DISK)
    assert names_in(small_disk) == {"filler"}


def test_a_clip_that_certainly_does_not_fit_is_refused_before_any_work(
    source: Path, small_disk: Path
) -> None:
    stages: list[str] = []
    with pytest.raises(ReelyError) as failure:
        trim(job_for(source, small_disk / "clip.mp4"), lambda stage, fraction: stages.append(stage))
    assert failure.value.code == "disk-full"
    assert set(stages) == {"index"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    path = tmp_path / "small"
    path.mkdir()
    mounted = (
        sys.platform == "linux"
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", path], capture_output=True, check=False
        ).returncode
    )
    if not mounted:
        pytest.skip("only root can mount a small file system")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


def test_sweeping_takes_only_what_a_dead_process_of_this_computer_left(tmp_path: Path) -> None:
    final = tmp_path / "my clip.mp4"
    host, pid, started = owner_of_this_process().split("-")
    dead = [f"{host}-{pid}-{int(started) - 5}", f"{host}-4194399-1700000000"]
    alive = owner_of_this_process()
    elsewhere = f"{'0' * 8}-4194399-1700000000"
    swept = {partial_path(final, owner) for owner in dead}
    kept = {partial_path(final, owner) for owner in (alive, elsewhere)}
    kept |= {tmp_path / ".other.partial.mp4", tmp_path / "clip.partial.mp4", final}
    for path in swept | kept:
        path.write_bytes(b"")
    assert set(sweep_partials(tmp_path)) == swept
    assert set(tmp_path.iterdir()) == kept


def test_a_result_survives_the_way_through_json(source: Path, folder: Path) -> None:
    result = trim(job_for(source, folder / "clip.mp4", mode=Mode.COPY), quiet)
    assert TrimResult.model_validate_json(result.model_dump_json()) == result
