"""Laughter that a model hears becomes marks on the source's clock, and marks become reactions."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from desktop.errors import ReelyError
from desktop.hooks.model_files import ModelFolder
from desktop.hooks.sound_events import RATE, SOUND_MODEL, SoundListener
from desktop.hooks.speech import Sound
from desktop.media.mono import mono_blocks
from tests.desktop.hooks.models import face_model, sound_model, yamnet

SPOKEN = Path("/usr/share/asterisk/sounds/en_US_f_Allison/vm-intro.wav")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound_model(tmp_path_factory.mktemp("sounds"))


def recording(path: Path, seconds: float, loud: list[tuple[float, float]]) -> Path:
    """Silence with noise in the `loud` spans."""
    samples = np.zeros(round(seconds * RATE))
    for start, end in loud:
        part = samples[round(start * RATE) : round(end * RATE)]
        part[:] = np.random.default_rng(1).uniform(-0.8, 0.8, len(part))
    return written(path, samples)


def written(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def spoken_sentence() -> np.ndarray:
    """Read speech of some seconds, at `RATE`."""
    (block,) = mono_blocks(SPOKEN, RATE)
    return block.astype(np.float64)


def test_what_is_heard_is_marked_when_it_is_heard(folder: Path, tmp_path: Path) -> None:
    spans = [(5.0, 8.0), (20.0, 21.5), (58.0, 62.0)]
    marks = SoundListener(folder).marks(recording(tmp_path / "sound.wav", 70, spans))
    assert {mark.sound for mark in marks} == {Sound.LAUGHTER}
    assert len(marks) == len(spans), "one that goes on over the end of a block is one"
    for mark, (start, end) in zip(marks, spans, strict=True):
        assert mark.start == pytest.approx(start, abs=1.0)
        assert mark.end == pytest.approx(end, abs=1.0)


def test_marks_are_on_the_sources_clock(folder: Path, tmp_path: Path) -> None:
    path = recording(tmp_path / "sound.wav", 20, [(10.0, 12.0)])
    (mark,) = SoundListener(folder).marks(path, origin=Fraction(4))
    assert mark.start == pytest.approx(6.0, abs=1.0)


@pytest.mark.parametrize("seconds", [0.2, 30.3])
def test_what_is_shorter_than_a_piece_is_heard_too(folder: Path, tmp_path: Path, seconds: float) -> None:
    path = recording(tmp_path / "sound.wav", seconds, [(0.0, seconds)])
    (mark,) = SoundListener(folder).marks(path)
    assert mark.start == 0
    assert mark.end == pytest.approx(seconds, abs=1.0)


def test_silence_has_no_marks(folder: Path, tmp_path: Path) -> None:
    assert SoundListener(folder).marks(recording(tmp_path / "sound.wav", 5, [])) == ()


def test_a_folder_of_the_users_own_goes_before_what_is_downloaded(folder: Path, tmp_path: Path) -> None:
    assert ModelFolder(tmp_path, environment={}).find(SOUND_MODEL) is None
    assert ModelFolder(tmp_path, environment={"REELY_SOUND_MODEL": str(folder)}).find(SOUND_MODEL) == folder
    with pytest.raises(ReelyError) as caught:
        ModelFolder(tmp_path, environment={"REELY_SOUND_MODEL": str(tmp_path)}).find(SOUND_MODEL)
    assert caught.value.code == "model-incomplete"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> SoundListener:
    return SoundListener(yamnet(tmp_path_factory.mktemp("yamnet")))


def tune(seconds: float) -> np.ndarray:
    """Chords of four voices with overtones, one each half second."""
    time = np.arange(round(0.5 * RATE)) / RATE
    chords = ((220, 277, 330, 440), (196, 247, 294, 392), (175, 220, 262, 349), (165, 208, 247, 330))
    parts = []
    for number in range(round(seconds * 2)):
        voices = [np.sin(2 * np.pi * f * n * time) / n**1.5 for f in chords[number % 4] for n in range(1, 7)]
        parts.append(0.06 * np.sum(voices, axis=0) * np.exp(-2.5 * time))
    return np.concatenate(parts)


def test_the_real_model_hears_music_where_it_plays_and_none_in_speech(
    real: SoundListener, tmp_path: Path
) -> None:
    quiet = np.zeros(2 * RATE)
    before = np.concatenate([quiet, spoken_sentence(), quiet])
    path = written(tmp_path / "sound.wav", np.concatenate([before, tune(6), quiet]))
    (mark,) = real.marks(path)
    assert mark.sound is Sound.MUSIC
    assert mark.start == pytest.approx(len(before) / RATE, abs=1.0)
    assert mark.end == pytest.approx(len(before) / RATE + 6, abs=1.5)


@pytest.mark.parametrize("seconds", [0.2, 0.97, 30.3, 30.96])
def test_the_real_model_hears_a_rest_of_any_length(
    real: SoundListener, tmp_path: Path, seconds: float
) -> None:
    marks = real.marks(written(tmp_path / "sound.wav", tune(31)[: round(seconds * RATE)]))
    assert {mark.sound for mark in marks} <= {Sound.MUSIC}


@pytest.mark.parametrize("fault", ["classes", "columns", "form", "bytes"])
def test_other_files_are_no_such_model(folder: Path, tmp_path: Path, fault: str) -> None:
    labels = (folder / "yamnet_class_map.csv").read_text()
    model = (folder / "model.onnx").read_bytes()
    match fault:
        case "classes":
            labels = labels.replace("/m/01j3sz", "/m/other")
        case "columns":
            labels = labels.replace("mid", "name")
        case "form":
            model = (face_model(tmp_path / "faces") / "model.onnx").read_bytes()
        case "bytes":
            model = b"no model"
    (tmp_path / "yamnet_class_map.csv").write_text(labels)
    (tmp_path / "model.onnx").write_bytes(model)
    with pytest.raises(ReelyError) as caught:
        SoundListener(tmp_path)
    assert caught.value.code == "model-unusable"
