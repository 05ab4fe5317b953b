"""What is heard and seen comes on the source's clock; what cannot be had is a note and takes nothing away."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import ffmpeg
import numpy as np
import pytest
from PIL import Image

from desktop.errors import Cancelled
from desktop.hooks.face_detector import FaceDetector
from desktop.hooks.job import HooksJob, Observable
from desktop.hooks.models import FoundHooks, Wish
from desktop.hooks.observing import Observation
from desktop.hooks.run import find_hooks
from desktop.hooks.signals.curve import Curve
from desktop.hooks.sound_events import SoundListener
from desktop.hooks.speech import Sound
from desktop.jobs.cancellation import CancelToken
from desktop.media.ffmpeg import running
from desktop.source.models import Source
from tests.desktop.hooks.models import astronaut, face_model, sound_model

SECONDS = 80


def make_film(path: Path, size: str = "320x180") -> Path:
    """Somebody is seen from 40 s to 60 s, it is loud from 40 s to 50 s, and from 60 s on much moves."""
    face = path.with_suffix(".png")
    Image.fromarray(astronaut(180)).save(face)
    width, height = size.split("x")
    parts = [
        ffmpeg.input(f"color=gray:s={size}:r=10:d=40", f="lavfi"),
        ffmpeg.input(str(face), loop=1, framerate=10, t=20)
        .filter("scale", width, height)
        .filter("setsar", 1),
        ffmpeg.input(f"testsrc2=s={size}:r=10:d=20", f="lavfi"),
    ]
    noise = "if(between(t,40,50),0.8,0.001)*(random(0)*2-1)"
    sound = ffmpeg.input(f"aevalsrc={noise}:s=16000:d={SECONDS}".replace(",", "\\,"), f="lavfi")
    output = ffmpeg.output(
        ffmpeg.concat(*parts), sound, str(path), vcodec="libx264", g=20, pix_fmt="yuv420p", preset="ultrafast"
    )
    with running(output) as process:
        process.finish()
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mkv")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("models")
    return face_model(root / "faces"), sound_model(root / "sounds")


def peak(curve: Curve) -> float:
    """Seconds at which the curve is highest for the first time."""
    return float(curve.starts[int(np.argmax(curve.values))])


@pytest.mark.parametrize("ahead", [0, 10])
def test_all_is_on_the_sources_clock(film: Path, folders: tuple[Path, Path], ahead: int) -> None:
    faces, sounds = folders
    files = Observable(sound=film, picture=film, origin=Fraction(ahead))
    seen = Observation(files, FaceDetector(faces), SoundListener(sounds)).result()
    curves = {curve.name: curve for curve in seen.curves}
    assert seen.notes == ()
    assert set(curves) == {"loudness", "motion", "faces"}
    assert peak(curves["loudness"]) == pytest.approx(40 - ahead, abs=11)
    assert peak(curves["faces"]) == pytest.approx(40 - ahead, abs=2)
    assert peak(curves["motion"]) >= 58 - ahead
    assert [round(time) for time in seen.shots] == [40 - ahead, 60 - ahead]
    assert [mark.sound for mark in seen.sounds] == [Sound.LAUGHTER]
    assert seen.sounds[0].start == pytest.approx(40 - ahead, abs=1.0)


def test_without_models_there_are_neither_faces_nor_laughter(film: Path) -> None:
    seen = Observation(Observable(sound=film, picture=film)).result()
    assert {curve.name for curve in seen.curves} == {"loudness", "motion"}
    assert seen.sounds == ()


def test_a_large_picture_is_looked_at_but_not_through(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    large = make_film(tmp_path / "large.mkv", "980x552")
    seen = Observation(Observable(picture=large), FaceDetector(folders[0])).result()
    assert [curve.name for curve in seen.curves] == ["faces"]
    assert seen.shots == ()


def test_a_picture_is_looked_at_when_it_has_come(film: Path, folders: tuple[Path, Path]) -> None:
    told: list[tuple[str, float]] = []

    def fetch(progress: Callable[[float], None], token: CancelToken) -> Path:
        progress(0.5)
        return film

    with Observation(Observable(), FaceDetector(folders[0]), fetch=fetch) as observation:
        seen = observation.result(lambda stage, fraction: told.append((stage, fraction)))
    assert {curve.name for curve in seen.curves} == {"motion", "faces"}
    assert [round(time) for time in seen.shots] == [40, 60]
    assert seen.notes == ()
    assert {stage for stage, _fraction in told} <= {"downloading the picture"}


def test_a_picture_that_does_not_come_in_time_is_stopped_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.hooks.observing._PATIENCE", 0.1)
    told: list[float] = []

    def fetch(progress: Callable[[float], None], token: CancelToken) -> Path:
        stopped = threading.Event()
        progress(0.25)
        with token.watching(stopped.set):
            stopped.wait()
        raise Cancelled

    with Observation(Observable(), fetch=fetch) as observation:
        seen = observation.result(lambda _stage, fraction: told.append(fraction))
    assert seen.curves == ()
    assert len(seen.notes) == 1
    assert "did not come within" in seen.notes[0]
    assert told[-1] == 0.25


def test_leaving_stops_the_fetch(film: Path) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def fetch(progress: Callable[[float], None], token: CancelToken) -> Path:
        begun.set()
        with token.watching(stopped.set):
            stopped.wait()
        raise Cancelled

    with Observation(Observable(sound=film), fetch=fetch):
        begun.wait()
    assert stopped.is_set()


def test_files_that_are_gone_are_notes(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    gone = tmp_path / "gone.mp4"
    faces, sounds = folders
    files = Observable(sound=gone, picture=gone)
    seen = Observation(files, FaceDetector(faces), SoundListener(sounds)).result()
    assert len(seen.notes) == 4
    assert seen.curves == ()


def found(film: Path | None, tmp_path: Path) -> FoundHooks:
    transcript = tmp_path / "words.json"
    segments = [
        {"start": 4 * k, "end": 4 * k + 3.5, "text": f"Here is a sentence about the thing number {k}."}
        for k in range(SECONDS // 4)
    ]
    transcript.write_text(json.dumps({"language": "en", "segments": segments}))
    job = HooksJob(
        wish=Wish(count=1, longest=20),
        source=Source(origin="film", id="film", title="Film", duration=SECONDS, streams=()),
        transcript=transcript,
        models=tmp_path / "none",
        files=Observable(sound=film, picture=film),
        offline=True,
    )
    return find_hooks(job, lambda _stage, _fraction: None)


def test_what_is_heard_and_seen_leads_to_a_hook(
    film: Path, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELY_FACE_MODEL", str(folders[0]))
    monkeypatch.setenv("REELY_SOUND_MODEL", str(folders[1]))
    answer = found(film, tmp_path)
    assert not any("“faces”" in note or "“motion”" in note or "“loudness”" in note for note in answer.notes)
    (hook,) = answer.hooks
    assert hook.start < 50
    assert hook.end > 40
    assert answer.evidence is not None
    assert {"loudness", "motion", "faces", "pauses"} <= set(answer.evidence.curves)


def test_what_is_missing_is_named_and_lowers_nothing(tmp_path: Path) -> None:
    answer = found(None, tmp_path)
    assert len(answer.hooks) == 1
    notes = " ".join(answer.notes)
    for name in ("most replayed", "loudness", "motion", "faces", "reaction", "liveliness", "novelty"):
        assert f"“{name}”" in notes
    assert "“liveliness” and “novelty” were left out" in notes
