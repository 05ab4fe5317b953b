"""The user's language model: which it is, its key, what it may be sent, and asking it in a child process."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from desktop.errors import Cancelled, Exit, ReelyError
from desktop.files import write_file
from desktop.hooks.llm import troubles
from desktop.hooks.llm.endpoint import (
    LOCAL_CONTEXT,
    PRESETS,
    Endpoint,
    base_url,
    endpoint_of,
)
from desktop.hooks.llm.job import Reranked, RerankJob, Tried, TryModelJob
from desktop.hooks.llm.outgoing import ModelChoice, Outgoing, outgoing_of
from desktop.hooks.llm.prices import cost_of, price_of
from desktop.hooks.models import FoundHooks, Wish
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Job, Progress, Report
from desktop.jobs.supervisor import Supervisor
from desktop.settings import Settings

if TYPE_CHECKING:
    from desktop.account import SecretStore

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer", bound=BaseModel)

_FILE = "language-model.json"
_LONGEST_KEY = 1000  # characters; a keyring may hold no more than about 1,280
_PATIENCE, _PATIENCE_HERE = 400.0, 1900.0
"""Seconds for a question, with one that is asked again; longer than the child itself waits for."""
_KEYS = {"https://api.openai.com": "OPENAI_API_KEY", "https://api.anthropic.com": "ANTHROPIC_API_KEY"}


class LanguageModel:
    """Methods block and may be called from any thread; none of them tells a key."""

    def __init__(self, settings: Settings, jobs: Supervisor) -> None:
        self._settings = settings
        self._jobs = jobs
        self._lock = threading.Lock()
        self._opened_secrets: SecretStore | None = None

    # What the user has chosen

    def choice(self) -> ModelChoice:
        """What was kept; nothing where there is no file, or one that cannot be read."""
        try:
            return ModelChoice.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return ModelChoice()
        except (OSError, ValidationError, ReelyError) as error:
            logger.warning("the choice of a language model cannot be read: %s", type(error).__name__)
            return ModelChoice()

    def keep(self, choice: ModelChoice) -> None:
        """Raises ReelyError of the group disk."""
        write_file(self._file, choice.model_dump_json(indent=2).encode() + b"\n")

    def agree(self, endpoint: Endpoint) -> None:
        """The user has seen what is sent to this address, and wants it to be."""
        choice = self.choice()
        if not choice.may_send(endpoint):
            self.keep(choice.model_copy(update={"agreed": (*choice.agreed, endpoint.url)}))

    def forget(self) -> None:
        """The choice, what was agreed to, and the key of the model that was chosen."""
        endpoint = self.choice().endpoint
        if endpoint is not None:
            self._secrets().delete(self._secret_name(endpoint))
        self._file.unlink(missing_ok=True)

    def endpoint(self, url: str | None = None, model: str | None = None) -> Endpoint | None:
        """What is asked: what is given here, else what the user has chosen, else what the environment names.

        `url` may also be the id of a preset. None where nothing names any.
        """
        if url is None and (chosen := self.choice().endpoint) is not None:
            return endpoint_of(chosen.url, model, chosen.context) if model else chosen
        if url is None and (url := _of_environment()) is None:
            return None
        preset = next((one for one in PRESETS if url in {one.id, one.url}), None)
        address = preset.url if preset else base_url(url)
        named = model or (preset or PRESETS[0]).model
        if preset is not None:
            return endpoint_of(address, named, preset.context)
        endpoint = endpoint_of(address, named)
        return endpoint_of(address, named, LOCAL_CONTEXT) if endpoint.local else endpoint

    # Keys

    def set_key(self, endpoint: Endpoint, key: str) -> None:
        """Keep the key in the keyring. Raises `llm-key-invalid`, or `keyring-silent`."""
        self._secrets().set(self._secret_name(endpoint), checked_key(key).get_secret_value())

    def has_key(self, endpoint: Endpoint) -> bool:
        return self._key(endpoint) is not None

    @property
    def keys_last(self) -> bool:
        """False once a key could only be kept in memory."""
        return self._secrets().lasting

    def _key(self, endpoint: Endpoint) -> SecretStr | None:
        """Of the environment, where it names this endpoint, else of the keyring."""
        origin = endpoint.url.removesuffix("/v1")
        variable = _KEYS.get(origin)
        if variable is None and endpoint.url == _custom_address():
            variable = "OPENAI_API_KEY"
        key = os.environ.get(variable, "") if variable else ""
        if not key.strip():
            key = self._secrets().get(self._secret_name(endpoint)) or ""
        return checked_key(key) if key.strip() else None

    def _key_needed(self, endpoint: Endpoint) -> SecretStr | None:
        key = self._key(endpoint)
        if key is None and not endpoint.local:
            raise troubles.key_missing(endpoint)
        return key

    # Asking

    def outgoing(self, found: FoundHooks, wish: Wish, endpoint: Endpoint) -> Outgoing | None:
        """What ranking these hooks would send; None where there is nothing to rank, or no words."""
        if found.evidence is None or not found.hooks:
            return None
        return outgoing_of(found.evidence, wish, endpoint, agreed=self.choice().may_send(endpoint))

    def rerank(
        self,
        found: FoundHooks,
        wish: Wish,
        endpoint: Endpoint,
        report: Report,
        token: CancelToken | None = None,
    ) -> FoundHooks:
        """The same hooks as a language model and Reely rank them together.

        Raises `llm-not-agreed` where the user has not agreed, what can go wrong with a model (codes that
        begin with `llm-`), and `Cancelled`; `found` is never lost by it.
        """
        sent = self.outgoing(found, wish, endpoint)
        if sent is None or found.evidence is None:
            return found
        if not sent.agreed:
            raise not_agreed(sent)
        job = RerankJob(
            wish=wish,
            evidence=found.evidence,
            endpoint=endpoint,
            key=self._key_needed(endpoint),
            offline=self._settings.offline,
        )
        answer = self._ask(job, Reranked, endpoint, len(sent.questions) + 1, report, token)
        price, usage = price_of(endpoint), answer.usage
        if price is not None and (usage.sent or endpoint.local):
            cost = cost_of(price, usage.sent, usage.answered)
            usage = usage.model_copy(update={"cost": cost})
        notes = (*found.notes, *answer.notes)
        return found.model_copy(update={"hooks": answer.hooks, "notes": notes, "usage": usage})

    def try_out(
        self, endpoint: Endpoint, key: str | None, report: Report, token: CancelToken | None = None
    ) -> Tried:
        """Whether the model answers; `key` is one that is not kept yet. Raises as `rerank`."""
        secret = checked_key(key) if key else self._key_needed(endpoint)
        job = TryModelJob(endpoint=endpoint, key=secret, offline=self._settings.offline)
        return self._ask(job, Tried, endpoint, 1, report, token)

    def _ask(  # noqa: PLR0917
        self,
        job: Job,
        answer: type[Answer],
        endpoint: Endpoint,
        questions: int,
        report: Report,
        token: CancelToken | None,
    ) -> Answer:
        """Do the job; a child that goes on longer than it should is ended."""
        limit = questions * (_PATIENCE_HERE if endpoint.local else _PATIENCE)
        token, own = token or CancelToken(), CancelToken()
        timer = threading.Timer(limit, own.cancel)
        timer.daemon = True
        with token.watching(own.cancel):
            timer.start()
            try:
                return self._jobs.run(job, answer, progress=_passing(report), token=own)
            except Cancelled:
                token.raise_if_cancelled()
                raise troubles.slow(endpoint, limit) from None
            finally:
                timer.cancel()
                timer.join()

    @property
    def _file(self) -> Path:
        return self._settings.home / _FILE

    def _secret_name(self, endpoint: Endpoint) -> str:
        from desktop.account.profile import Folder  # noqa: PLC0415 - who asks no model needs no keyring

        return f"{Folder(self._settings.home).installation()}:llm:{endpoint.url}"

    def _secrets(self) -> SecretStore:
        from desktop.account import SecretStore  # noqa: PLC0415
        from desktop.account.profile import Folder  # noqa: PLC0415

        with self._lock:
            if self._opened_secrets is None:
                folder = Folder(self._settings.home)
                self._opened_secrets = SecretStore(turns=folder.keyring_lock)
            return self._opened_secrets


def checked_key(key: str) -> SecretStr:
    """A key as it is sent. Raises ReelyError `llm-key-invalid`, which does not repeat it."""
    key = key.strip()
    if not key or len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise ReelyError(
            "llm-key-invalid",
            "That is no key: keys are one word of letters, digits and signs.",
            "Copy it once more from where it was made.",
            Exit.USAGE,
        )
    return SecretStr(key)


def not_agreed(outgoing: Outgoing) -> ReelyError:
    """Nothing is sent before somebody has seen what."""
    return ReelyError(
        "llm-not-agreed",
        f"Nothing was sent to {outgoing.endpoint.host}: you have not agreed to it yet.",
        f"{outgoing.in_words} Add --yes to send it, once and for all to this address.",
        Exit.USAGE,
    )


def no_endpoint() -> ReelyError:
    return ReelyError(
        "llm-not-chosen",
        "No language model was chosen.",
        "Name one with --llm-url and --llm-model, or choose it with `reely llm use` or in the window.",
        Exit.USAGE,
    )


def _of_environment() -> str | None:
    """The address that the environment names, by itself or by whose key there is."""
    if (custom := _custom_address()) is not None:
        return custom
    return next((f"{origin}/v1" for origin, name in _KEYS.items() if os.environ.get(name, "").strip()), None)


def _custom_address() -> str | None:
    text = os.environ.get("OPENAI_BASE_URL", "").strip()
    return base_url(text) if text else None


def _passing(report: Report) -> Callable[[Progress], None]:
    return lambda progress: report(progress.stage, progress.fraction)
