"""Asking a language model over HTTP by the openai package: with limits, and telling no more than it must.

What goes out is the question and the key, to the address that the user gave and nowhere else: redirects are
not followed, a model on this computer is asked without a proxy, and of what the package would tell about this
computer nothing is told. What an endpoint writes into its errors is neither shown nor logged: some repeat the
key.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import httpx2
import openai
from openai.types.chat import ChatCompletion
from pydantic import SecretStr

from desktop.errors import ReelyError
from desktop.hooks.llm import troubles
from desktop.hooks.llm.answers import Form, UnusableError
from desktop.hooks.llm.endpoint import Endpoint
from desktop.hooks.llm.prompts import Message, most_answered
from desktop.hooks.models import Usage
from desktop.source.small import trusted

logger = logging.getLogger(__name__)

_CONNECT = 10.0  # seconds
_ANSWER = 180.0  # seconds for one answer, with what is tried again
_ANSWER_HERE = 900.0  # the same of a model on this computer, which may have to be loaded first
_LARGEST = 2_000_000  # bytes of an answer
_RETRIES = 2
_REFUSED = frozenset({400, 422})
_NO_JSON = (ValueError, TypeError, RecursionError)
"""What the package raises for an answer that is none."""
_TOLD = frozenset(
    {"host", "accept", "accept-encoding", "connection", "content-type", "content-length", "authorization"}
)
"""Headers that are sent."""


class _OverLimitError(httpx2.TransportError):
    """The answer takes too long or is too large."""


class ModelClient:
    """A language model at an endpoint; `desktop.hooks.llm.ranking.Model`. Not for several threads at once."""

    def __init__(
        self, endpoint: Endpoint, key: SecretStr | None, *, offline: bool = False, limit: float | None = None
    ) -> None:
        """`limit` is in seconds for one answer; `offline` leaves only models on this computer.

        Raises ReelyError `offline`.
        """
        if offline and not endpoint.local:
            raise troubles.offline(endpoint)
        self._endpoint = endpoint
        self._key = key
        self._limit = limit or (_ANSWER_HERE if endpoint.local else _ANSWER)
        self._until = 0.0
        self._without: set[str] = set()
        self._sent = self._answered = self._requests = 0
        http = httpx2.Client(
            verify=trusted(),
            trust_env=not endpoint.local,
            follow_redirects=False,
            timeout=httpx2.Timeout(self._limit, connect=_CONNECT),
            event_hooks={"request": [self._strip], "response": [self._watch]},
        )
        self._client = openai.OpenAI(
            base_url=endpoint.url,
            api_key=key.get_secret_value() if key else "none",
            max_retries=_RETRIES,
            http_client=http,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @property
    def name(self) -> str:
        return self._endpoint.model

    @property
    def context(self) -> int:
        return self._endpoint.context

    @property
    def usage(self) -> Usage:
        """What was asked so far, as the endpoint counts it; 0 tokens where it does not."""
        return Usage(
            model=self._endpoint.model,
            host=self._endpoint.host,
            requests=self._requests,
            sent=self._sent,
            answered=self._answered,
        )

    def answer(self, messages: Sequence[Message], form: Form) -> str:
        """What the model answers. Raises ReelyError with a code that begins with `llm-`.

        Endpoints differ in what they take: what one refuses is left out from then on.
        """
        self._until = time.monotonic() + self._limit
        while True:
            try:
                completion = self._ask(messages, form)
            except openai.APIStatusError as error:
                if error.status_code in _REFUSED and self._leave_out(error):
                    continue
                logger.info("a language model answered %d", error.status_code)
                raise troubles.of_status(error, self._endpoint) from None
            except (openai.OpenAIError, httpx2.HTTPError, *_NO_JSON) as error:
                raise self._trouble(error) from None
            return self._text(completion)

    def _ask(self, messages: Sequence[Message], form: Form) -> ChatCompletion:
        most = most_answered(self._endpoint.context)
        optional: dict[str, Any] = {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": form.name, "strict": True, "schema": form.schema},
            },
            "temperature": 0.0,
            "max_completion_tokens": most,
        }
        if "max_completion_tokens" in self._without:
            optional["max_tokens"] = most
        self._requests += 1
        return self._client.chat.completions.create(
            model=self._endpoint.model,
            messages=[{"role": one.role, "content": one.content} for one in messages],  # type: ignore[misc]
            **{name: value for name, value in optional.items() if name not in self._without},
        )

    def _leave_out(self, error: openai.APIStatusError) -> bool:
        """Whether there is something to leave out that the endpoint may have refused: what it names first."""
        left = [name for name in _OPTIONAL if name not in self._without]
        if not left or troubles.is_too_long(error):
            return False
        named = [name for name in left if any(word in str(error.body).lower() for word in _OPTIONAL[name])]
        self._without.add((named or left)[0])
        return True

    def _text(self, completion: ChatCompletion) -> str:
        """The words of an answer; whatever else may have come in its place is none."""
        usage = getattr(completion, "usage", None)
        self._sent += _count(getattr(usage, "prompt_tokens", 0))
        self._answered += _count(getattr(usage, "completion_tokens", 0))
        choices = getattr(completion, "choices", None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = getattr(choice, "message", None)
        if message is None:
            raise troubles.garbled(self._endpoint)
        content = getattr(message, "content", None)
        if isinstance(content, str) and content.strip():
            return content
        if getattr(choice, "finish_reason", None) == "length":
            raise UnusableError("it thought for so long that there was no room for an answer")
        return ""

    def _trouble(self, error: Exception) -> ReelyError:
        chain = list(_causes(error))
        logger.info("asking a language model failed: %s", ", ".join(type(one).__name__ for one in chain))
        if any(isinstance(one, _OverLimitError | httpx2.ReadTimeout | httpx2.WriteTimeout) for one in chain):
            return troubles.slow(self._endpoint, self._limit)
        if any(isinstance(one, ssl.SSLCertVerificationError) for one in chain):
            return troubles.untrusted(self._endpoint)
        if isinstance(error, openai.APIConnectionError):
            return troubles.unreachable(self._endpoint)
        return troubles.garbled(self._endpoint)

    # --- every request and response ---

    def _strip(self, request: httpx2.Request) -> None:
        if time.monotonic() > self._until:  # what is tried again counts, too
            raise _OverLimitError("over the limit")
        for name in set(request.headers) - _TOLD:
            del request.headers[name]
        request.headers["user-agent"] = "Reely"
        request.headers.pop("authorization", None)
        if self._key is not None:  # not what the environment would have the package send
            request.headers["authorization"] = f"Bearer {self._key.get_secret_value()}"

    def _watch(self, response: httpx2.Response) -> None:
        response.stream = _Limited(response.stream, self._until)


_OPTIONAL: dict[str, tuple[str, ...]] = {
    "response_format": ("response_format", "json_schema", "schema", "grammar", "structured"),
    "temperature": ("temperature",),
    "max_completion_tokens": ("max_completion_tokens", "max_tokens"),
}
"""What is asked for beside the words, by what an endpoint that refuses it would name."""


class _Limited(httpx2.SyncByteStream):
    """The bytes of an answer, as long as there are not too many and it is not too late."""

    def __init__(self, stream: Any, until: float) -> None:
        self._stream = stream
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._stream:
            size += len(part)
            if size > _LARGEST or time.monotonic() > self._until:
                raise _OverLimitError("over the limit")
            yield part

    def close(self) -> None:
        self._stream.close()


def _count(tokens: object) -> int:
    return tokens if isinstance(tokens, int) and 0 <= tokens < 10**9 else 0


def _causes(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__
