"""The dialogs: signing in (or up), the overview of the keys, and short messages."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from desktop.ui import theme
from desktop.ui.keys import GROUPS, Group, shown_keys, translated
from desktop.ui.models.account import Account
from desktop.ui.widgets.controls import button, label

_LONGEST_PASSWORD = 256


def message(parent: QWidget, title: str, text: str, more: str = "") -> QMessageBox:
    """A box with a sentence, to be given buttons and opened; plain text, as file names are part of it."""
    box = QMessageBox(parent)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(text)
    box.setInformativeText(more)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return box


def ask(parent: QWidget, question: str, more: str, yes: str, then: Callable[[], None]) -> QMessageBox:
    """Ask before something that cannot be undone; `then` is done if the button `yes` is chosen."""
    box = message(parent, question, question, more)
    go = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.buttonClicked.connect(lambda chosen: then() if chosen is go else None)
    box.open()
    return box


class SignInDialog(QDialog):
    """Asks for e-mail and password. The password is given to the account and kept nowhere."""

    def __init__(self, account: Account, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._account = account
        self._new = False
        self.setModal(True)
        self.setFixedWidth(380)
        self._title = label("", "title")
        self._intro = label("", "muted", wrap=True)
        self.email = QLineEdit()
        self.email.setMaxLength(254)  # RFC 5321, 4.5.3.1.3
        self.email.setPlaceholderText(self.tr("you@example.com"))
        self.email.setAccessibleName(self.tr("E-mail"))
        self.password = QLineEdit()
        self.password.setMaxLength(_LONGEST_PASSWORD)
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.password.setAccessibleName(self.tr("Password"))
        reveal = self.password.addAction(
            theme.icon("eye", "muted", 18), QLineEdit.ActionPosition.TrailingPosition
        )
        reveal.setToolTip(self.tr("Show the password"))
        reveal.triggered.connect(self._toggle_password)
        self._error = label("", "bad", wrap=True)
        self.go = button("", "primary")
        self.go.setMinimumHeight(40)
        self.go.clicked.connect(self._submit)
        self.forgot = button(self.tr("I forgot my password"), "link")
        self.forgot.clicked.connect(self._forgot)
        self._said = label("", "good", wrap=True)
        self.switch = button("", "link")
        self.switch.clicked.connect(self._switch)
        for field in (self.email, self.password):
            field.returnPressed.connect(self._submit)
            field.textEdited.connect(lambda _text: account.forget_error())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 24, 28, 20)
        layout.setSpacing(8)
        layout.addWidget(self._title)
        layout.addWidget(self._intro)
        layout.addSpacing(10)
        layout.addWidget(label(self.tr("E-mail"), "heading"))
        layout.addWidget(self.email)
        layout.addSpacing(4)
        layout.addWidget(label(self.tr("Password"), "heading"))
        layout.addWidget(self.password)
        layout.addWidget(self._error)
        layout.addWidget(self._said)
        layout.addSpacing(8)
        layout.addWidget(self.go)
        layout.addWidget(self.forgot, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self.switch, 0, Qt.AlignmentFlag.AlignHCenter)
        account.changed.connect(self._show)
        account.signed_in.connect(self.accept)
        self.finished.connect(self._left)
        self._show()

    def _switch(self) -> None:
        self._new = not self._new
        self._account.forget_error()
        self._show()
        self.email.setFocus()

    def _toggle_password(self) -> None:
        hidden = self.password.echoMode() == QLineEdit.EchoMode.Password
        self.password.setEchoMode(QLineEdit.EchoMode.Normal if hidden else QLineEdit.EchoMode.Password)

    def _submit(self) -> None:
        if self._account.busy:
            return
        email, password = self.email.text().strip(), self.password.text()
        if not email:
            self.email.setFocus()
        elif not password:
            self.password.setFocus()
        elif self._new:
            self._account.sign_up(email, password)
        else:
            self._account.sign_in(email, password)

    def _forgot(self) -> None:
        email = self.email.text().strip()
        if email:
            self._account.forgot_password(email)
        else:
            self.email.setFocus()

    def _left(self, result: int) -> None:
        self.password.clear()
        if result != QDialog.DialogCode.Accepted:
            self._account.stop()

    def _show(self) -> None:
        busy, error = self._account.busy, self._account.error
        title = self.tr("Create an account") if self._new else self.tr("Sign in to Reely")
        self.setWindowTitle(title)
        self._title.setText(title)
        self._intro.setText(
            self.tr("Free: 5 clips a month from videos of up to 5 minutes.")
            if self._new
            else self.tr("Your videos stay on this computer; the account only counts clips.")
        )
        self._error.setText(f"{error.message} {error.hint}" if error else "")
        self._error.setVisible(error is not None)
        self._said.setText(self._account.said)
        self._said.setVisible(bool(self._account.said))
        self.forgot.setVisible(not self._new)
        if busy:
            self.go.setText(self.tr("One moment…"))
        else:
            self.go.setText(self.tr("Create account") if self._new else self.tr("Sign in"))
        self.switch.setText(
            self.tr("I have an account already") if self._new else self.tr("New here? Create an account")
        )
        for widget in (self.email, self.password, self.go, self.forgot, self.switch):
            widget.setEnabled(not busy)
        self.adjustSize()


class KeysDialog(QDialog):
    """All plain keys at a glance."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        close = button(self.tr("Close"))
        close.clicked.connect(self.accept)
        columns = QHBoxLayout()
        columns.setSpacing(36)
        for part in (GROUPS[:2], GROUPS[2:3], GROUPS[3:]):
            column = QVBoxLayout()
            column.setSpacing(18)
            for group in part:
                column.addLayout(self._group(group))
            column.addStretch()
            columns.addLayout(column)
        bottom = QHBoxLayout()
        bottom.addStretch()
        bottom.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 24, 28, 20)
        layout.setSpacing(18)
        layout.addLayout(columns)
        layout.addLayout(bottom)

    def _group(self, group: Group) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(7)
        grid.setColumnMinimumWidth(0, 88)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label(translated(group.title), "title"), 0, 0, 1, 2)
        for row, binding in enumerate(group.bindings, start=1):
            keys = label(shown_keys(binding), "key")
            grid.addWidget(keys, row, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(label(translated(binding.text), "muted"), row, 1)
        return grid
