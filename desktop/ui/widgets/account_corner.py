"""The account in the corner: a quiet meter, and a menu behind it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QPushButton, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.models.account import Account
from desktop.ui.widgets.controls import button, label
from desktop.ui.words import meter_text, meter_words, on_device_words, renewal_text


class AccountCorner(QWidget):
    """Shows the account; emits what the user wants: in, a higher tier, or to see everything about it."""

    sign_in_requested = Signal()
    upgrade_requested = Signal()
    account_requested = Signal()

    def __init__(self, account: Account, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._account = account
        self._meter = label("", "heading")
        self._renewal = label("", "small")
        self._bar = QProgressBar()
        self._bar.setProperty("role", "meter")
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Trims left this month"))
        self.sign_in_button = button(self.tr("Sign in"))
        self.sign_in_button.clicked.connect(self.sign_in_requested)
        self.menu_button = QPushButton()
        self.menu_button.setProperty("role", "quiet")
        self.menu_button.setFixedWidth(38)
        self.menu_button.setStyleSheet("padding: 0;")
        self.menu_button.setIcon(theme.icon("user"))
        self.menu_button.setIconSize(QSize(20, 20))
        self.menu_button.setAccessibleName(self.tr("Account"))
        self.menu_button.clicked.connect(self._open_menu)
        words = QVBoxLayout()
        words.setSpacing(5)
        words.setContentsMargins(0, 0, 0, 0)
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self._meter)
        line.addWidget(self._renewal)
        words.addStretch()
        words.addLayout(line)
        words.addWidget(self._bar)
        words.addStretch()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(words)
        layout.addWidget(self.menu_button)
        layout.addWidget(self.sign_in_button)
        account.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        status = self._account.status
        inside = self._account.known and status.signed_in
        self._meter.setVisible(inside)
        self._meter.setText(meter_text(status))
        renewal = renewal_text(status)
        self._renewal.setVisible(inside and bool(renewal))
        self._renewal.setText(f"· {renewal}")
        limit = status.trims.limit
        self._bar.setVisible(inside and limit is not None and limit > 0)
        if limit:
            self._bar.setRange(0, limit)
            self._bar.setValue(min(limit, status.trims.available or 0))
        self.menu_button.setVisible(inside)
        self.menu_button.setToolTip(" · ".join(t for t in (status.email, status.payment, status.notice) if t))
        self.sign_in_button.setVisible(self._account.known and not status.signed_in)
        self.setToolTip("\n".join(each for each in (self._use(), status.payment, status.notice) if each))

    def menu(self) -> QMenu:
        """What there is to know and do about the account."""
        status = self._account.status
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text in (status.email, self._tier_text(), status.payment, status.notice):
            if text:
                menu.addAction(text).setEnabled(False)
        menu.addSeparator()
        menu.addAction(self.tr("Your account…")).triggered.connect(self.account_requested)
        if status.tier != "premium":
            menu.addAction(self.tr("Upgrade…")).triggered.connect(self.upgrade_requested)
        menu.addSeparator()
        menu.addAction(self.tr("Sign out")).triggered.connect(self._account.sign_out)
        return menu

    def _use(self) -> str:
        """Both meters, for whoever rests on this corner."""
        status = self._account.status
        if not self._account.known or not status.signed_in:
            return ""
        named = ((self.tr("Trims"), status.trims), (self.tr("Hook runs"), status.hook_runs))
        return "\n".join(f"{name}: {meter_words(each)}, {on_device_words(each)}" for name, each in named)

    def _tier_text(self) -> str:
        tier = self._account.status.tier
        return self.tr("Tier: {name}").format(name=tier.capitalize()) if tier else ""

    def _open_menu(self) -> None:
        menu = self.menu()
        below = self.menu_button.mapToGlobal(self.menu_button.rect().bottomRight())
        below.setX(below.x() - menu.sizeHint().width())
        menu.popup(below)
