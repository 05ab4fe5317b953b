"""The project file: what was saved comes back, and what is none is refused in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.errors import ReelyError
from desktop.project import Project, is_project, read_project, write_project
from desktop.trim.edit import Edit, Mode, Segment

TIMES = st.floats(0, 1e5, allow_nan=False)
SEGMENTS = st.tuples(TIMES, st.floats(0.01, 1000)).map(lambda t: Segment(start=t[0], end=t[0] + t[1]))
PROJECTS = st.builds(
    Project,
    origin=st.text(min_size=1, max_size=50),
    title=st.text(max_size=50),
    edit=st.builds(
        Edit,
        segments=st.lists(SEGMENTS, min_size=1, max_size=5).map(tuple),
        mode=st.sampled_from(Mode),
        separate=st.booleans(),
    ),
    playhead=TIMES,
)
EXAMPLE = Project(origin="https://youtu.be/abc", edit=Edit(segments=(Segment(start=1.5, end=2.25),)))


@given(PROJECTS)
def test_what_was_saved_comes_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, project: Project
) -> None:
    path = tmp_path_factory.mktemp("project") / "edit.reely"
    write_project(path, project)
    assert read_project(path) == project


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "project-unreadable"),
        (b"\xff\xfe\x00", "project-unreadable"),
        (b'{"reely": 1}', "project-unreadable"),
        (b'{"reely": 2, "origin": "x", "clips": []}', "project-newer"),
        (EXAMPLE.model_dump_json().replace("1.5", "9").encode(), "project-unreadable"),
        (EXAMPLE.model_dump_json().replace("1.5", "NaN").encode(), "project-unreadable"),
        (EXAMPLE.model_dump_json()[:-1].encode() + b', "run": "rm"}', "project-unreadable"),
        (b" " * 2**20 + EXAMPLE.model_dump_json().encode(), "project-unreadable"),
    ],
)
def test_what_is_no_project_is_refused(content: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.reely"
    path.write_bytes(content)
    with pytest.raises(ReelyError) as refused:
        read_project(path)
    assert refused.value.code == code


def test_a_project_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReelyError) as refused:
        read_project(tmp_path / "gone.reely")
    assert refused.value.code == "project-not-found"


def test_a_video_that_moved_together_with_its_project_is_found(tmp_path: Path) -> None:
    path = tmp_path / "film.reely"
    write_project(path, EXAMPLE.model_copy(update={"origin": str(tmp_path / "elsewhere" / "film.mp4")}))
    assert read_project(path).origin.endswith("elsewhere/film.mp4")
    (tmp_path / "film.mp4").touch()
    assert read_project(path).origin == str(tmp_path / "film.mp4")


def test_projects_are_known_by_their_name() -> None:
    texts = ("/home/a/b.reely", "C:\\x\\B.REELY", "b.mp4", "https://youtu.be/reely")
    assert [is_project(text) for text in texts] == [True, True, False, False]
