"""The account's dialogs over the window, and going on with what was refused once it is allowed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from desktop.errors import ReelyError, TierRefusal
from desktop.ui.models.account import Account
from desktop.ui.models.household import Household
from desktop.ui.models.upgrade import Upgrade
from desktop.ui.operations import OperationRunner
from desktop.ui.ports import AccountPorts, AccountStatus
from desktop.ui.reveal import open_page
from desktop.ui.widgets.account_dialog import AccountDialog
from desktop.ui.widgets.dialogs import SignInDialog
from desktop.ui.widgets.upgrade_dialog import UpgradeDialog

Then = Callable[[], object]


def may_upgrade(error: ReelyError | None) -> bool:
    """Whether a tier forbade it that a higher one would allow."""
    return isinstance(error, TierRefusal) and bool(error.offers)


class AccountDialogs(QObject):
    """Opens one dialog at a time over `window`; what was refused is gone on with by the caller's `then`."""

    def __init__(self, ports: AccountPorts, runner: OperationRunner, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._then: Then | None = None
        self.account = Account(ports, runner, self)
        self.upgrade = Upgrade(ports, runner, self)
        self.household = Household(ports, runner, self.account, self)
        self.account.signed_in.connect(self._go_on)
        self.upgrade.page_ready.connect(open_page)
        self.upgrade.upgraded.connect(self._upgraded)

    def sign_in(self, then: Then | None = None) -> None:
        """Ask for e-mail and password; `then` goes on with what was refused."""
        self._then = then
        dialog = SignInDialog(self.account, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.rejected.connect(self._given_up)
        dialog.open()

    def show_offers(self, refusal: ReelyError | None = None, then: Then | None = None) -> None:
        """What there is above the account's tier; after a refusal, what would have helped."""
        tier = self.account.status.tier or "free"
        self._then = then
        if isinstance(refusal, TierRefusal):
            self.upgrade.begin(tier, refusal.offers, refusal.message)
        else:
            self.upgrade.begin(tier)
        dialog = UpgradeDialog(self.upgrade, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.rejected.connect(self._given_up)
        dialog.open()

    def show_account(self) -> None:
        """Meters, computers and sign-ins."""
        dialog = AccountDialog(self.account, self.household, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.upgrade_requested.connect(self.show_offers)
        dialog.portal_requested.connect(self.upgrade.show_portal)
        self.household.load()
        dialog.open()

    def _upgraded(self, status: AccountStatus) -> None:
        self.account.take(status)
        self._go_on()

    def _go_on(self) -> None:
        then, self._then = self._then, None
        if then is not None:
            then()

    def _given_up(self) -> None:
        self._then = None
