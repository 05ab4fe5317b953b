"""Faces are found in whichever picture they are, and their height is told as a share of the picture's."""

from __future__ import annotations

from pathlib import Path

import ffmpeg
import numpy as np
import pytest

from desktop.errors import ReelyError
from desktop.hooks.face_detector import HEIGHT, WIDTH, FaceDetector, faces_curve
from desktop.media.ffmpeg import running
from desktop.media.stills import STEP, stills
from tests.desktop.hooks.models import face_model, sound_model

RED = (0, 0, 255)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> FaceDetector:
    return FaceDetector(face_model(tmp_path_factory.mktemp("faces")))


def picture(height: int = 180, width: int = 320) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


@pytest.mark.parametrize("place", range(7))
def test_a_face_belongs_to_the_picture_it_is_in(detector: FaceDetector, place: int) -> None:
    pictures = [picture() for _ in range(7)]  # one more than are looked at together
    pictures[place][100:140, 200:240] = RED
    found = detector.largest(pictures)
    assert found == pytest.approx([40 / 180 if each == place else 0.0 for each in range(7)])


def test_a_face_at_the_edge_is_not_its_neighbours(detector: FaceDetector) -> None:
    left, right = picture(HEIGHT, WIDTH), picture(HEIGHT, WIDTH)
    left[-24:, -24:] = RED
    assert [value > 0 for value in detector.largest([left, right, right, right])] == [
        True,
        False,
        False,
        False,
    ]


def test_what_is_half_sure_is_no_face(detector: FaceDetector) -> None:
    pale = picture()
    pale[96:136, 96:136] = (60, 60, 255)
    assert detector.largest([pale]) == [0.0]


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
    """Six seconds of grey and six of red, with a keyframe each second."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    grey = ffmpeg.input("color=gray:s=320x180:r=10:d=6", f="lavfi")
    red = ffmpeg.input("color=0xFE0000:s=320x180:r=10:d=6", f="lavfi")
    both = ffmpeg.concat(grey, red)
    output = ffmpeg.output(both, str(path), vcodec="libx264", g=10, pix_fmt="yuv444p", preset="ultrafast")
    with running(output) as process:
        process.finish()
    return path


def test_stills_come_in_order_and_fit(film: Path) -> None:
    taken = list(stills(film, 100, 100))
    assert [one.time for one in taken] == [STEP * number for number in range(6)]
    assert {one.pixels.shape for one in taken} == {(56, 100, 3)}
    reds = [float(one.pixels[:, :, 2].mean() - one.pixels[:, :, 0].mean()) for one in taken]
    assert [red > 200 for red in reds] == [False, False, False, True, True, True]


def test_stills_of_what_was_filmed_upright_are_upright(film: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    source = ffmpeg.input(str(film), display_rotation=90)
    with running(ffmpeg.output(source, str(turned), c="copy")) as process:
        process.finish()
    assert {one.pixels.shape for one in stills(turned, 100, 100)} == {(100, 56, 3)}


def test_a_curve_tells_when_somebody_is_seen(film: Path, detector: FaceDetector) -> None:
    curve = faces_curve(film, detector)
    assert curve.starts.tolist() == [0, 2, 4, 6, 8, 10]
    assert curve.values == pytest.approx([0, 0, 0, 40 / 180, 40 / 180, 40 / 180])
