"""A language model through the command: agreed to, asked, obeyed within the rules, and never in the way."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stage import BIN
from tests.end_to_end.conftest import Command
from tests.end_to_end.test_hooks import STORY
from tests.language_model import KEY, LanguageModel, hangs, says, status
from tests.youtube import YouTube
from tests.youtube.catalogue import PLAIN

OWN = "This is Reely's own ranking."
RANGE = ("--min", "8", "--max", "20", "--count", "2")


@pytest.fixture
def model() -> Iterator[LanguageModel]:
    with LanguageModel() as running:
        yield running


def write_talk(folder: Path) -> Path:
    cues = [{"start": 4.0 * at, "end": 4.0 * at + 3.8, "text": text} for at, text in enumerate(STORY)]
    path = folder / "talk.json"
    path.write_text(json.dumps({"title": "A talk", "segments": cues}))
    return path


def ask(reely: Command, talk: Path, *more: str, **environment: str) -> Any:
    return reely("hooks", "--transcript", talk, "--rerank", "llm", *more, **environment)


def runs_used(reely: Command) -> int:
    used: int = reely("account", "show").last["meters"]["hook_run"]["settled"]
    return used


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_links_hooks_are_ranked_by_the_model_for_the_one_hook_run(
    signed_in: Command, youtube: YouTube, model: LanguageModel, home: Path
) -> None:
    link = f"https://youtu.be/{PLAIN.id}"
    done = signed_in("hooks", link, *RANGE, "--rerank", "llm", "--yes", **youtube.env, **model.env())
    assert done.code == 0, done.stdout
    best = done.last["hooks"][0]
    assert best["title"].startswith("Moment ")
    assert best["title_by"] == done.last["language_model"]["model"] == "gpt-6-luna"
    assert any(r.get("by") and r["signal"] == "language model" for r in best["reasons"])
    assert done.last["language_model"]["requests"] == len(model.asked) == 2
    assert model.asked[0].headers["authorization"] == f"Bearer {KEY}"
    for hook in done.last["hooks"]:
        assert 8 <= hook["end"] - hook["start"] <= 20
    assert runs_used(signed_in) == 1
    assert KEY.encode() not in everything_written(home)
    assert KEY not in done.stdout + done.stderr


def test_nothing_is_sent_before_it_is_agreed_to_and_once_is_enough(
    signed_in: Command, model: LanguageModel
) -> None:
    talk = write_talk(signed_in.folder)
    first = ask(signed_in, talk, **model.env())
    assert first.code == 0
    assert first.last["hooks"] == signed_in("hooks", "--transcript", talk).last["hooks"]
    (note,) = [note for note in first.last["notes"] if OWN in note]
    assert "Nothing was sent to 127.0.0.1" in note
    assert "tokens in 2 questions" in note
    assert "--yes" in note
    assert model.asked == []
    assert runs_used(signed_in) == 0
    assert ask(signed_in, talk, "--yes", **model.env()).last["hooks"][0]["title_by"]
    assert ask(signed_in, talk, **model.env()).last["hooks"][0]["title_by"]
    assert runs_used(signed_in) == 2, "words alone with a model cost a run each"
    with LanguageModel() as other:
        assert "Nothing was sent" in str(ask(signed_in, talk, **other.env()).last["notes"])
        assert other.asked == []


def test_somebody_signed_out_gets_the_words_own_ranking_and_is_told(
    reely: Command, model: LanguageModel
) -> None:
    done = ask(reely, write_talk(reely.folder), "--yes", **model.env())
    assert done.code == 4
    assert len(done.last["hooks"]) >= 2
    assert any("sign" in note.lower() and OWN in note for note in done.last["notes"])
    assert model.asked == []


def test_a_failure_never_loses_what_was_found(signed_in: Command, model: LanguageModel) -> None:
    talk = write_talk(signed_in.folder)
    own = signed_in("hooks", "--transcript", talk).last["hooks"]
    for fault, words in (
        (status(401), "does not accept the key"),
        (says("I like penguins."), "answered twice, but not with what it was asked for"),
    ):
        model.always = fault
        done = ask(signed_in, talk, "--yes", **model.env())
        assert (done.code, done.last["hooks"]) == (0, own)
        assert any(words in note and OWN in note for note in done.last["notes"])
        assert "language_model" not in done.last
    assert runs_used(signed_in) == 0


def test_a_stop_comes_at_once_and_leaves_what_was_found(signed_in: Command, model: LanguageModel) -> None:
    model.always = hangs
    talk = write_talk(signed_in.folder)
    arguments = ["hooks", "--transcript", str(talk), "--rerank", "llm", "--yes", "--json"]
    with subprocess.Popen(
        [BIN / "reely", *arguments],
        env={**signed_in.environment, **model.env()},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert model.hanging.wait(60)
        running.send_signal(signal.SIGINT)
        stopped = time.monotonic()
        assert running.stdout is not None
        last = json.loads(running.stdout.read().splitlines()[-1])
        assert time.monotonic() - stopped < 3  # with the time that Python takes to end
        assert running.wait() == 130
    assert last["hooks"]
    assert "The language model was stopped; this is Reely's own ranking." in last["notes"]


def test_a_model_is_chosen_once_with_its_key_in_the_keyring(
    signed_in: Command, model: LanguageModel, home: Path
) -> None:
    told = subprocess.run(
        [
            BIN / "reely", "llm", "use", model.url, "--model", "stage-1", "--price", "2", "8",
            "--key-stdin", "--json",
        ],
        input=f"{KEY}\n",
        env=signed_in.environment,
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    chosen = json.loads(told.stdout)
    assert (chosen["enabled"], chosen["url"], chosen["key"]) == (True, model.url, True)
    assert KEY not in told.stdout + told.stderr
    assert KEY.encode() not in everything_written(home)
    tried = signed_in("llm", "test")
    assert (tried.code, tried.last["usable"]) == (0, True)
    done = ask(signed_in, write_talk(signed_in.folder), "--yes")
    assert done.last["language_model"]["model"] == "stage-1"
    assert done.last["language_model"]["cost"] == pytest.approx((200 * 2 + 20 * 8) / 1e6)
    assert {asked.headers["authorization"] for asked in model.asked} == {f"Bearer {KEY}"}
    forgotten = signed_in("llm", "forget").last
    assert (forgotten["enabled"], forgotten["url"], forgotten["key"]) == (False, None, False)
    assert ask(signed_in, write_talk(signed_in.folder)).last["code"] == "llm-not-chosen"


def test_a_key_of_the_environment_goes_to_its_own_address_alone(
    signed_in: Command, model: LanguageModel
) -> None:
    talk = write_talk(signed_in.folder)
    options = ("--yes", "--llm-url", model.url, "--llm-model", "m")
    ask(signed_in, talk, *options, OPENAI_API_KEY=KEY, ANTHROPIC_API_KEY=KEY)
    assert [asked.headers.get("authorization") for asked in model.asked] == [None, None]
    elsewhere = ask(signed_in, talk, "--yes", "--llm-url", "https://gateway.example/v1", OPENAI_API_KEY=KEY)
    assert any("There is no key for gateway.example" in note for note in elsewhere.last["notes"])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--llm-url", "http://192.168.0.9/v1"), "llm-address-insecure"),
        (("--llm-url", "nonsense"), "llm-address-invalid"),
        ((), "llm-not-chosen"),
    ],
)
def test_what_cannot_be_asked_is_a_mistake_before_anything_is_done(
    reely: Command, options: tuple[str, ...], code: str
) -> None:
    done = ask(reely, write_talk(reely.folder), *options)
    assert (done.code, done.last["code"]) == (2, code)


def test_offline_the_cloud_is_not_asked(signed_in: Command) -> None:
    talk = write_talk(signed_in.folder)
    done = ask(signed_in, talk, "--yes", OPENAI_API_KEY=KEY, REELY_OFFLINE="1")
    assert done.last["hooks"]
    assert any(OWN in note for note in done.last["notes"])


def test_on_a_terminal_one_is_shown_what_is_sent_and_asked(signed_in: Command, model: LanguageModel) -> None:
    talk = write_talk(signed_in.folder)
    main, terminal = pty.openpty()
    with subprocess.Popen(
        [BIN / "reely", "hooks", "--transcript", str(talk), "--rerank", "llm"],
        env={**signed_in.environment, **model.env(), "TERM": "dumb", "COLUMNS": "200"},
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    ) as running:
        os.close(terminal)
        said = _read_until(main, "(yes, no, show)")
        assert "would be sent to a language model" in said
        assert model.asked == []
        os.write(main, b"show\n")
        shown = _read_until(main, "(yes, no, show)")
        assert f"[0] 4s {STORY[0]}" in shown
        os.write(main, b"yes\n")
        assert running.stdout is not None
        words = running.stdout.read()
        assert running.wait() == 0
    os.close(main)
    assert "title by gpt-6-luna" in words
    assert "gpt-6-luna says: It is no." in words
    assert "Ranked with gpt-6-luna at 127.0.0.1" in words
    assert model.asked[0].said in shown.replace("\r\n", "\n"), "what was shown is what was sent"


def test_whoever_interrupts_the_question_gets_what_was_found(
    signed_in: Command, model: LanguageModel
) -> None:
    talk = write_talk(signed_in.folder)
    main, terminal = pty.openpty()
    with subprocess.Popen(
        [BIN / "reely", "hooks", "--transcript", str(talk), "--rerank", "llm"],
        env={**signed_in.environment, **model.env(), "TERM": "dumb"},
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    ) as running:
        os.close(terminal)
        _read_until(main, "(yes, no, show)")
        running.send_signal(signal.SIGINT)
        assert running.stdout is not None
        words = running.stdout.read()
        assert running.wait() == 0
    os.close(main)
    assert words.startswith("1. ")
    assert "Nothing was sent" in words
    assert model.asked == []


def _read_until(terminal: int, words: str) -> str:
    said = b""
    while words.encode() not in said:
        said += os.read(terminal, 65_536)
    return said.decode()
