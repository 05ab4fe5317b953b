"""The account in the window: what is refused leads to an upgrade and goes on; everything can be minded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QInputDialog, QLabel, QMenu, QMessageBox, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from desktop.errors import Exit, ReelyError, TierRefusal
from desktop.ui.models.session import State
from desktop.ui.models.upgrade import Step
from desktop.ui.reveal import open_page
from desktop.ui.widgets.account_dialog import AccountDialog
from desktop.ui.widgets.dialogs import SignInDialog
from desktop.ui.widgets.upgrade_dialog import UpgradeDialog
from desktop.ui.window import MainWindow
from desktop.ui.words import Remedy
from tests.desktop.ui.stage import StagePorts
from tests.desktop.ui.stage_account import PASSWORD, PREMIUM, PRO, SIGNED_IN

REFUSAL = TierRefusal(
    "quota-exhausted", "All 5 trims of this month are used.", "Upgrade to Pro, or wait.", [PRO, PREMIUM]
)
SOME_TROUBLE = ReelyError("server-unreachable", "The server is not there.", "Try later.", Exit.NETWORK)

DialogT = TypeVar("DialogT", bound=QDialog)


class Browser:
    """Where pages would open."""

    def __init__(self) -> None:
        self.pages: list[str] = []

    def open(self, url: QUrl) -> bool:
        self.pages.append(url.toString())
        return True


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    browser = Browser()
    monkeypatch.setattr(QDesktopServices, "openUrl", browser.open)
    return browser


@pytest.fixture
def inside(window: MainWindow, qtbot: QtBot, ports: StagePorts) -> Iterator[MainWindow]:
    """The window with somebody of the free tier signed in."""
    ports.status = SIGNED_IN
    window.account.refresh()
    qtbot.waitUntil(lambda: window.account.status.signed_in)
    yield window
    ports.paid.set()


def dialog_of(window: MainWindow, kind: type[DialogT]) -> DialogT:
    return next(each for each in window.findChildren(kind) if each.isVisible())


def click(button: QPushButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def words(dialog: QDialog) -> str:
    return "\n".join(each.text() for each in dialog.findChildren(QLabel) if each.isVisible())


def refused(window: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    """A clip is refused by the tier."""
    ports.trim_error = REFUSAL
    window.open("https://youtu.be/abc")
    qtbot.waitUntil(lambda: window.session.state is State.READY, timeout=10_000)
    qtbot.waitUntil(lambda: not window.export.naming)
    window.start_export()
    qtbot.waitUntil(lambda: window.session.state is State.FAILED)


def test_what_a_tier_forbids_is_offered_paid_for_and_gone_on_with(
    inside: MainWindow, qtbot: QtBot, ports: StagePorts, browser: Browser
) -> None:
    refused(inside, qtbot, ports)
    dialog = dialog_of(inside, UpgradeDialog)  # it opened by itself
    shown = words(dialog)
    assert "All 5 trims of this month are used." in shown
    assert all(each in shown for each in ("$9.99 a month", "50 hook runs a month", "$29.99 a month"))
    click(dialog.buttons["pro"])
    qtbot.waitUntil(lambda: browser.pages == ["https://checkout.example/pro"])
    assert "Finish the payment in your browser" in words(dialog)
    click(dialog.again)
    assert browser.pages == ["https://checkout.example/pro"] * 2
    ports.trim_error = None
    ports.paid.set()
    qtbot.waitUntil(lambda: inside.session.state is State.DONE)
    assert len(ports.trimmed) == 2, "the job that was refused"
    assert inside.account_corner._meter.text() == "99 of 100 trims left"
    qtbot.waitUntil(lambda: not inside.findChildren(UpgradeDialog))


def test_not_now_leads_back_to_the_refusal_and_a_later_upgrade_repeats_nothing(
    inside: MainWindow, qtbot: QtBot, ports: StagePorts, browser: Browser
) -> None:
    refused(inside, qtbot, ports)
    click(dialog_of(inside, UpgradeDialog).not_now)
    assert inside.session.state is State.FAILED
    qtbot.waitUntil(lambda: not inside.findChildren(UpgradeDialog))
    assert inside.editor.error.remedy_button.text() == "See what would help"
    click(inside.editor.error.remedy_button)
    click(dialog_of(inside, UpgradeDialog).not_now)
    qtbot.waitUntil(lambda: not inside.findChildren(UpgradeDialog))
    inside.accounts.show_offers()
    dialog = dialog_of(inside, UpgradeDialog)
    qtbot.waitUntil(lambda: list(dialog.buttons) == ["pro", "premium"])
    click(dialog.buttons["premium"])
    qtbot.waitUntil(lambda: inside.accounts.upgrade.step is Step.WAITING)
    ports.paid.set()
    qtbot.waitUntil(lambda: inside.account.status.tier == "premium")
    assert len(ports.trimmed) == 1


def test_whoever_stops_waiting_can_go_on_working(
    inside: MainWindow, qtbot: QtBot, ports: StagePorts, browser: Browser
) -> None:
    inside.accounts.show_offers()
    dialog = dialog_of(inside, UpgradeDialog)
    qtbot.waitUntil(lambda: bool(dialog.buttons))
    click(dialog.buttons["pro"])
    qtbot.waitUntil(lambda: bool(browser.pages))
    click(dialog.cancel)
    qtbot.waitUntil(lambda: not inside.findChildren(UpgradeDialog))
    assert inside.accounts.upgrade.step is Step.CHOOSING
    inside.open("https://youtu.be/abc")
    qtbot.waitUntil(lambda: inside.session.state is State.READY, timeout=10_000)


def test_a_shop_that_is_closed_says_so_and_can_be_tried_again(
    inside: MainWindow, qtbot: QtBot, ports: StagePorts, browser: Browser
) -> None:
    ports.account_error = SOME_TROUBLE
    inside.accounts.show_offers()
    dialog = dialog_of(inside, UpgradeDialog)
    qtbot.waitUntil(lambda: bool(dialog.buttons))
    click(dialog.buttons["pro"])
    qtbot.waitUntil(lambda: "The server is not there. Try later." in words(dialog))
    ports.account_error = None
    click(dialog.buttons["pro"])
    qtbot.waitUntil(lambda: bool(browser.pages))
    assert "The server is not there" not in words(dialog)


def test_a_refusal_without_an_offer_is_a_plain_failure(
    inside: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.trim_error = TierRefusal("quota-exhausted", "All used.", "Wait.")
    inside.open("https://youtu.be/abc")
    qtbot.waitUntil(lambda: inside.session.state is State.READY, timeout=10_000)
    qtbot.waitUntil(lambda: not inside.export.naming)
    inside.start_export()
    qtbot.waitUntil(lambda: inside.session.state is State.FAILED)
    assert inside.editor.error._remedy is Remedy.BACK


@pytest.mark.parametrize("address", ["file:///etc/passwd", "javascript:alert(1)", "reely://x", "", "/tmp/x"])
def test_only_pages_of_the_web_are_opened(browser: Browser, address: str) -> None:
    assert not open_page(address)
    assert browser.pages == []


@pytest.fixture
def account(inside: MainWindow, qtbot: QtBot) -> AccountDialog:
    """The dialog with everything about the account, its lists read."""
    menu = inside.account_corner.menu()
    next(a for a in menu.actions() if a.text() == "Your account…").trigger()
    menu.close()
    dialog = dialog_of(inside, AccountDialog)
    qtbot.waitUntil(lambda: bool(inside.accounts.household.devices))
    return dialog


def test_the_account_is_seen_at_a_glance(account: AccountDialog) -> None:
    shown = words(account)
    for each in (
        "sam@example.com",
        "Free tier · renews 3 Dec",
        "4 of 5 left",
        "2 on this computer",
        "Linux x86_64 · this computer",
        "Windows AMD64 · last seen 20 Nov 2026",
        "since 2 Nov 2026",
    ):
        assert each in shown, each


def _menu(account: AccountDialog, name: str) -> QMenu:
    buttons = [b for b in account.findChildren(QToolButton) if b.isVisible() and name in b.accessibleName()]
    assert len(buttons) == 1
    return buttons[0].menu()


def _choose(menu: QMenu, text: str) -> None:
    next(action for action in menu.actions() if action.text() == text).trigger()


def test_units_are_held_and_given_back(account: AccountDialog, qtbot: QtBot, ports: StagePorts) -> None:
    account.units.setValue(3)
    click(account.hold)
    qtbot.waitUntil(lambda: "3 on this computer" in words(account))
    click(account.give_back)
    qtbot.waitUntil(lambda: "0 on this computer" in words(account))
    assert ports.changes == [("hold", "3"), ("give-back",)]


def test_a_computer_is_renamed(account: AccountDialog, qtbot: QtBot, ports: StagePorts) -> None:
    _choose(_menu(account, "Laptop"), "Rename…")
    (asking,) = account.findChildren(QInputDialog)
    assert asking.textValue() == "Laptop"
    asking.setTextValue("  The blue one ")
    asking.accept()
    qtbot.waitUntil(lambda: "The blue one" in words(account))
    assert ports.changes == [("rename", "d1", "The blue one")]


@pytest.mark.parametrize(
    ("entry", "yes", "change"),
    [("Remove", "Remove", "remove"), ("This computer is lost…", "It is lost", "lost")],
)
def test_a_computer_leaves_the_list_after_a_question(
    account: AccountDialog, qtbot: QtBot, ports: StagePorts, entry: str, yes: str, change: str
) -> None:
    def question() -> QMessageBox:
        return next(each for each in account.findChildren(QMessageBox) if each.isVisible())

    _choose(_menu(account, "The desk's"), entry)
    question().button(QMessageBox.StandardButton.Cancel).click()
    qtbot.waitUntil(lambda: not account.findChildren(QMessageBox))
    assert ports.changes == []
    _choose(_menu(account, "The desk's"), entry)
    next(each for each in question().buttons() if each.text() == yes).click()
    qtbot.waitUntil(lambda: "Windows AMD64" not in words(account))
    assert ports.changes == [(change, "d2")]
    assert [action.text() for action in _menu(account, "Laptop").actions()] == ["Rename…"]


def test_another_sign_in_is_ended(account: AccountDialog, qtbot: QtBot, ports: StagePorts) -> None:
    (end,) = [each for each in account.findChildren(QPushButton) if each.text() == "End"]
    click(end)
    qtbot.waitUntil(lambda: "Reely 0.1 (Windows)" not in words(account))
    assert ports.changes == [("end", "s2")]


def test_trouble_is_told_and_the_lists_stay(account: AccountDialog, qtbot: QtBot, ports: StagePorts) -> None:
    ports.account_error = SOME_TROUBLE
    click(account.hold)
    qtbot.waitUntil(lambda: "The server is not there. Try later." in words(account))
    assert "Windows AMD64" in words(account)


def test_a_subscription_is_managed_in_the_browser_and_a_failed_payment_is_told(
    account: AccountDialog, inside: MainWindow, qtbot: QtBot, browser: Browser
) -> None:
    assert not account.manage.isVisible()
    told = "The last payment failed: Pro goes on until 1 December 2026."
    inside.account.take(SIGNED_IN.model_copy(update={"tier": "pro", "payment": told}))
    assert told in words(account)
    assert told in inside.account_corner.toolTip()
    click(account.manage)
    qtbot.waitUntil(lambda: browser.pages == ["https://portal.example/"])


def test_an_address_that_is_not_confirmed_is_reminded_of(
    account: AccountDialog, inside: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    assert not account.confirm.isVisible()
    ports.status = SIGNED_IN.model_copy(update={"email_verified": False})
    inside.account.take(ports.status)
    assert "Your address is not confirmed yet" in words(account)
    click(account.confirm)
    qtbot.waitUntil(lambda: "The mail is on its way" in words(account))
    assert ports.changes == [("confirm-email",)]


def test_deleting_the_account_takes_the_password_and_ends_in_being_signed_out(
    account: AccountDialog, inside: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    click(account.delete)
    (asking,) = account.findChildren(QInputDialog)
    asking.setTextValue(PASSWORD)
    asking.accept()
    qtbot.waitUntil(lambda: not inside.account.status.signed_in)
    qtbot.waitUntil(lambda: not inside.findChildren(AccountDialog))
    assert ports.changes == [("delete",)]


def test_a_forgotten_password_is_asked_for_by_mail(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    window.accounts.sign_in()
    dialog = dialog_of(window, SignInDialog)
    click(dialog.forgot)
    assert ports.changes == [], "whose?"
    dialog.email.setText("sam@example.com")
    click(dialog.forgot)
    qtbot.waitUntil(lambda: "If sam@example.com has an account, a mail" in words(dialog))
    assert ports.changes == [("forgot-password", "sam@example.com")]
    click(dialog.switch)
    assert not dialog.forgot.isVisible()


def test_no_call_is_made_on_the_windows_thread(
    account: AccountDialog, inside: MainWindow, qtbot: QtBot, ports: StagePorts, browser: Browser
) -> None:
    changes: list[Callable[[], object]] = [account.hold.click, account.give_back.click, account.manage.click]
    for change in changes:
        before = len(ports.changes)
        change()
        qtbot.waitUntil(lambda before=before: len(ports.changes) > before)  # type: ignore[misc]
        qtbot.waitUntil(lambda: not inside.accounts.household.busy)
    assert threading.get_ident() not in ports.calls_on
