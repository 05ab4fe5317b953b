"""Choosing a language model: what is typed, trying it, keeping it, and forgetting it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.errors import Exit, ReelyError
from desktop.hooks.llm.endpoint import Endpoint, Price, endpoint_of
from desktop.hooks.llm.job import Tried
from desktop.ui.model_ports import ModelPorts, ModelSettings
from desktop.ui.models.second_opinion import SecondOpinion
from desktop.ui.operations import OperationRunner, Task

_LANE = "model set-up"


@dataclass(frozen=True)
class Draft:
    """What stands in the fields; the key is empty unless a new one was typed."""

    enabled: bool
    url: str
    model: str
    context: int
    price_sent: str = ""
    price_answered: str = ""
    key: str = ""

    def endpoint(self) -> Endpoint:
        """Raises ReelyError where that is none."""
        endpoint = endpoint_of(self.url, self.model, self.context)
        return endpoint.model_copy(update={"price": self._price()})

    def _price(self) -> Price | None:
        texts = (self.price_sent.strip(), self.price_answered.strip())
        if not any(texts):
            return None
        try:
            sent, answered = (float(text.replace(",", ".").lstrip("$") or "0") for text in texts)
            return Price(sent=sent, answered=answered)
        except ValueError:
            raise ReelyError(
                "llm-setting-invalid",
                "That is no price.",
                "Write the dollars for a million tokens, such as 0.25, or leave it empty.",
                Exit.USAGE,
            ) from None


class ModelSetup(QObject):
    """Blocks nobody: keyring, disk and network are asked off the GUI thread. `kept` once a choice is."""

    changed = Signal()
    kept = Signal()

    def __init__(
        self,
        ports: ModelPorts,
        runner: OperationRunner,
        opinion: SecondOpinion,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self.opinion = opinion
        self.busy = False
        self.trying = False
        self.error: ReelyError | None = None
        self.said = ""

    def begin(self) -> None:
        """As if nothing had been said yet."""
        self._enter()

    def leave(self) -> None:
        """Wait for nothing any more."""
        if self.trying:
            self._runner.abandon(_LANE)
        self._enter()

    def keep(self, draft: Draft) -> None:
        """Keep what is typed; an address is needed to ask a model, not to ask none."""
        self._do(
            draft,
            lambda endpoint: Task(
                _LANE,
                lambda _progress, _token: self._ports.use_model(draft.enabled, endpoint, draft.key),
                on_success=self._was_kept,
                on_failure=self._failed,
            ),
        )

    def forget(self) -> None:
        """Forget the model, its key and what was agreed to."""
        self._enter(busy=True)
        self._runner.start(
            Task(
                _LANE,
                lambda _progress, _token: self._ports.forget_model(),
                on_success=self._was_kept,
                on_failure=self._failed,
            )
        )

    def try_out(self, draft: Draft) -> None:
        """See whether the model that is typed answers."""

        def tried(answer: Tried) -> None:
            self._enter()
            self.said = answer.in_words(draft.model.strip())
            self.changed.emit()

        self._do(
            draft,
            lambda endpoint: Task(
                _LANE,
                lambda _progress, token: self._ports.try_model(endpoint, draft.key, token),
                on_success=tried,
                on_failure=self._failed,
            ),
            trying=True,
        )

    def _do(self, draft: Draft, task: Callable[[Endpoint], Task[Any]], *, trying: bool = False) -> None:
        if self.busy:
            return
        try:
            endpoint = draft.endpoint()
        except ReelyError as error:
            self._failed(error)
            return
        self._enter(busy=True, trying=trying)
        self._runner.start(task(endpoint))

    def _was_kept(self, settings: ModelSettings) -> None:
        self._enter()
        self.opinion.take(settings)
        self.kept.emit()

    def _failed(self, error: ReelyError) -> None:
        self._enter()
        self.error = error
        self.changed.emit()

    def _enter(self, *, busy: bool = False, trying: bool = False) -> None:
        self.busy, self.trying = busy, trying
        self.error, self.said = None, ""
        self.changed.emit()
