"""The user's language model put together: chosen, agreed to, asked in a child that nobody sees the key of."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from desktop import language_model
from desktop.errors import Cancelled, ReelyError
from desktop.hooks.llm.endpoint import Endpoint
from desktop.hooks.llm.outgoing import ModelChoice
from desktop.hooks.models import FoundHooks, Wish
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.jobs.supervisor import Supervisor
from desktop.language_model import LanguageModel, checked_key
from desktop.model_ports import WorkflowModelPorts
from desktop.settings import Settings
from desktop.ui.model_ports import ModelSettings
from desktop.worker import worker_command
from desktop.workflow import Workflow
from tests.desktop.hooks.test_find import found, talk
from tests.language_model import KEY, hangs
from tests.language_model import LanguageModel as Server

WISH = Wish(count=3)


def nothing(stage: str, fraction: float) -> None:
    """Nobody watches."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def model(home: Path) -> Iterator[LanguageModel]:
    with Supervisor(worker_command()) as jobs:
        yield LanguageModel(Settings(home=home, server_url="https://example.com", offline=False), jobs)


@pytest.fixture(scope="module")
def local() -> FoundHooks:
    return found(talk(21, 60), WISH)


@pytest.fixture
def endpoint(server: Server, model: LanguageModel) -> Endpoint:
    """The server's, agreed to, with a key."""
    there = Endpoint(url=server.url, model="stage-1", context=8192)
    model.set_key(there, KEY)
    model.agree(there)
    return there


