"""A transcript is kept with its source: the same again, and nothing where it is not sure to be the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop.hooks import keeping
from desktop.hooks.job import HooksJob
from desktop.hooks.keeping import TranscriptStore
from desktop.hooks.models import Origin, Wish
from desktop.hooks.run import find_hooks
from desktop.hooks.transcript import Cue, Transcript, Word
from desktop.source.models import Caption, Chapter, Source

HEARD = Transcript(
    origin=Origin.SPEECH,
    language="en",
    duration=60.0,
    title="<i>A film</i>",
    chapters=(Chapter(start=0, end=9, title="One"),),
    cues=(
        Cue(start=0.1, end=1 / 3, text="Hello <b>there</b>", words=(Word(start=0.1, end=0.2, text="Hello"),)),
        Cue(start=1, end=2, text="Hello <b>there</b>"),
    ),
)
LINK = Source(
    origin="https://www.youtube.com/watch?v=aaaaaaaaaaa", id="a", title="A", duration=60, streams=()
)


def quiet(stage: str, fraction: float) -> None:
    """Nobody watches."""


def kept_file(cache: Path) -> Path:
    (file,) = (cache / "transcripts").iterdir()
    return file


def test_what_is_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    TranscriptStore(tmp_path).keep(LINK, None, HEARD)
    assert TranscriptStore(tmp_path).read(LINK, None) == HEARD


def test_another_source_or_language_has_nothing_of_it(tmp_path: Path) -> None:
    store = TranscriptStore(tmp_path)
    store.keep(LINK, "EN", HEARD)
    assert store.read(LINK, "en") == HEARD
    assert store.read(LINK, None) is None
    assert store.read(LINK.model_copy(update={"origin": "https://example.com/b"}), "en") is None


def test_a_file_that_has_changed_is_another(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"one")
    source = LINK.model_copy(update={"origin": str(film), "path": film})
    store = TranscriptStore(tmp_path / "cache")
    store.keep(source, None, HEARD)
    assert store.read(source, None) == HEARD
    film.write_bytes(b"other")
    assert store.read(source, None) is None


@pytest.mark.parametrize(
    "damage", [lambda old: old[:-9], lambda old: old.replace(b"Hello", b"Jello"), lambda _: b""]
)
def test_damage_is_noticed(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    store = TranscriptStore(tmp_path)
    store.keep(LINK, None, HEARD)
    file = kept_file(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    assert store.read(LINK, None) is None


def test_those_used_longest_ago_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TranscriptStore(tmp_path)
    sources = [LINK.model_copy(update={"origin": f"https://example.com/{each}"}) for each in range(3)]
    for age, source in zip((30, 20), sources, strict=False):
        store.keep(source, None, HEARD)
        for file in (tmp_path / "transcripts").iterdir():
            if file.stat().st_mtime > 1000:
                os.utime(file, (1000 - age, 1000 - age))
    store.read(sources[0], None)  # used now
    size = next((tmp_path / "transcripts").iterdir()).stat().st_size
    monkeypatch.setattr(keeping, "_LIMIT", 2 * size)
    store = TranscriptStore(tmp_path)
    store.keep(sources[2], None, HEARD)
    assert [store.read(source, None) is not None for source in sources] == [True, False, True]


def test_a_cache_that_cannot_be_written_keeps_nothing_and_fails_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "cache"
    blocked.write_bytes(b"no folder")
    store = TranscriptStore(blocked)
    store.keep(LINK, None, HEARD)
    assert store.read(LINK, None) is None


def captioned(folder: Path) -> Source:
    """A file with captions beside it."""
    film, beside = folder / "film.mp4", folder / "film.en.srt"
    film.write_bytes(b"film")
    lines = (
        f"{n}\n00:00:{n:02},000 --> 00:00:{n + 1:02},000\nSentence {n} says a thing.\n" for n in range(40)
    )
    beside.write_text("\n".join(lines), "utf-8")
    track = Caption(language="en", name="English", automatic=False, ext="srt", url=beside.as_uri())
    update = {"origin": str(film), "path": film, "captions": (track,)}
    return LINK.model_copy(update=update)


def job(folder: Path, source: Source) -> HooksJob:
    return HooksJob(
        wish=Wish(), source=source, models=folder / "models", offline=True, cache=folder / "cache"
    )


def test_a_run_keeps_the_words_and_a_correction_beside_the_file_is_seen(tmp_path: Path) -> None:
    source = captioned(tmp_path)
    find_hooks(job(tmp_path, source), quiet)
    kept = TranscriptStore(tmp_path / "cache").read(source, None)
    assert kept is not None
    assert kept.cues[7].text == "Sentence 7 says a thing."
    beside = tmp_path / "film.en.srt"
    beside.write_text(beside.read_text("utf-8").replace("Sentence 7", "Number 7"), "utf-8")
    find_hooks(job(tmp_path, source), quiet)
    again = TranscriptStore(tmp_path / "cache").read(source, None)
    assert again is not None
    assert again.cues[7].text == "Number 7 says a thing."


def test_a_link_is_not_asked_for_its_captions_twice(tmp_path: Path) -> None:
    """Offline, with an address that nobody answers at: only what was kept can give hooks."""
    local = captioned(tmp_path)
    find_hooks(job(tmp_path, local), quiet)
    words = TranscriptStore(tmp_path / "cache").read(local, None)
    assert words is not None
    track = Caption(
        language="en", name="English", automatic=False, ext="vtt", url="http://127.0.0.1:1/en.vtt"
    )
    link = LINK.model_copy(update={"captions": (track,)})
    TranscriptStore(tmp_path / "cache").keep(link, None, words)
    wishes = (Wish(), Wish(count=1, shortest=5, longest=12))
    found = [find_hooks(job(tmp_path, link).model_copy(update={"wish": wish}), quiet) for wish in wishes]
    assert all(each.hooks for each in found)
    assert len(found[1].hooks) == 1


def test_what_was_heard_is_not_listened_to_again(tmp_path: Path) -> None:
    spoken = HEARD.model_copy(
        update={"cues": tuple(Cue(start=n, end=n + 1, text=f"Sentence {n} says a thing.") for n in range(40))}
    )
    TranscriptStore(tmp_path / "cache").keep(LINK, None, spoken)
    found = find_hooks(job(tmp_path, LINK), quiet)
    assert found.hooks
    assert found.transcript is not None
    assert found.transcript.origin is Origin.SPEECH
