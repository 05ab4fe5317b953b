"""The account as the window's tests need it: in memory, doing what a test says."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from desktop.errors import Offer, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.ui.ports import SIGNED_OUT, AccountStatus, Device, Meter, SignIn

SIGNED_IN = AccountStatus(
    signed_in=True,
    email="sam@example.com",
    tier="free",
    trims=Meter(available=4, limit=5, on_device=2),
    hook_runs=Meter(available=3, limit=3, on_device=1),
    renews_at=datetime(2026, 12, 3, 12, tzinfo=UTC),
)
PASSWORD = "correct horse"
PRO = Offer(
    "pro",
    "100 trims a month",
    "$9.99 a month",
    ("100 trims a month", "50 hook runs a month", "sources of up to 30 minutes", "3 devices"),
)
PREMIUM = Offer(
    "premium",
    "unlimited trims",
    "$29.99 a month",
    ("unlimited trims", "unlimited hook runs", "sources of up to 2 hours", "5 devices"),
)


class StageAccount:
    """Implements `desktop.ui.ports.AccountPorts`. Failures are attributes; changes are written down."""

    def __init__(self) -> None:
        super().__init__()
        self.status = SIGNED_OUT
        self.calls_on: set[int] = set()
        self.sign_in_error: ReelyError | None = None
        self.account_error: ReelyError | None = None
        """What everything answers but signing in and looking."""
        self.changes: list[tuple[str, ...]] = []
        """What was done, and to what."""
        self.paid = threading.Event()
        """Set by the test that plays the buyer."""
        self.laptop = Device(id="d1", name="Laptop", platform="Linux x86_64", current=True)
        self.desk = Device(
            id="d2",
            name="The desk's",
            platform="Windows AMD64",
            last_seen_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        )
        self.listed = [self.laptop, self.desk]
        self.entries = [
            SignIn(
                id="s1",
                client="Reely 0.1 (Linux)",
                created_at=datetime(2026, 11, 1, tzinfo=UTC),
                current=True,
            ),
            SignIn(id="s2", client="Reely 0.1 (Windows)", created_at=datetime(2026, 11, 2, tzinfo=UTC)),
        ]

    def account_status(self) -> AccountStatus:
        self._note()
        return self.status

    def sign_in(self, email: str, password: str) -> AccountStatus:
        self._note()
        if self.sign_in_error:
            raise self.sign_in_error
        assert password == PASSWORD
        self.status = SIGNED_IN.model_copy(update={"email": email})
        return self.status

    def sign_up(self, email: str, password: str) -> AccountStatus:
        return self.sign_in(email, password)

    def sign_out(self) -> AccountStatus:
        self._note()
        self.status = SIGNED_OUT
        return self.status

    def forgot_password(self, email: str) -> None:
        self._change("forgot-password", email)

    def confirm_email(self) -> None:
        self._change("confirm-email")

    def offers(self) -> list[Offer]:
        self._note()
        return [PRO, PREMIUM] if self.status.tier == "free" else [PREMIUM]

    def checkout(self, tier: str) -> str:
        self._change("checkout", tier)
        return f"https://checkout.example/{tier}"

    def await_tier(self, before: str, token: CancelToken) -> AccountStatus | None:
        self._note()
        assert before == self.status.tier
        with token.watching(self.paid.set):
            self.paid.wait()
        token.raise_if_cancelled()
        (_checkout, tier) = next(each for each in reversed(self.changes) if each[0] == "checkout")
        update = {"tier": tier, "trims": Meter(available=99, limit=100)}
        self.status = self.status.model_copy(update=update)
        return self.status

    def portal(self) -> str:
        self._change("portal")
        return "https://portal.example/"

    def devices(self) -> list[Device]:
        self._note()
        return list(self.listed)

    def rename_device(self, id: str, name: str) -> None:
        self._change("rename", id, name)
        self.listed = [
            each.model_copy(update={"name": name}) if each.id == id else each for each in self.listed
        ]

    def remove_device(self, id: str) -> None:
        self._change("remove", id)
        self.listed = [each for each in self.listed if each.id != id]

    def report_lost(self, id: str) -> None:
        self._change("lost", id)
        self.listed = [each for each in self.listed if each.id != id]

    def sign_ins(self) -> list[SignIn]:
        self._note()
        return list(self.entries)

    def end_sign_in(self, id: str) -> None:
        self._change("end", id)
        self.entries = [each for each in self.entries if each.id != id]

    def hold_offline(self, units: int) -> AccountStatus:
        self._change("hold", str(units))
        held = self.status.trims.model_copy(update={"on_device": min(units, 4)})
        self.status = self.status.model_copy(update={"trims": held})
        return self.status

    def return_offline(self) -> AccountStatus:
        self._change("give-back")
        empty = self.status.trims.model_copy(update={"on_device": 0})
        self.status = self.status.model_copy(update={"trims": empty})
        return self.status

    def delete_account(self, password: str) -> AccountStatus:
        self._change("delete")
        assert password == PASSWORD
        return self.sign_out()

    def _change(self, *what: str) -> None:
        self._note()
        if self.account_error:
            raise self.account_error
        self.changes.append(what)

    def _note(self) -> None:
        self.calls_on.add(threading.get_ident())
