"""Where a language model is asked: an address that is safe to send words to, a model's name, its prices."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from desktop.errors import Exit, ReelyError

_LONGEST_ADDRESS = 500
_LONGEST_NAME = 200
_CALL = "/chat/completions"
LEAST_CONTEXT = 2048
"""Tokens; with less there is no room for a minute of speech and an answer."""
_MOST_CONTEXT = 1_000_000
LOCAL_CONTEXT = 4096
"""Tokens that programs on one's own computer hold unless they were told otherwise."""
_HOUR = 24_576  # tokens; parts of about an hour, in which nothing is overlooked


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Frozen):
    """US dollars for a million tokens that are sent, and that are answered."""

    sent: float = Field(ge=0, le=10_000)
    answered: float = Field(ge=0, le=10_000)


class Endpoint(_Frozen):
    """A model at an address that speaks the chat completions of OpenAI.

    `context` is how many tokens a request and its answer may have; `price` is what the user knows of it.
    """

    url: str
    model: str = Field(min_length=1, max_length=_LONGEST_NAME)
    context: int = Field(default=16_384, ge=LEAST_CONTEXT, le=_MOST_CONTEXT)
    price: Price | None = None

    @field_validator("url")
    @classmethod
    def _checked(cls, url: str) -> str:
        return base_url(url)

    @field_validator("model")
    @classmethod
    def _named(cls, model: str) -> str:
        if model != model.strip() or not model.isprintable():
            raise ValueError("the name of a model has no space around it and no control characters")
        return model

    @property
    def host(self) -> str:
        """`api.openai.com`, `localhost:11434`: who is asked, as people read it."""
        return urlsplit(self.url).netloc

    @property
    def local(self) -> bool:
        """Whether what is sent stays on this computer."""
        return is_loopback(urlsplit(self.url).hostname or "")


@dataclass(frozen=True)
class Preset:
    """A place that many people ask; `model` is one to begin with."""

    id: str
    name: str
    url: str
    model: str
    context: int


PRESETS = (
    Preset("openai", "OpenAI", "https://api.openai.com/v1", "gpt-6-luna", _HOUR),
    Preset("anthropic", "Anthropic", "https://api.anthropic.com/v1", "claude-haiku-5-5", _HOUR),
    Preset("ollama", "Ollama", "http://localhost:11434/v1", "llama3.2", LOCAL_CONTEXT),
    Preset("llama-cpp", "llama.cpp", "http://localhost:8080/v1", "default", LOCAL_CONTEXT),
    Preset("lm-studio", "LM Studio", "http://localhost:1234/v1", "local-model", LOCAL_CONTEXT),
)


def endpoint_of(url: str, model: str, context: int | None = None) -> Endpoint:
    """An endpoint of what somebody typed. Raises ReelyError `llm-address-…` or `llm-setting-invalid`."""
    try:
        return Endpoint(url=url, model=model.strip(), **({} if context is None else {"context": context}))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ReelyError(
            "llm-setting-invalid",
            f"The setting “{'.'.join(map(str, fault['loc']))}” of the language model is not possible.",
            f"{fault['msg']}.",
            Exit.USAGE,
        ) from None


def base_url(text: str) -> str:
    """An address as it is asked, from what somebody typed or pasted.

    Raises ReelyError `llm-address-invalid`, or `llm-address-insecure` where it is neither https nor on this
    computer.
    """
    text = text.strip()
    parts = _split(text)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ReelyError(
            "llm-address-insecure",
            f"{parts.hostname} would be sent the words of your videos where others can read along.",
            "Use an address that begins with https://; http:// is for models on this computer only.",
            Exit.USAGE,
        )
    path = parts.path.rstrip("/")
    path = path.removesuffix(_CALL)
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _invalid() from error
    plain = text.isascii() and text.isprintable() and " " not in text and len(text) <= _LONGEST_ADDRESS
    if not plain or parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise _invalid()
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise _invalid()
    return parts


def _invalid() -> ReelyError:
    """Does not repeat the address: somebody may have pasted a key."""
    return ReelyError(
        "llm-address-invalid",
        "That is no address of a language model.",
        "It looks like https://api.openai.com/v1 or http://localhost:11434/v1, without a key in it.",
        Exit.USAGE,
    )


def is_loopback(host: str) -> bool:
    """Whether the host is this computer."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
