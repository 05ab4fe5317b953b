"""Moving to another tier: what is on offer, where it is paid for, and waiting for the payment."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from desktop.errors import Offer, ReelyError
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import AccountPorts, AccountStatus

_LANE = "upgrade"

T = TypeVar("T")


class Step(Enum):
    """How far the user is."""

    CHOOSING = auto()
    ASKING = auto()
    """The page is being asked for, or the offers are."""
    WAITING = auto()
    """The page is open in the browser; nothing is paid yet."""


class Upgrade(QObject):
    """One try to move to a higher tier. `page_ready` has the address to open, `upgraded` the new state."""

    changed = Signal()
    page_ready = Signal(str)
    upgraded = Signal(object)

    def __init__(self, ports: AccountPorts, runner: OperationRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self.step = Step.CHOOSING
        self.offers: tuple[Offer, ...] = ()
        self.refusal = ""
        """What was tried, in a sentence; empty where the user came by themselves."""
        self.page = ""
        self.tier = ""
        """What is being bought."""
        self.error: ReelyError | None = None
        self._before = "free"

    def begin(self, tier: str, offers: tuple[Offer, ...] = (), refusal: str = "") -> None:
        """Start with what is on offer to an account of `tier`; it is asked for where it is not known."""
        self.stop()
        self._before, self.offers, self.refusal = tier, offers, refusal
        if offers:
            self.changed.emit()
            return
        self._enter(Step.ASKING)
        self._start(lambda: tuple(self._ports.offers()), self._offered)

    def choose(self, tier: str) -> None:
        """Ask for the page where `tier` is paid for."""
        self.tier = tier
        self._enter(Step.ASKING)
        self._start(lambda: self._ports.checkout(tier), self._asked)

    def show_portal(self) -> None:
        """Ask for the page where the subscription is managed; it is opened like the others."""
        self._start(self._ports.portal, self.page_ready.emit)

    def stop(self) -> None:
        """Wait no longer. What is paid is noticed all the same, when the account is looked at next."""
        self._runner.abandon(_LANE)
        self.page = self.tier = ""
        self.error = None
        self._enter(Step.CHOOSING)

    def _offered(self, offers: tuple[Offer, ...]) -> None:
        self.offers = offers
        self._enter(Step.CHOOSING)

    def _asked(self, page: str) -> None:
        self.page = page
        self._enter(Step.WAITING)
        self.page_ready.emit(page)
        self._runner.start(
            Task(
                _LANE,
                lambda _progress, token: self._ports.await_tier(self._before, token),
                on_success=self._waited,
                on_failure=self._failed,
            )
        )

    def _waited(self, status: AccountStatus | None) -> None:
        self._enter(Step.CHOOSING)
        if status is not None:
            self.upgraded.emit(status)

    def _failed(self, error: ReelyError) -> None:
        self.error = error
        self._enter(Step.CHOOSING)

    def _start(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self.error = None
        self._runner.start(
            Task(_LANE, lambda _progress, _token: work(), on_success=done, on_failure=self._failed)
        )

    def _enter(self, step: Step) -> None:
        self.step = step
        self.changed.emit()