def test_hooks_are_ranked_in_a_child(
    model: LanguageModel, endpoint: Endpoint, server: Server, local: FoundHooks
) -> None:
    stages: list[str] = []
    ranked = model.rerank(local, WISH, endpoint, lambda stage, _fraction: stages.append(stage))
    assert ranked.hooks[0].title_by == "stage-1"
    assert ranked.usage is not None
    assert (ranked.usage.requests, ranked.usage.cost) == (2, 0.0)
    assert ranked.evidence == local.evidence
    assert set(stages) == {"asking the language model"}
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_the_key_is_in_no_argument_environment_or_file_of_the_child_and_a_stop_is_quick(
    model: LanguageModel, endpoint: Endpoint, server: Server, local: FoundHooks, home: Path
) -> None:
    server.always = hangs
    token = CancelToken()
    seen: list[str] = []
    stopped: list[float] = []

    def look_and_stop() -> None:
        server.hanging.wait(60)
        children = psutil.Process().children(recursive=True)
        seen.extend(f"{child.cmdline()} {child.environ()}" for child in children)
        stopped.append(time.monotonic())
        token.cancel()

    watcher = threading.Thread(target=look_and_stop)
    watcher.start()
    with pytest.raises(Cancelled):
        model.rerank(local, WISH, endpoint, nothing, token)
    assert time.monotonic() - stopped[0] < 0.5
    watcher.join()
    assert any("desktop.worker" in line for line in seen)
    assert KEY not in "".join(seen)
    assert all(KEY.encode() not in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_child_that_never_comes_to_an_end_is_ended(
    model: LanguageModel,
    endpoint: Endpoint,
    server: Server,
    local: FoundHooks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.always = hangs
    monkeypatch.setattr(language_model, "_PATIENCE_HERE", 1.5)
    with pytest.raises(ReelyError) as raised:
        model.rerank(local, WISH, endpoint, nothing)
    assert raised.value.code == "llm-slow"


def test_nothing_is_sent_that_was_not_agreed_to(
    model: LanguageModel, server: Server, local: FoundHooks
) -> None:
    there = Endpoint(url=server.url, model="stage-1")
    with pytest.raises(ReelyError) as raised:
        model.rerank(local, WISH, there, nothing)
    assert raised.value.code == "llm-not-agreed"
    assert server.asked == []


def test_what_is_shown_is_what_is_sent(
    model: LanguageModel, endpoint: Endpoint, server: Server, local: FoundHooks
) -> None:
    shown = model.outgoing(local, WISH, endpoint)
    assert shown is not None
    assert "which costs nothing" in shown.in_words
    model.rerank(local, WISH, endpoint, nothing)
    for messages, asked in zip(shown.questions, server.asked, strict=False):
        assert [one.content for one in messages] == [one["content"] for one in asked.body["messages"]]
        assert all(one.content in shown.text for one in messages)
    assert len(server.asked) == len(shown.questions) + 1


def test_hooks_without_words_are_left_as_they_are(model: LanguageModel, endpoint: Endpoint) -> None:
    silent = FoundHooks(hooks=(), transcript=None, notes=("Nobody speaks.",))
    assert model.outgoing(silent, WISH, endpoint) is None
    assert model.rerank(silent, WISH, endpoint, nothing) is silent


def test_the_cloud_needs_a_key(model: LanguageModel, local: FoundHooks) -> None:
    cloud = Endpoint(url="https://models.example/v1", model="m")
    model.agree(cloud)
    with pytest.raises(ReelyError) as raised:
        model.rerank(local, WISH, cloud, nothing)
    assert raised.value.code == "llm-key-missing"


def test_a_choice_is_kept_and_forgotten_with_its_key(
    model: LanguageModel, endpoint: Endpoint, home: Path
) -> None:
    model.keep(model.choice().model_copy(update={"enabled": True, "endpoint": endpoint}))
    assert model.endpoint() == endpoint
    assert model.endpoint(model="other") == endpoint.model_copy(update={"model": "other"})
    with pytest.raises(ReelyError, match="“model”"):
        model.endpoint(model="no\x07name")
    assert model.has_key(endpoint)
    assert not model.keys_last, "the test's keyring keeps nothing"
    model.forget()
    assert model.choice() == ModelChoice()
    assert not model.has_key(endpoint)
    assert not (home / "language-model.json").exists()


def test_the_windows_ports_do_all_of_it(server: Server, local: FoundHooks, home: Path) -> None:
    class Ports(WorkflowModelPorts):
        def __init__(self, workflow: Workflow) -> None:
            self._workflow = workflow

    there, token = Endpoint(url=server.url, model="stage-1", context=8192), CancelToken()
    with Workflow(Settings(home=home, server_url="https://example.com", offline=False)) as workflow:
        ports = Ports(workflow)
        assert ports.model_settings() == ModelSettings()
        with pytest.raises(ReelyError, match="No language model is chosen"):
            ports.outgoing(local, None)
        assert ports.try_model(there, KEY, token).usable
        settings = ports.use_model(True, there, KEY)
        assert settings == ModelSettings(enabled=True, endpoint=there, key_kept=True, key_lasts=False)
        assert ports.use_model(True, there, "") == settings == ports.model_settings()
        outgoing = ports.outgoing(local, "the sea")
        assert outgoing is not None
        assert "moments about this: the sea" in outgoing.text
        assert not outgoing.agreed
        ports.agree_to_send(there)
        seen: list[Progress] = []
        assert ports.rerank(local, "the sea", seen.append, token).hooks[0].title_by == "stage-1"
        assert seen
        assert "the sea" in str(server.asked[-1].body)
        assert ports.forget_model() == ports.model_settings() == ModelSettings()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        '{"enabled": 7}',
        json.dumps({"enabled": True, "endpoint": {"url": "http://evil.example/v1", "model": "m"}}),
    ],
)
def test_a_choice_that_cannot_be_read_is_none(model: LanguageModel, home: Path, content: str) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "language-model.json").write_text(content)
    assert model.choice() == ModelChoice()
    assert model.endpoint() is None


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, None),
        ({"OPENAI_API_KEY": KEY}, "https://api.openai.com/v1"),
        ({"ANTHROPIC_API_KEY": KEY}, "https://api.anthropic.com/v1"),
        ({"OPENAI_BASE_URL": "http://localhost:9/v1/", "ANTHROPIC_API_KEY": KEY}, "http://localhost:9/v1"),
    ],
)
def test_the_environment_names_a_model_where_nobody_has_chosen_one(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    endpoint = model.endpoint()
    assert (endpoint.url if endpoint else None) == url
    if endpoint is not None and endpoint.host.startswith("api."):
        assert model.has_key(endpoint)
    assert model.endpoint("ollama") == Endpoint(
        url="http://localhost:11434/v1", model="llama3.2", context=4096
    )


@pytest.mark.parametrize("typed", ["", "  ", "two words", "naïve", "x" * 2000, "line\nbreak"])
def test_what_is_no_key_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(ReelyError) as raised:
        checked_key(typed)
    assert raised.value.code == "llm-key-invalid"
    assert not typed.strip() or typed not in raised.value.message + raised.value.hint
