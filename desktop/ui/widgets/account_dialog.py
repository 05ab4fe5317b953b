"""The account at a glance: meters, what is here for the time without a network, computers, sign-ins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import QDate, QLocale, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QInputDialog,
    QLineEdit,
    QMenu,
    QProgressBar,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.models.account import Account
from desktop.ui.models.household import Household
from desktop.ui.ports import Device, Meter, SignIn
from desktop.ui.widgets.controls import ElidedLabel, button, empty, label, rule, tool_button
from desktop.ui.widgets.dialogs import ask
from desktop.ui.words import meter_words, on_device_words, renewal_text

_WIDTH = 640
_TALLEST = 600


class AccountDialog(QDialog):
    """Shows a `Household`, and lets its owner mind it."""

    upgrade_requested = Signal()
    portal_requested = Signal()

    def __init__(self, account: Account, household: Household, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._account = account
        self._household = household
        self.setModal(True)
        self.setWindowTitle(self.tr("Your account"))
        self._email = label("", "title")
        self._tier = label("", "muted")
        self._payment = label("", wrap=True)
        self._notice = label("", "muted", wrap=True)
        self.upgrade = button(self.tr("Upgrade…"), "primary")
        self.upgrade.clicked.connect(self.upgrade_requested)
        self.manage = button(self.tr("Manage subscription"))
        self.manage.clicked.connect(self.portal_requested)
        self.confirm = button(self.tr("Send it again"), "link")
        self.confirm.clicked.connect(household.confirm_email)
        self._meters = QGridLayout()
        self._meters.setHorizontalSpacing(14)
        self._meters.setVerticalSpacing(6)
        self.units = QSpinBox()
        self.units.setRange(1, 100)
        self.units.setValue(5)
        self.units.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.units.setAccessibleName(self.tr("How many of each to hold"))
        self.hold = button(self.tr("Hold on this computer"))
        self.hold.clicked.connect(lambda: household.hold(self.units.value()))
        self.give_back = button(self.tr("Give back"), "quiet")
        self.give_back.clicked.connect(household.give_back)
        self.devices = QVBoxLayout()
        self.sign_ins = QVBoxLayout()
        for column in (self.devices, self.sign_ins):
            column.setSpacing(4)
        self._said = label("", "good", wrap=True)
        self._error = label("", "bad", wrap=True)
        self._busy = QProgressBar()
        self._busy.setRange(0, 0)
        self._busy.setTextVisible(False)
        self._busy.setAccessibleName(self.tr("Asking the license server"))
        self.delete = button(self.tr("Delete account…"), "quiet")
        self.delete.clicked.connect(self._delete)
        close = button(self.tr("Close"))
        close.clicked.connect(self.accept)
        self._build(close)
        account.changed.connect(self._show)
        household.changed.connect(self._show)
        self.finished.connect(lambda _result: household.leave())
        self._show()

    def _build(self, close: QWidget) -> None:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 12, 0)
        column.setSpacing(10)
        head = QHBoxLayout()
        head.addLayout(_lines(self._email, self._tier), 1)
        head.addWidget(self.manage)
        head.addWidget(self.upgrade)
        column.addLayout(head)
        column.addWidget(self._payment)
        notice = QHBoxLayout()
        notice.addWidget(self._notice, 1)
        notice.addWidget(self.confirm)
        column.addLayout(notice)
        column.addLayout(self._meters)
        offline = QHBoxLayout()
        offline.setSpacing(8)
        offline.addWidget(label(self.tr("For a time without a network:"), "muted"), 1)
        offline.addWidget(self.units)
        offline.addWidget(self.hold)
        offline.addWidget(self.give_back)
        column.addLayout(offline)
        column.addWidget(rule())
        column.addWidget(label(self.tr("Computers"), "heading"))
        column.addLayout(self.devices)
        column.addWidget(rule())
        column.addWidget(label(self.tr("Signed in"), "heading"))
        column.addLayout(self.sign_ins)
        column.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        for surface in (area.viewport(), body):
            surface.setAutoFillBackground(False)  # the dialog's own shows through
        bottom = QHBoxLayout()
        bottom.setContentsMargins(0, 0, 12, 0)
        bottom.addWidget(self.delete)
        bottom.addStretch()
        bottom.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 24, 16, 20)
        layout.setSpacing(12)
        layout.addWidget(area, 1)
        layout.addWidget(self._busy)
        layout.addWidget(self._said)
        layout.addWidget(self._error)
        layout.addLayout(bottom)
        self.resize(_WIDTH, _TALLEST)

    # --- showing ---

    def _show(self) -> None:
        status, household = self._account.status, self._household
        if not status.signed_in:
            self.reject()
            return
        self._email.setText(status.email or "")
        self._tier.setText(
            " · ".join(
                each
                for each in (
                    self.tr("{tier} tier").format(tier=(status.tier or "").capitalize()),
                    renewal_text(status),
                )
                if each
            )
        )
        self._payment.setText(status.payment or "")
        self._payment.setVisible(bool(status.payment))
        notice = status.notice or ""
        if not notice and not status.email_verified:
            notice = self.tr("Your address is not confirmed yet: follow the link in the mail.")
        self._notice.setText(notice)
        self._notice.setVisible(bool(notice))
        self.confirm.setVisible(not status.email_verified and not status.notice)
        self.upgrade.setVisible(status.tier != "premium")
        self.manage.setVisible(status.tier != "free" or bool(status.payment))
        self._show_meters(status.trims, status.hook_runs)
        self._fill(self.devices, [self._device_row(each) for each in household.devices])
        self._fill(self.sign_ins, [self._sign_in_row(each) for each in household.sign_ins])
        error = household.error or self._account.error
        self._error.setText(f"{error.message} {error.hint}" if error else "")
        self._error.setVisible(error is not None)
        self._said.setText(household.said)
        self._said.setVisible(bool(household.said))
        busy = household.busy or self._account.busy
        self._busy.setVisible(busy)
        for widget in (self.hold, self.give_back, self.confirm, self.delete):
            widget.setEnabled(not busy)

    def _show_meters(self, trims: Meter, hook_runs: Meter) -> None:
        empty(self._meters)
        for row, (name, meter) in enumerate(((self.tr("Trims"), trims), (self.tr("Hook runs"), hook_runs))):
            self._meters.addWidget(label(name, "heading"), row, 0)
            self._meters.addWidget(label(meter_words(meter)), row, 1)
            self._meters.addWidget(label(on_device_words(meter), "muted"), row, 2)
        self._meters.setColumnStretch(2, 1)

    @staticmethod
    def _fill(column: QVBoxLayout, rows: Sequence[QWidget]) -> None:
        empty(column)
        for row in rows:
            column.addWidget(row)

    def _device_row(self, device: Device) -> QWidget:
        facts = [device.platform]
        if device.current:
            facts.append(self.tr("this computer"))
        elif device.last_seen_at is not None:
            facts.append(self.tr("last seen {day}").format(day=_day(device.last_seen_at)))
        menu = QMenu(self)
        menu.addAction(self.tr("Rename…")).triggered.connect(lambda: self._rename(device))
        if not device.current:
            menu.addAction(self.tr("Remove")).triggered.connect(lambda: self._remove(device))
            menu.addAction(self.tr("This computer is lost…")).triggered.connect(lambda: self._lost(device))
        more = tool_button("more", self.tr("What to do with {name}").format(name=device.name))
        more.setMenu(menu)
        more.setPopupMode(more.ToolButtonPopupMode.InstantPopup)
        return _row(device.name, " · ".join(facts), more)

    def _sign_in_row(self, sign_in: SignIn) -> QWidget:
        facts = self.tr("since {day}").format(day=_day(sign_in.created_at))
        if sign_in.current:
            return _row(sign_in.client, f"{facts} · {self.tr('this one')}", None)
        end = button(self.tr("End"), "quiet")
        end.setAccessibleName(self.tr("End the sign-in of {app}").format(app=sign_in.client))
        end.clicked.connect(lambda: self._household.end(sign_in.id))
        return _row(sign_in.client, facts, end)

    # --- what the user does ---

    def _rename(self, device: Device) -> None:
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Rename"))
        dialog.setLabelText(self.tr("What is it called?"))
        dialog.setTextValue(device.name)
        dialog.textValueSelected.connect(
            lambda name: self._household.rename(device.id, name.strip()) if name.strip() else None
        )
        dialog.open()

    def _remove(self, device: Device) -> None:
        ask(
            self,
            self.tr("Remove {name}?").format(name=device.name),
            self.tr("What it holds comes back when the month renews. It can sign in again."),
            self.tr("Remove"),
            lambda: self._household.remove(device.id),
        )

    def _lost(self, device: Device) -> None:
        ask(
            self,
            self.tr("Is {name} lost?").format(name=device.name),
            self.tr("What it holds comes back to you at once. This is possible once in a while only."),
            self.tr("It is lost"),
            lambda: self._household.report_lost(device.id),
        )

    def _delete(self) -> None:
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Delete account"))
        dialog.setLabelText(
            self.tr(
                "This deletes your account and ends its subscription, for good. Your clips stay.\n\nPassword:"
            )
        )
        dialog.setTextEchoMode(QLineEdit.EchoMode.Password)
        dialog.setOkButtonText(self.tr("Delete for good"))
        dialog.textValueSelected.connect(self._account.delete)
        dialog.open()


def _row(name: str, facts: str, action: QWidget | None) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    title = ElidedLabel()
    title.setText(name or "–")
    layout.addLayout(_lines(title, label(facts, "small")), 1)
    if action is not None:
        layout.addWidget(action)
    return row


def _lines(*lines: QWidget) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(1)
    for line in lines:
        column.addWidget(line)
    return column


def _day(moment: datetime) -> str:
    day = moment.astimezone()
    return QLocale().toString(QDate(day.year, day.month, day.day), "d MMM yyyy")
