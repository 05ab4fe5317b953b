"""What can go wrong with a language model, in plain sentences; what an endpoint says is not repeated."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from desktop.errors import Exit, ReelyError
from desktop.hooks.llm.endpoint import Endpoint
from desktop.timecode import format_length

if TYPE_CHECKING:
    from openai import APIStatusError

_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_TOO_LONG = (
    "context_length",
    "context length",
    "context size",
    "context window",
    "too long",
    "too many tokens",
)


def _error(code: str, message: str, hint: str) -> ReelyError:
    return ReelyError(code, message, hint, Exit.NETWORK)


def offline(endpoint: Endpoint) -> ReelyError:
    return _error(
        "offline",
        f"{endpoint.host} was not asked, because Reely is told to stay offline.",
        "Unset REELY_OFFLINE, or use a model on this computer.",
    )


def key_missing(endpoint: Endpoint) -> ReelyError:
    return _error(
        "llm-key-missing",
        f"There is no key for {endpoint.host}.",
        "Enter it under “Language model…” in the window or with `reely llm use`.",
    )


def slow(endpoint: Endpoint, limit: float) -> ReelyError:
    return _error(
        "llm-slow",
        f"{endpoint.host} gave no whole answer within {format_length(limit)}.",
        "Try again, or use a faster model.",
    )


def untrusted(endpoint: Endpoint) -> ReelyError:
    return _error(
        "llm-untrusted",
        f"The certificate of {endpoint.host} is not trusted on this computer, so nothing was sent.",
        "Check the address; for a certificate of your own set SSL_CERT_FILE.",
    )


def unreachable(endpoint: Endpoint) -> ReelyError:
    hint = (
        "Start the program that runs the model, and check the port."
        if endpoint.local
        else "Check the network, the proxy and the address."
    )
    return _error("llm-unreachable", f"Nothing answers at {endpoint.host}.", hint)


def garbled(endpoint: Endpoint) -> ReelyError:
    return _error(
        "llm-garbled",
        f"What {endpoint.host} answered is no answer of a language model.",
        "Check that the address is that of an interface like OpenAI's; mostly it ends in /v1.",
    )


def unusable(endpoint: Endpoint, why: str) -> ReelyError:
    return _error(
        "llm-answer-unusable",
        f"{endpoint.model} answered twice, but not with what it was asked for ({why}).",
        "Try again, or use a larger model.",
    )


def is_too_long(error: APIStatusError) -> bool:
    """Whether the endpoint refuses the length of the question."""
    return error.status_code == 413 or any(words in str(error.body).lower() for words in _TOO_LONG)


def of_status(error: APIStatusError, endpoint: Endpoint) -> ReelyError:
    """What an answer with such a status means."""
    host, model, status = endpoint.host, endpoint.model, error.status_code
    if status in {402, 429} and (status == 402 or error.code in _NO_CREDIT or error.type in _NO_CREDIT):
        return _error(
            "llm-no-credit", f"Your account at {host} has nothing left to spend.", "Top it up there."
        )
    if status == 429:
        return _busy(error, host)
    if is_too_long(error):
        return _error(
            "llm-too-long",
            f"{model} at {host} takes no questions of this length.",
            "Lower the context in the settings of the language model, or give the model more of it.",
        )
    code, message, hint = {
        3: (
            "llm-redirected",
            f"{host} sends to another address, which was not followed.",
            "Enter the address that it sends to, if you trust it.",
        ),
        5: ("llm-broken", f"{host} has trouble of its own ({status}).", "Try again later."),
        401: (
            "llm-key-refused",
            f"{host} does not accept the key.",
            "Enter it again, or make a new one there.",
        ),
        403: (
            "llm-forbidden",
            f"{host} does not let this key use {model}.",
            "See there what the key may do.",
        ),
        404: (
            "llm-model-unknown",
            f"{host} knows no model “{model}”, or has none at this address.",
            "Check the model's name and the address; mostly it ends in /v1.",
        ),
    }.get(
        status if 400 <= status < 500 else status // 100,
        (
            "llm-request-refused",
            f"{host} refused the question ({status}).",
            "Check the model's name; some models are not made for conversations.",
        ),
    )
    return _error(code, message, hint)


def _busy(error: APIStatusError, host: str) -> ReelyError:
    seconds = _retry_after(error)
    when = f"in {format_length(seconds)}" if seconds is not None else "in a minute"
    return _error("llm-busy", f"{host} gets too many requests from you just now.", f"Try again {when}.")


def _retry_after(error: APIStatusError) -> float | None:
    """Seconds that the endpoint asks to wait (RFC 9110, section 10.2.3)."""
    text = error.response.headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            return None
    return seconds if 0 < seconds < 7 * 24 * 3600 else None
