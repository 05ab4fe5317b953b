"""A language model's opinion of the hooks that were found: agreed to, waited for, stopped, or failed."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import QObject, Signal

from desktop.errors import ReelyError
from desktop.hooks.llm.endpoint import Endpoint
from desktop.hooks.llm.outgoing import Outgoing
from desktop.hooks.models import FoundHooks
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.ui.model_ports import ModelPorts, ModelSettings
from desktop.ui.models.hooks import Hooks
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import OnProgress

_LANE = "second opinion"
_SETTINGS = "language model's settings"


class Asking(Enum):
    NOT = auto()
    """Nobody was asked; `declined` and `error` say why, if there is a reason."""
    LOOKING = auto()
    """What would be sent is being put together."""
    AGREEING = auto()
    """The user looks at it."""
    WAITING = auto()
    """The model works."""
    DONE = auto()


class SecondOpinion(QObject):
    """Asks the model after each search if that is wished. Reely's own hooks stay until the answer is there.

    `agreement_needed` is emitted with what would be sent, if the user has not agreed to it before.
    """

    changed = Signal()
    agreement_needed = Signal(object)

    def __init__(
        self, ports: ModelPorts, runner: OperationRunner, hooks: Hooks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self._hooks = hooks
        self._asked_of: FoundHooks | None = None
        self._wanted: str | None = None
        self.settings = ModelSettings()
        self.asking = Asking.NOT
        self.progress: Progress | None = None
        self.stopping = False
        self.declined = False
        self.error: ReelyError | None = None
        hooks.found.connect(self._hooks_found)
        hooks.changed.connect(self._hooks_changed)

    @property
    def model(self) -> str:
        """The name of the model that is used."""
        return self.settings.endpoint.model if self.settings.endpoint else ""

    def load(self) -> None:
        """Look up which model is used, if any."""
        self._runner.start(
            Task(_SETTINGS, lambda _progress, _token: self._ports.model_settings(), on_success=self.take)
        )

    def take(self, settings: ModelSettings) -> None:
        self.settings = settings
        self.changed.emit()

    def ask(self) -> None:
        """Have the hooks that are there ranked by the model; first the user sees what is sent."""
        found, wanted = self._hooks.answer, self._hooks.wanted
        if found is None or not found.hooks or found.evidence is None or self.settings.endpoint is None:
            return
        self._asked_of, self._wanted = found, wanted
        self._enter(Asking.LOOKING)
        self._runner.start(
            Task(
                _LANE,
                lambda _progress, _token: self._ports.outgoing(found, wanted),
                on_success=self._looked,
                on_failure=self._failed,
            )
        )

    def agree(self, outgoing: Outgoing) -> None:
        """Send it, now and from now on."""
        if self.asking is Asking.AGREEING and self._asked_of is not None:
            self._send(self._asked_of, outgoing.endpoint)

    def decline(self) -> None:
        """Send nothing; Reely's own ranking stays."""
        if self.asking is Asking.AGREEING:
            self._leave(declined=True)

    def stop(self) -> None:
        """Wait no longer; Reely's own ranking stays."""
        if self.asking in {Asking.LOOKING, Asking.WAITING} and not self.stopping:
            self.stopping = True
            self.changed.emit()
            self._runner.cancel(_LANE)

    def _looked(self, outgoing: Outgoing | None) -> None:
        found = self._asked_of
        if self.stopping:
            self._leave(declined=True)
        elif outgoing is None or found is None:
            self._enter(Asking.NOT)
        elif outgoing.agreed:
            self._send(found)
        else:
            self._enter(Asking.AGREEING)
            self.agreement_needed.emit(outgoing)

    def _send(self, found: FoundHooks, agreed_to: Endpoint | None = None) -> None:
        wanted = self._wanted

        def work(progress: OnProgress, token: CancelToken) -> FoundHooks:
            if agreed_to is not None:
                self._ports.agree_to_send(agreed_to)
            return self._ports.rerank(found, wanted, progress, token)

        self._enter(Asking.WAITING)
        self._runner.start(
            Task(
                _LANE,
                work,
                on_success=self._answered,
                on_failure=self._failed,
                on_progress=self._progressed,
            )
        )

    def _answered(self, found: FoundHooks) -> None:
        self._asked_of = found
        self._enter(Asking.DONE)
        self._hooks.improve(found)

    def _failed(self, error: ReelyError) -> None:
        if error.code == "cancelled":
            self._leave(declined=True)
        else:
            self._leave(error=error)

    def _progressed(self, progress: Progress) -> None:
        self.progress = progress
        self.changed.emit()

    def _hooks_found(self) -> None:
        if self.settings.enabled:
            self.ask()

    def _hooks_changed(self) -> None:
        """Another source, or another search: what was asked about the hooks before is of no interest."""
        if self._asked_of is not None and self._hooks.answer is not self._asked_of:
            self._asked_of = None
            self._runner.abandon(_LANE)
            self._enter(Asking.NOT)

    def _leave(self, *, declined: bool = False, error: ReelyError | None = None) -> None:
        """Ask nobody, for a reason."""
        self._enter(Asking.NOT)
        self.declined, self.error = declined, error
        self.changed.emit()

    def _enter(self, asking: Asking) -> None:
        self.asking = asking
        self.progress = self.error = None
        self.stopping = self.declined = False
        self.changed.emit()
