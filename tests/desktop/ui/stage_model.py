"""The language model as the window's tests need it: in memory, doing what a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable

from desktop.errors import ReelyError
from desktop.hooks.llm.endpoint import Endpoint
from desktop.hooks.llm.job import Tried
from desktop.hooks.llm.outgoing import Outgoing, outgoing_of
from desktop.hooks.models import FoundHooks, Reason, Usage, Wish
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.ui.model_ports import ModelSettings

GPT = Endpoint(url="https://api.openai.com/v1", model="gpt-6-luna", context=24_576)
IN_USE = ModelSettings(enabled=True, endpoint=GPT, key_kept=True)


class StageModel:
    """Implements `desktop.ui.model_ports.ModelPorts`. Failures are attributes; calls are written down."""

    model_settings_kept = ModelSettings()
    model_error: ReelyError | None = None
    agreed = False

    def __init__(self) -> None:
        super().__init__()
        self.calls_on_model: set[int] = set()
        self.model_keys: list[str] = []
        self.model_tries: list[tuple[Endpoint, str]] = []
        self.reranked: list[str | None] = []
        self.looking = threading.Event()
        """What would be sent is known once this is set."""
        self.looking.set()
        self.answered = threading.Event()
        """The model answers once this is set."""
        self.answered.set()
        self.asked = threading.Event()
        """Set once the model was asked."""

    def model_settings(self) -> ModelSettings:
        self._called()
        return self.model_settings_kept

    def use_model(self, enabled: bool, endpoint: Endpoint, key: str) -> ModelSettings:
        self._called()
        if self.model_error:
            raise self.model_error
        self.model_keys.append(key)
        kept = bool(key) or self.model_settings_kept.key_kept
        self.model_settings_kept = ModelSettings(enabled=enabled, endpoint=endpoint, key_kept=kept)
        return self.model_settings_kept

    def forget_model(self) -> ModelSettings:
        self._called()
        self.model_settings_kept = ModelSettings()
        return self.model_settings_kept

    def try_model(self, endpoint: Endpoint, key: str, token: CancelToken) -> Tried:
        self._called()
        self.model_tries.append((endpoint, key))
        if self.model_error:
            raise self.model_error
        return Tried(seconds=1.2, usable=True)

    def outgoing(self, found: FoundHooks, describe: str | None) -> Outgoing | None:
        self._called()
        self.looking.wait()
        endpoint = self.model_settings_kept.endpoint
        if endpoint is None or found.evidence is None:
            return None
        return outgoing_of(found.evidence, Wish(describe=describe), endpoint, agreed=self.agreed)

    def agree_to_send(self, endpoint: Endpoint) -> None:
        self._called()
        self.agreed = True

    def rerank(
        self,
        found: FoundHooks,
        describe: str | None,
        progress: Callable[[Progress], None],
        token: CancelToken,
    ) -> FoundHooks:
        self._called()
        self.reranked.append(describe)
        progress(Progress(stage="asking the language model", fraction=0.5))
        self.asked.set()
        with token.watching(self.answered.set):
            self.answered.wait()
        token.raise_if_cancelled()
        if self.model_error:
            raise self.model_error
        *others, last = found.hooks
        reason = Reason(signal="language model", weight=0.7, note="It ends on a real surprise.", by=GPT.model)
        best = last.model_copy(
            update={
                "title": "The plan nobody believed in",
                "title_by": GPT.model,
                "reasons": (reason, *last.reasons),
            }
        )
        usage = Usage(model=GPT.model, host=GPT.host, requests=2, sent=1000, answered=100, cost=0.00016)
        scores = [hook.score for hook in found.hooks]
        hooks = tuple(
            hook.model_copy(update={"score": score})
            for hook, score in zip((best, *others), scores, strict=True)
        )
        return found.model_copy(update={"hooks": hooks, "usage": usage})

    def _called(self) -> None:
        self.calls_on_model.add(threading.get_ident())
