"""A model is asked over the real package: every trouble is a plain sentence, and the key is never told."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Iterator

import pytest
import trustme
from pydantic import SecretStr, ValidationError

from desktop.errors import Exit, ReelyError
from desktop.hooks.llm.answers import UnusableError, form_of_proposals
from desktop.hooks.llm.client import ModelClient
from desktop.hooks.llm.endpoint import PRESETS, Endpoint, Price, base_url
from desktop.hooks.llm.job import RerankJob
from desktop.hooks.llm.prices import cost_of, price_of, tokens_in
from desktop.hooks.llm.prompts import Message
from desktop.hooks.models import Evidence, Wish
from desktop.jobs.protocol import Job
from tests.language_model import (
    KEY,
    Fault,
    LanguageModel,
    drips,
    hangs,
    refuses,
    says,
    sends,
    status,
)

ASKED = (
    Message(role="system", content="Answer."),
    Message(role="user", content="[0] 3s Hello.\n[1] 3s There.\n[2] 2s You."),
)
FORM = form_of_proposals(5)


@pytest.fixture
def server() -> Iterator[LanguageModel]:
    with LanguageModel(lambda _said: '{"hooks": []}') as model:
        yield model


def endpoint(server: LanguageModel, **changes: object) -> Endpoint:
    return Endpoint(url=server.url, model="stage-1").model_copy(update=changes)


def ask(server: LanguageModel, key: str | None = KEY, limit: float = 20.0) -> str:
    with ModelClient(endpoint(server), SecretStr(key) if key else None, limit=limit) as client:
        return client.answer(ASKED, FORM)


def test_a_question_goes_out_with_its_schema_and_nothing_about_this_computer(server: LanguageModel) -> None:
    with ModelClient(endpoint(server), SecretStr(KEY)) as client:
        assert client.answer(ASKED, FORM) == '{"hooks": []}'
        assert (client.usage.requests, client.usage.sent, client.usage.answered) == (1, 100, 10)
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.body["model"] == "stage-1"
    assert [one["role"] for one in asked.body["messages"]] == ["system", "user"]
    form = asked.body["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]["required"]) == (True, ["hooks"])
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["user-agent"] == "Reely"
    assert not [name for name in asked.headers if name.startswith("x-")]


def test_a_model_on_this_computer_is_asked_without_key_and_without_proxy(
    server: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "another-secret")
    monkeypatch.setenv(
        "OPENAI_CUSTOM_HEADERS", "Authorization: Bearer another-secret\nX-More: another-secret"
    )
    ask(server, None)
    assert "authorization" not in server.asked[0].headers
    assert "another-secret" not in str(server.asked[0])


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (("response_format",), {"temperature", "max_completion_tokens"}),
        (("temperature",), {"response_format", "max_completion_tokens"}),
        (("max_completion_tokens",), {"response_format", "temperature", "max_tokens"}),
        (("temperature", "max_completion_tokens", "response_format"), {"max_tokens"}),
    ],
)
def test_what_an_endpoint_does_not_take_is_left_out_from_then_on(
    server: LanguageModel, names: tuple[str, ...], left: set[str]
) -> None:
    server.always = refuses(*names)
    with ModelClient(endpoint(server), None) as client:
        client.answer(ASKED, FORM)
        before = len(server.asked)
        client.answer(ASKED, FORM)
    assert len(server.asked) == before + 1
    assert set(server.asked[-1].body) - {"model", "messages"} == left


TROUBLES: list[tuple[Fault, str, str]] = [
    (status(401, "Incorrect API key"), "llm-key-refused", "does not accept the key"),
    (status(403), "llm-forbidden", "let this key use stage-1"),
    (status(404, "model not found"), "llm-model-unknown", "knows no model “stage-1”"),
    (status(402), "llm-no-credit", "nothing left to spend"),
    (status(429, "quota", "insufficient_quota", retry_after="0.01"), "llm-no-credit", "nothing left"),
    (status(429, retry_after="0.01"), "llm-busy", "too many requests"),
    (status(400, "This model's maximum context length is 10"), "llm-too-long", "of this length"),
    (status(413), "llm-too-long", "of this length"),
    (status(400, "no reason"), "llm-request-refused", "refused the question (400)"),
    (status(418), "llm-request-refused", "refused the question (418)"),
    (status(500, retry_after="0.01"), "llm-broken", "trouble of its own (500)"),
    (sends(b"<h1>Bad gateway</h1>", code=502, retry_after="0.01"), "llm-broken", "(502)"),
    (sends(b"", code=307, Location="http://127.0.0.1:9/v1"), "llm-redirected", "was not followed"),
    (sends(b"<html>Welcome</html>"), "llm-garbled", "no answer of a language model"),
    (sends(b'{"choices": []}', "application/json"), "llm-garbled", "no answer of a language model"),
    (sends(b'{"choices": [{}]}', "application/json"), "llm-garbled", "no answer of a language model"),
    (sends(b'{"choices": "x"', "application/json"), "llm-garbled", "no answer of a language model"),
    (sends(b'{"choices": ' + b"[" * 100_000, "application/json"), "llm-garbled", "no answer of a"),
    (sends(b'{"choices": 7, "usage": [], "id": {}}', "application/json"), "llm-garbled", "no answer of a"),
    (sends(b"[1, 2]", "application/json"), "llm-garbled", "no answer of a language model"),
    (sends(b"\xff\xfe\x00", "application/json"), "llm-garbled", "no answer of a language model"),
    (sends(b" " * 2_100_000, "application/json"), "llm-slow", "no whole answer"),
]


@pytest.mark.parametrize(("fault", "code", "words"), TROUBLES)
def test_every_trouble_is_a_plain_sentence_without_the_key(
    server: LanguageModel,
    fault: Fault,
    code: str,
    words: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG, logger="desktop")
    server.always = fault
    with pytest.raises(ReelyError) as raised:
        ask(server)
    error = raised.value
    assert (error.code, error.exit) == (code, Exit.NETWORK)
    assert words in error.message
    assert error.hint.endswith((".", "v1."))
    told = "".join(traceback.format_exception(error)) + caplog.text + str(capsys.readouterr())
    assert KEY not in error.message + error.hint + told


def test_somebody_who_is_asked_to_wait_is_told_how_long(server: LanguageModel) -> None:
    server.always = status(429, retry_after="600")
    server.faults = []
    with pytest.raises(ReelyError) as raised:
        ask(server)
    assert raised.value.hint == "Try again in 10 min."


def test_a_busy_endpoint_is_asked_again(server: LanguageModel) -> None:
    server.faults = [status(429, retry_after="0.01"), status(503, retry_after="0.01")]
    assert ask(server) == '{"hooks": []}'
    assert len(server.asked) == 3


@pytest.mark.parametrize("fault", [hangs, drips])
def test_an_answer_that_does_not_come_to_its_end_is_not_waited_for(
    server: LanguageModel, fault: Fault
) -> None:
    server.always = fault
    started = time.monotonic()
    with pytest.raises(ReelyError) as raised:
        ask(server, limit=0.4)
    assert raised.value.code == "llm-slow"
    assert time.monotonic() - started < 8
    server.released.set()


def test_the_cloud_is_asked_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        heard: list[bytes] = []

        def refuse() -> None:
            for _ in range(3):  # it is tried three times
                connection, _address = proxy.accept()
                with connection:
                    heard.append(connection.recv(1000))
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        cloud = Endpoint(url="https://models.example/v1", model="m")
        with ModelClient(cloud, SecretStr(KEY)) as client, pytest.raises(ReelyError) as raised:
            client.answer(ASKED, FORM)
        thread.join()
    assert raised.value.code == "llm-unreachable"
    assert heard[0].startswith(b"CONNECT models.example:443 ")
    assert KEY.encode() not in b"".join(heard)


def test_nobody_at_the_address_is_said_so() -> None:
    with LanguageModel() as gone:
        there = endpoint(gone)
    with ModelClient(there, None) as client, pytest.raises(ReelyError) as raised:
        client.answer(ASKED, FORM)
    assert raised.value.code == "llm-unreachable"
    assert "Start the program" in raised.value.hint


def test_an_answer_that_is_all_thought_is_unusable(server: LanguageModel) -> None:
    server.always = says("", "length")
    with pytest.raises(UnusableError, match="thought for so long"):
        ask(server)
    server.always = says(None)
    assert ask(server) == ""


def test_offline_only_this_computer_is_asked(server: LanguageModel) -> None:
    with ModelClient(endpoint(server), None, offline=True) as client:
        client.answer(ASKED, FORM)
    cloud = Endpoint(url="https://api.openai.com/v1", model="gpt")
    with pytest.raises(ReelyError, match="stay offline"):
        ModelClient(cloud, None, offline=True)


def test_certificates_are_checked_and_one_of_the_users_own_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with LanguageModel(lambda _said: "yes", context=context) as server:
        with pytest.raises(ReelyError) as raised:
            ask(server)
        assert raised.value.code == "llm-untrusted"
        assert server.asked == []
        file = tmp_path_factory.mktemp("trust") / "ca.pem"
        authority.cert_pem.write_to_path(file)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert ask(server) == "yes"


# --- addresses, prices, jobs ---


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" https://API.openai.com/v1/ ", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://127.0.0.5:8080", "http://127.0.0.5:8080"),
        ("http://[::1]:1234/v1", "http://[::1]:1234/v1"),
    ],
)
def test_addresses_are_taken_as_people_paste_them(typed: str, address: str) -> None:
    assert base_url(typed) == address


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("http://api.openai.com/v1", "llm-address-insecure"),
        ("http://192.168.1.7:11434/v1", "llm-address-insecure"),
        ("http://localhost.evil.example/v1", "llm-address-insecure"),
        ("https://sk-secret@api.openai.com/v1", "llm-address-invalid"),
        ("https://api.openai.com/v1?key=sk-secret", "llm-address-invalid"),
        ("ftp://api.openai.com", "llm-address-invalid"),
        ("https://", "llm-address-invalid"),
        ("https://a b.example/v1", "llm-address-invalid"),
        ("https://[::1/v1", "llm-address-invalid"),
        ("https://example.com:99999/v1", "llm-address-invalid"),
        ("sk-secret", "llm-address-invalid"),
        ("", "llm-address-invalid"),
    ],
)
def test_an_address_that_is_not_safe_is_refused_without_repeating_it(typed: str, code: str) -> None:
    with pytest.raises(ReelyError) as raised:
        Endpoint(url=typed, model="m")
    assert raised.value.code == code
    assert "sk-secret" not in raised.value.message + raised.value.hint


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_every_preset_is_an_endpoint_whose_cost_is_known(preset: object) -> None:
    from desktop.hooks.llm.endpoint import Preset

    assert isinstance(preset, Preset)
    there = Endpoint(url=preset.url, model=preset.model, context=preset.context)
    price = price_of(there)
    assert price is not None
    assert there.local == (price.sent == 0)


def test_costs_are_reckoned_from_the_list_or_from_the_users_own_price() -> None:
    listed = Endpoint(url="https://api.openai.com/v1", model="gpt-5-mini-2025-08-07")
    price = price_of(listed)
    assert price == Price(sent=0.25, answered=2.0)
    assert cost_of(price, 1_000_000, 500_000) == 1.25
    assert price_of(listed.model_copy(update={"model": "gpt-5-mini-fast"})) is None
    assert price_of(Endpoint(url="https://gateway.example/v1", model="gpt-5-mini")) is None
    assert price_of(listed.model_copy(update={"price": Price(sent=9, answered=9)})) == Price(
        sent=9, answered=9
    )
    assert (
        20
        <= tokens_in("Twenty words are about twenty-six tokens, which is what a rule of thumb can say.")
        <= 30
    )


def test_a_job_shows_its_key_to_the_pipe_alone() -> None:
    job = RerankJob(
        wish=Wish(),
        evidence=Evidence(lines=(), duration=1, shots=(), curves={}),
        endpoint=Endpoint(url="https://api.openai.com/v1", model="m"),
        key=SecretStr(KEY),
    )
    assert KEY not in repr(job) + str(job)
    piped = job.model_dump_json()
    assert RerankJob.model_validate_json(piped).key == SecretStr(KEY)
    with pytest.raises(ValidationError) as raised:
        RerankJob.model_validate_json(json.dumps({**json.loads(piped), "wish": KEY, "more": KEY}))
    assert KEY not in str(raised.value)
    with pytest.raises(ValidationError) as raised:
        Job.model_validate_json(piped[:-1], extra="ignore")
    assert KEY not in str(raised.value)


def test_no_thread_of_ours_is_needed_to_ask(server: LanguageModel) -> None:
    before = threading.active_count()
    ask(server)
    server.released.set()
    assert threading.active_count() <= before + 1  # the server's own for the connection
