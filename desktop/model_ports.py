"""The window's ports for the language model, done by the workflow."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from desktop.errors import Exit, ReelyError
from desktop.hooks.llm.endpoint import Endpoint
from desktop.hooks.llm.job import Tried
from desktop.hooks.llm.outgoing import ModelChoice, Outgoing
from desktop.hooks.models import FoundHooks, Wish
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.progress import ProgressWriter
from desktop.ui.model_ports import ModelSettings
from desktop.ui.ports import OnProgress

if TYPE_CHECKING:
    from desktop.language_model import LanguageModel
    from desktop.workflow import Workflow


logger = logging.getLogger(__name__)


class WorkflowModelPorts:
    """`desktop.ui.model_ports.ModelPorts`."""

    _workflow: Workflow

    @property
    def _model(self) -> LanguageModel:
        return self._workflow.language_model

    def model_settings(self) -> ModelSettings:
        return self._shown(self._model.choice())

    def use_model(self, enabled: bool, endpoint: Endpoint, key: str) -> ModelSettings:
        if key.strip():
            self._model.set_key(endpoint, key)
        choice = self._model.choice().model_copy(update={"enabled": enabled, "endpoint": endpoint})
        self._model.keep(choice)
        return self._shown(choice)

    def forget_model(self) -> ModelSettings:
        self._model.forget()
        return ModelSettings()

    def try_model(self, endpoint: Endpoint, key: str, token: CancelToken) -> Tried:
        return self._model.try_out(endpoint, key, ProgressWriter(lambda _progress: None), token)

    def outgoing(self, found: FoundHooks, describe: str | None) -> Outgoing | None:
        return self._model.outgoing(found, Wish(describe=describe), self._endpoint())

    def agree_to_send(self, endpoint: Endpoint) -> None:
        self._model.agree(endpoint)

    def rerank(
        self, found: FoundHooks, describe: str | None, progress: OnProgress, token: CancelToken
    ) -> FoundHooks:
        report = ProgressWriter(progress)
        return self._model.rerank(found, Wish(describe=describe), self._endpoint(), report, token)

    def _endpoint(self) -> Endpoint:
        endpoint = self._model.choice().endpoint
        if endpoint is None:
            raise ReelyError(
                "llm-not-chosen",
                "No language model is chosen.",
                "Choose one under “Language model…”.",
                Exit.USAGE,
            )
        return endpoint

    def _shown(self, choice: ModelChoice) -> ModelSettings:
        endpoint = choice.endpoint
        if endpoint is None:
            return ModelSettings()
        try:
            kept = self._model.has_key(endpoint)
        except ReelyError as error:  # whoever asks the model is told
            logger.warning("the key of the language model cannot be read: %s", error.code)
            kept = False
        return ModelSettings(
            enabled=choice.enabled,
            endpoint=endpoint,
            key_kept=kept,
            key_lasts=self._model.keys_last,
        )
