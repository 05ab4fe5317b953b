"""Models run without telling anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.desktop.hooks.models import face_model

USE = """
import sys
from pathlib import Path
import numpy as np
from desktop.hooks.face_detector import FaceDetector
FaceDetector(Path(sys.argv[1])).tallest(np.zeros((32, 32, 3), np.uint8))
"""


def test_nothing_is_written_down_for_the_maker_of_the_runtime(tmp_path: Path) -> None:
    folder, home = face_model(tmp_path / "model"), tmp_path / "home"
    home.mkdir()
    environment = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home), "XDG_DATA_HOME": str(home)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", USE, str(folder)], env=environment, check=True, timeout=60)
    assert list(home.rglob("*")) == []
