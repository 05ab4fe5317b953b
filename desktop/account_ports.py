"""The window's account ports, done by the account."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from desktop.account.models import AccountStatus, Meter, MeterStatus
from desktop.errors import Offer
from desktop.jobs.cancellation import CancelToken
from desktop.ui import ports as ui

if TYPE_CHECKING:
    from desktop.account import Account
    from desktop.workflow import Workflow


class WorkflowAccountPorts:
    """`desktop.ui.ports.AccountPorts`."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow

    @property
    def _account(self) -> Account:
        return self._workflow.account()

    def account_status(self) -> ui.AccountStatus:
        return _shown(self._account.status())

    def sign_in(self, email: str, password: str) -> ui.AccountStatus:
        return _shown(self._account.sign_in(email, password))

    def sign_up(self, email: str, password: str) -> ui.AccountStatus:
        return _shown(self._account.sign_up(email, password))

    def sign_out(self) -> ui.AccountStatus:
        return _shown(self._account.sign_out())

    def forgot_password(self, email: str) -> None:
        self._account.access.forgot_password(email)

    def confirm_email(self) -> None:
        self._account.access.resend_verification()

    def offers(self) -> list[Offer]:
        return self._account.billing.offers()

    def checkout(self, tier: str) -> str:
        return self._account.billing.checkout(tier)

    def await_tier(self, before: str, token: CancelToken) -> ui.AccountStatus | None:
        ended = threading.Event()
        with token.watching(ended.set):
            paid = self._account.billing.wait_for_another_tier(before, ended.wait)
        token.raise_if_cancelled()
        return self.account_status() if paid is not None else None

    def portal(self) -> str:
        return self._account.billing.portal()

    def devices(self) -> list[ui.Device]:
        return [ui.Device.model_validate(each.model_dump()) for each in self._account.access.devices()]

    def rename_device(self, id: str, name: str) -> None:
        self._account.access.rename_device(id, name)

    def remove_device(self, id: str) -> None:
        self._account.access.remove_device(id)

    def report_lost(self, id: str) -> None:
        self._account.access.report_lost(id)

    def sign_ins(self) -> list[ui.SignIn]:
        return [
            ui.SignIn(id=each.id, client=each.client, created_at=each.created_at, current=each.current)
            for each in self._account.access.sign_ins()
        ]

    def end_sign_in(self, id: str) -> None:
        self._account.access.end_sign_in(id)

    def hold_offline(self, units: int) -> ui.AccountStatus:
        return _shown(self._account.hold_offline(units))

    def return_offline(self) -> ui.AccountStatus:
        return _shown(self._account.return_offline())

    def delete_account(self, password: str) -> ui.AccountStatus:
        return _shown(self._account.delete(password))


def _shown(status: AccountStatus) -> ui.AccountStatus:
    return ui.AccountStatus(
        signed_in=status.signed_in,
        online=status.online,
        email=status.email,
        email_verified=status.email_verified,
        tier=status.tier,
        trims=_meter(status.meters.get(Meter.TRIM)),
        hook_runs=_meter(status.meters.get(Meter.HOOK_RUN)),
        renews_at=status.renews_at,
        payment=status.payment,
        notice=" ".join(status.notices) or None,
    )


def _meter(numbers: MeterStatus | None) -> ui.Meter:
    if numbers is None:
        return ui.Meter()
    return ui.Meter(
        limit=numbers.limit,
        available=numbers.available,
        on_device=numbers.on_device,
        unreported=numbers.unreported,
    )
