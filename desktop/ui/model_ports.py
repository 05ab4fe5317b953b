"""What the window needs for the user's language model; part of `desktop.ui.ports.Ports`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from desktop.hooks.llm.endpoint import Endpoint
from desktop.hooks.llm.job import Tried
from desktop.hooks.llm.outgoing import Outgoing
from desktop.hooks.models import FoundHooks
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress


class ModelSettings(BaseModel):
    """Which model is used, if any; `key_kept`: there is a key for it, which nobody is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = False
    endpoint: Endpoint | None = None
    key_kept: bool = False
    key_lasts: bool = True
    """False where this computer has no keyring: the key ends with the app."""


class ModelPorts(Protocol):
    """The language model. As all ports, these block, and raise `desktop.errors.ReelyError`."""

    def model_settings(self) -> ModelSettings: ...

    def use_model(self, enabled: bool, endpoint: Endpoint, key: str) -> ModelSettings:
        """Keep the choice, and the key if there is one."""

    def forget_model(self) -> ModelSettings:
        """Forget the choice, its key, and what was agreed to."""

    def try_model(self, endpoint: Endpoint, key: str, token: CancelToken) -> Tried:
        """Ask it for next to nothing; without `key`, with the one that is kept."""

    def outgoing(self, found: FoundHooks, describe: str | None) -> Outgoing | None:
        """What ranking these hooks would send; None where there is nothing to rank."""

    def agree_to_send(self, endpoint: Endpoint) -> None:
        """The user has seen what is sent to this address."""

    def rerank(
        self,
        found: FoundHooks,
        describe: str | None,
        progress: Callable[[Progress], None],
        token: CancelToken,
    ) -> FoundHooks:
        """The same hooks as the model and Reely rank them together."""
