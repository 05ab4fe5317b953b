"""What the cutter's tests share: cutting without a child process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from desktop.trim.cut import TrimJob, trim
from desktop.trim.edit import Clip, Edit, MediaInput, Mode, Segment
from tests.desktop.corpus import Corpus

Cut = Callable[..., Clip]


@pytest.fixture(scope="session")
def cut(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Cut:
    """`cut(name, (in, out), ..., mode=...)`: one joined clip of a corpus file, under its temporary name."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str, *segments: tuple[float, float], mode: Mode = Mode.EXACT, **options: object) -> Clip:
        path = corpus.path(name)
        job = TrimJob(
            media=media_of(corpus, name),
            edit=Edit(segments=tuple(Segment(start=a, end=b) for a, b in segments), mode=mode),
            targets=(folder / f"{path.stem}.mp4",),
            **options,
        )
        (clip,) = trim(job, lambda stage, fraction: None).clips
        return clip

    return make


def media_of(corpus: Corpus, name: str) -> MediaInput:
    """The corpus file, or both of a pair, as the cutter's input."""
    path = corpus.path(name)
    only_sound = path.suffix in {".m4a", ".mp3", ".flac"} or name.endswith("-audio")
    return MediaInput(video=None if only_sound else path, audio=corpus.sound_path(name))
