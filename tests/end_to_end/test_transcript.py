"""What is said: through the command, of a link, of a file, of a recording without captions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.end_to_end.conftest import SAMPLE, Command
from tests.youtube import YouTube
from tests.youtube.catalogue import PLAIN

SRT = """1
00:00:01,000 --> 00:00:03,000
Hello <b>there</b>, world. It was

2
00:00:03,000 --> 00:00:06,000
a dark night.

3
00:00:10,000 --> 00:00:12,000
Then it rained.
"""


@pytest.fixture
def film(reely: Command) -> Path:
    """A film with captions beside it."""
    path = reely.folder / "film.mp4"
    shutil.copy(SAMPLE, path)
    path.with_suffix(".en.srt").write_text(SRT, "utf-8")
    return path


def test_a_links_words_are_its_captions_and_cost_nothing_and_need_no_account(
    reely: Command, youtube: YouTube
) -> None:
    done = reely("transcript", f"https://youtu.be/{PLAIN.id}", "-o", "talk.srt", **youtube.env)
    assert done.code == 0, done.stdout
    assert done.last["transcript"] == {"origin": "captions", "language": "en"}
    assert done.last["path"] == str(reely.folder / "talk.srt")
    assert not youtube.log.media_bytes()
    saved = reely("hooks", "--transcript", "talk.srt", "--min", "5")
    assert saved.code == 0, "what was saved can be read again"
    offline = reely("transcript", f"https://youtu.be/{PLAIN.id}", REELY_OFFLINE="1")
    assert offline.code in {3, 5}
    assert reely("account", "show").last["signed_in"] is False


def test_a_files_words_are_said_or_saved_and_nothing_is_replaced_unasked(reely: Command, film: Path) -> None:
    said = reely.in_words("transcript", "film.mp4")
    assert said.stdout == "Hello there, world. It was a dark night.\n\nThen it rained.\n"
    told = reely("transcript", "film.mp4").last
    first = told["segments"][0]
    assert (first["start"], first["text"]) == (1.0, "Hello there, world. It was")
    (reely.folder / "mine.txt").write_text("mine")
    refused = reely("transcript", "film.mp4", "-o", "mine.txt")
    assert (refused.code, refused.last["code"]) == (7, "file-exists")
    assert (reely.folder / "mine.txt").read_text() == "mine"
    assert reely("transcript", "film.mp4", "-o", "mine.txt", "--overwrite").code == 0
    assert (reely.folder / "mine.txt").read_text() == said.stdout
    assert reely("transcript", "film.mp4", "-o", "a.docx").last["code"] == "transcript-format-unknown"


def test_without_captions_model_and_network_it_says_what_is_missing(reely: Command) -> None:
    shutil.copy(SAMPLE, reely.folder / "bare.mp4")
    done = reely("transcript", "bare.mp4", "-o", "bare.vtt", REELY_OFFLINE="1")
    assert (done.code, done.last["code"]) == (5, "offline")
    assert not (reely.folder / "bare.vtt").exists()
