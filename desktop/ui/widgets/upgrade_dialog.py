"""What you tried, what each tier would give, its price, and one button; then the wait for the payment."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.errors import Offer
from desktop.ui.models.upgrade import Step, Upgrade
from desktop.ui.ports import AccountStatus
from desktop.ui.reveal import open_page
from desktop.ui.widgets.controls import button, empty, label

_CARD_WIDTH = 232


class UpgradeDialog(QDialog):
    """Shows an `Upgrade`; accepted when the tier has changed."""

    def __init__(self, upgrade: Upgrade, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._upgrade = upgrade
        self._shown: tuple[Offer, ...] | None = None
        self.setModal(True)
        self.setWindowTitle(self.tr("Upgrade Reely"))
        self._intro = label("", wrap=True)
        self._error = label("", "bad", wrap=True)
        self._cards = QHBoxLayout()
        self._cards.setSpacing(14)
        self.buttons: dict[str, QPushButton] = {}
        """For each tier the button that buys it."""
        self.not_now = button(self.tr("Not now"), "quiet")
        self.not_now.clicked.connect(self.reject)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._choosing())
        self._pages.addWidget(self._waiting())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 24, 28, 20)
        layout.setSpacing(10)
        layout.addWidget(label(self.tr("Upgrade Reely"), "title"))
        layout.addWidget(self._pages)
        upgrade.changed.connect(self._show)
        upgrade.upgraded.connect(self._paid)
        self.finished.connect(lambda _result: upgrade.stop())
        self._show()

    def _choosing(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(14)
        layout.addWidget(self._intro)
        layout.addLayout(self._cards)
        layout.addWidget(self._error)
        bottom = QHBoxLayout()
        bottom.addWidget(
            label(self.tr("Paid for in your browser. Cancel any month, it stays until its end."), "small"), 1
        )
        bottom.addWidget(self.not_now)
        layout.addLayout(bottom)
        return page

    def _waiting(self) -> QWidget:
        page = QWidget()
        self._waiting_for = label("", wrap=True)
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setTextVisible(False)
        bar.setAccessibleName(self.tr("Waiting for the payment"))
        self.again = button(self.tr("Open the page again"))
        self.again.clicked.connect(lambda: open_page(self._upgrade.page))
        self.cancel = button(self.tr("Stop waiting"), "quiet")
        self.cancel.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self.cancel)
        row.addWidget(self.again)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(14)
        layout.addWidget(self._waiting_for)
        layout.addWidget(bar)
        layout.addStretch()
        layout.addLayout(row)
        return page

    def _paid(self, _status: AccountStatus) -> None:
        self.accept()

    def _show(self) -> None:
        upgrade = self._upgrade
        self._pages.setCurrentIndex(1 if upgrade.step is Step.WAITING else 0)
        self._waiting_for.setText(
            self.tr(
                "Finish the payment in your browser. Reely notices it by itself, "
                "and goes on with what you were doing."
            )
        )
        self._intro.setText(upgrade.refusal or self._intro_text())
        self._error.setText(f"{upgrade.error.message} {upgrade.error.hint}" if upgrade.error else "")
        self._error.setVisible(upgrade.error is not None)
        if upgrade.offers != self._shown:
            self._show_offers(upgrade.offers)
        for tier, each in self.buttons.items():
            each.setEnabled(upgrade.step is Step.CHOOSING)
            each.setText(
                self.tr("One moment…")
                if upgrade.step is Step.ASKING and tier == upgrade.tier
                else self.tr("Get {tier}").format(tier=tier.capitalize())
            )
        self.adjustSize()

    def _intro_text(self) -> str:
        if self._upgrade.step is Step.ASKING:
            return self.tr("Looking what is on offer…")
        if not self._upgrade.offers:
            return self.tr("There is no tier above yours.")
        return self.tr("More clips a month, from longer videos.")

    def _show_offers(self, offers: tuple[Offer, ...]) -> None:
        self._shown = offers
        empty(self._cards)
        self.buttons.clear()
        for number, offer in enumerate(offers):
            self._cards.addWidget(self._card(offer, recommended=number == 0))

    def _card(self, offer: Offer, *, recommended: bool) -> QFrame:
        card = QFrame()
        card.setObjectName("card")
        card.setFixedWidth(_CARD_WIDTH)
        buy = button("", "primary" if recommended else "")
        buy.clicked.connect(lambda: self._upgrade.choose(offer.tier))
        self.buttons[offer.tier] = buy
        layout = QVBoxLayout(card)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(6)
        layout.addWidget(label(offer.tier.capitalize(), "title"))
        layout.addWidget(label(offer.price, "heading"))
        layout.addSpacing(6)
        for perk in offer.perks or (offer.gives,):
            # What would have let you go on stands out.
            layout.addWidget(label(f"✓  {perk}", "good" if perk == offer.gives else "muted", wrap=True))
        layout.addStretch()
        layout.addSpacing(10)
        layout.addWidget(buy)
        card.setAccessibleName(offer.in_words)
        return card
