"""The account's computers and sign-ins, and what this one holds for the time without a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from desktop.errors import ReelyError
from desktop.ui.models.account import Account
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import AccountPorts, AccountStatus, Device, SignIn

_LANE = "household"


@dataclass(frozen=True)
class _Looked:
    devices: list[Device]
    sign_ins: list[SignIn]
    status: AccountStatus


class Household(QObject):
    """Loads the lists, and changes them; after each change they are read again."""

    changed = Signal()

    def __init__(
        self, ports: AccountPorts, runner: OperationRunner, account: Account, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self._account = account
        self.devices: list[Device] = []
        self.sign_ins: list[SignIn] = []
        self.busy = False
        self.error: ReelyError | None = None
        self.said = ""
        """What was done, in a sentence."""

    def load(self) -> None:
        """Read the lists."""
        self._do(lambda: None)

    def rename(self, device: str, name: str) -> None:
        self._do(lambda: self._ports.rename_device(device, name))

    def remove(self, device: str) -> None:
        self._do(lambda: self._ports.remove_device(device))

    def report_lost(self, device: str) -> None:
        self._do(lambda: self._ports.report_lost(device))

    def end(self, sign_in: str) -> None:
        self._do(lambda: self._ports.end_sign_in(sign_in))

    def hold(self, units: int) -> None:
        """Have so many units of each meter on this computer."""
        self._do(lambda: self._ports.hold_offline(units))

    def give_back(self) -> None:
        self._do(self._ports.return_offline)

    def confirm_email(self) -> None:
        self._do(self._ports.confirm_email, self.tr("The mail is on its way; follow the link in it."))

    def leave(self) -> None:
        """The lists are not looked at any more."""
        self._runner.abandon(_LANE)
        self.busy, self.error, self.said = False, None, ""

    def _do(self, change: Callable[[], object], said: str = "") -> None:
        if self.busy:
            return
        self.busy, self.error, self.said = True, None, ""
        self.changed.emit()

        def work() -> _Looked:
            change()
            return _Looked(self._ports.devices(), self._ports.sign_ins(), self._ports.account_status())

        def done(looked: _Looked) -> None:
            self.busy, self.said = False, said
            self.devices, self.sign_ins = looked.devices, looked.sign_ins
            self._account.take(looked.status)
            self.changed.emit()

        def failed(error: ReelyError) -> None:
            self.busy, self.error = False, error
            self.changed.emit()

        self._runner.start(Task(_LANE, lambda _progress, _token: work(), on_success=done, on_failure=failed))
