"""The waveform is computed once a file, in a child, and what is kept is bounded and checked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest

from desktop.jobs.cancellation import CancelToken
from desktop.media.peaks import peaks_from_bytes
from desktop.settings import Settings
from desktop.source.models import Source, Stream, StreamKind
from desktop.trim.edit import MediaInput
from desktop.waveform import job
from desktop.waveform.job import WaveformStore, seal
from desktop.workflow import Workflow


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    tone = ("-f", "lavfi", "-i", "sine=d=2:sample_rate=48000")
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *tone, path], check=True)
    return path


def waveform(home: Path, path: Path) -> tuple[bytes | None, list[str]]:
    """What the workflow gives, and the stages that it told on the way."""
    stream = Stream(id="file", kind=StreamKind.AUDIO, container="wav")
    source = Source(origin=str(path), path=path, id="x", title="x", duration=2.0, streams=(stream,))
    stages: list[str] = []
    with Workflow(Settings(home=home, server_url="http://127.0.0.1:9", offline=True)) as workflow:
        content = workflow.waveform(
            source,
            MediaInput(video=None, audio=path),
            lambda stage, _fraction: stages.append(stage),
            CancelToken(),
        )
    return content, stages


def test_a_file_s_waveform_is_computed_once_and_again_when_the_file_or_the_copy_changed(
    home: Path, sound: Path
) -> None:
    first, stages = waveform(home, sound)
    assert "waveform" in stages
    peaks = peaks_from_bytes(first or b"")
    assert peaks is not None
    assert peaks.swings(0, 2, 1.0)[:, 1] == pytest.approx(1 / 8, abs=0.01)
    assert waveform(home, sound) == (first, [])
    [kept] = (home / "cache" / "waveforms").iterdir()
    damaged = bytearray(kept.read_bytes())
    damaged[200] ^= 1
    kept.write_bytes(damaged)
    again, stages = waveform(home, sound)
    assert again == first
    assert stages
    os.utime(sound, (1, 1))
    assert waveform(home, sound)[1]


def test_those_used_longest_ago_go_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "_LIMIT", 3000)
    store = WaveformStore(tmp_path)
    paths = [store.of_stream(tmp_path / name, None) for name in "abcd"]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(seal(bytes(996)))
        os.utime(path, (number, number))
    assert store.content(paths[0]) == bytes(996)  # used now
    store.make_room()
    assert [path.exists() for path in paths] == [True, False, True, True]
