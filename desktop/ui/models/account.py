"""Who is signed in, and what the meter says."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from desktop.errors import ReelyError
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import SIGNED_OUT, AccountPorts, AccountStatus

_LANE = "account"


class Account(QObject):
    """The account's state. `signed_in` is emitted when a sign-in or sign-up has succeeded."""

    changed = Signal()
    signed_in = Signal()

    def __init__(self, ports: AccountPorts, runner: OperationRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ports = ports
        self._runner = runner
        self.status = SIGNED_OUT
        self.known = False
        """False until the first answer: nothing is claimed before."""
        self.busy = False
        self.error: ReelyError | None = None
        self.said = ""
        """What was done, in a sentence, where that cannot be seen."""

    def refresh(self) -> None:
        """Ask again, quietly: failures are not shown."""
        if not self.busy:
            self._runner.start(
                Task(
                    "account-status",
                    lambda _progress, _token: self._ports.account_status(),
                    on_success=self.take,
                    on_failure=lambda _error: self.take(self.status),
                )
            )

    def sign_in(self, email: str, password: str) -> None:
        self._change(lambda: self._ports.sign_in(email, password), signs_in=True)

    def sign_up(self, email: str, password: str) -> None:
        self._change(lambda: self._ports.sign_up(email, password), signs_in=True)

    def sign_out(self) -> None:
        self._change(self._ports.sign_out, signs_in=False)

    def delete(self, password: str) -> None:
        """Delete the account for good."""
        self._change(lambda: self._ports.delete_account(password), signs_in=False)

    def forgot_password(self, email: str) -> None:
        """Have a link for a new password sent; `said` tells when it is on its way."""
        self.busy, self.error, self.said = True, None, ""
        self.changed.emit()

        def done(_nothing: None) -> None:
            self.busy = False
            self.said = self.tr("If {email} has an account, a mail with a link is on its way.").format(
                email=email
            )
            self.changed.emit()

        self._runner.start(
            Task(
                _LANE,
                lambda _progress, _token: self._ports.forgot_password(email),
                on_success=done,
                on_failure=self._failed,
            )
        )

    def forget_error(self) -> None:
        if self.error is not None or self.said:
            self.error, self.said = None, ""
            self.changed.emit()

    def stop(self) -> None:
        """Wait no longer for a sign-in."""
        self._runner.abandon(_LANE)
        self.busy = False
        self.error, self.said = None, ""
        self.changed.emit()

    def _change(self, call: Callable[[], AccountStatus], *, signs_in: bool) -> None:
        self.busy, self.error, self.said = True, None, ""
        self._runner.abandon("account-status")
        self.changed.emit()

        def done(status: AccountStatus) -> None:
            self.busy = False
            self.take(status)
            if signs_in and status.signed_in:
                self.signed_in.emit()

        self._runner.start(
            Task(_LANE, lambda _progress, _token: call(), on_success=done, on_failure=self._failed)
        )

    def _failed(self, error: ReelyError) -> None:
        self.busy, self.error = False, error
        self.changed.emit()

    def take(self, status: AccountStatus) -> None:
        """Somebody has asked how things stand: this is the answer."""
        self.status = status
        self.known = True
        self.changed.emit()
