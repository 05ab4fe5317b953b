"""The commands under `reely account`: signing in and out, tiers, devices, and units for the time offline."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from desktop.command import console_for, json_option, open_workflow
from desktop.errors import Exit, ReelyError

if TYPE_CHECKING:
    from desktop.account import Account, AccountStatus
    from desktop.account.billing import Billing

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def account() -> None:
    """Your account: sign up, sign in, what is left this month, devices, tiers."""


# Signing in and out


_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, a line each."
)
_email = click.option("--email", metavar="E", required=True)


def _password(password_stdin: bool, *, confirm: bool = False, what: str = "Password") -> str:
    if password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if "REELY_PASSWORD" in os.environ:
        return os.environ["REELY_PASSWORD"]
    answer: str = click.prompt(what, hide_input=True, confirmation_prompt=confirm, err=True)
    return answer


@account.command("sign-up")
@_email
@_password_stdin
@json_option
def sign_up(email: str, password_stdin: bool, as_json: bool) -> None:
    """Make an account and sign in on this device."""
    password = _password(password_stdin, confirm=True)
    _tell(as_json, lambda account: account.sign_up(email, password))


@account.command("sign-in")
@_email
@_password_stdin
@json_option
def sign_in(email: str, password_stdin: bool, as_json: bool) -> None:
    """Sign in on this device."""
    password = _password(password_stdin)
    _tell(as_json, lambda account: account.sign_in(email, password))


@account.command("sign-out")
@json_option
def sign_out(as_json: bool) -> None:
    """Sign out on this device."""
    _tell(as_json, lambda account: account.sign_out())


@account.command("show")
@json_option
def show(as_json: bool) -> None:
    """Who is signed in, the tier, and what is left this month."""
    _tell(as_json, lambda account: account.status())


@account.command("forgot-password")
@_email
@json_option
def forgot_password(email: str, as_json: bool) -> None:
    """Have a link for choosing a new password sent to you."""
    _do(
        as_json,
        lambda account: account.access.forgot_password(email),
        f"If {email} has an account, a mail with a link is on its way.",
    )


@account.command("change-password")
@_password_stdin
@json_option
def change_password(password_stdin: bool, as_json: bool) -> None:
    """Change the password; all other sign-ins end. REELY_NEW_PASSWORD gives the new one."""
    current = _password(password_stdin, what="Current password")
    if password_stdin or "REELY_NEW_PASSWORD" not in os.environ:
        new = (
            sys.stdin.readline().rstrip("\r\n")
            if password_stdin
            else click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
        )
    else:
        new = os.environ["REELY_NEW_PASSWORD"]
    _do(
        as_json,
        lambda account: account.access.change_password(current, new),
        "The password is changed; other devices have to sign in again.",
    )


@account.command("confirm-email")
@json_option
def confirm_email(as_json: bool) -> None:
    """Have the mail that confirms your address sent again."""
    _do(
        as_json,
        lambda account: account.access.resend_verification(),
        "The mail is on its way; follow the link in it.",
    )


@account.command("delete")
@click.option("--yes", is_flag=True, help="Do not ask whether you are sure.")
@_password_stdin
@json_option
def delete(yes: bool, password_stdin: bool, as_json: bool) -> None:
    """Delete the account and everything that the server knows about it. Your clips stay."""
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise click.UsageError("Deleting an account cannot be undone: say --yes.")
        click.confirm("Delete the account for good, and end its subscription?", abort=True, err=True)
    password = _password(password_stdin)
    _tell(as_json, lambda account: account.delete(password))


# Tiers


@account.command("upgrade")
@click.argument("tier", required=False)
@click.option("--browser/--no-browser", default=True, help="Open the page where it is paid for.")
@click.option("--wait/--no-wait", default=None, help="Wait until it is paid; the default on a terminal.")
@json_option
def upgrade(tier: str | None, browser: bool, wait: bool | None, as_json: bool) -> None:
    """Move to TIER (by default the next one), paid for in your browser."""
    from desktop.report import describe_status, status_data

    console = console_for(as_json)
    with open_workflow() as workflow:
        account = workflow.account()
        before = account.billing.subscription().tier
        tier = tier or _next_tier(account.billing, before)
        address = account.billing.checkout(tier)
        _browse(address, browser)
        if wait if wait is not None else not as_json and sys.stdout.isatty():
            click.echo(f"Pay for {tier.capitalize()} here: {address}", err=True)
            with console.working():
                from desktop.jobs.protocol import Progress

                console.progress(Progress(stage="waiting for the payment", fraction=0.0))
                paid = account.billing.wait_for_another_tier(before, threading.Event().wait)
            if paid is None:
                raise ReelyError(
                    "not-paid",
                    "Nothing was paid yet.",
                    "The page stays open for a while; `reely account show` tells the tier.",
                    Exit.ACCOUNT,
                )
            status = account.status()
            console.result({"checkout_url": address, **status_data(status)}, describe_status(status))
            return
    console.result({"checkout_url": address, "tier": tier}, f"Pay for {tier.capitalize()} here: {address}")


def _next_tier(billing: Billing, current: str) -> str:
    tiers = billing.tiers()
    price = next((tier.price_cents for tier in tiers if tier.id == current), 0)
    better = [tier for tier in tiers if tier.price_cents > price]
    if not better:
        raise ReelyError(
            "no-better-tier",
            f"There is no tier above {current.capitalize()}.",
            "`reely account manage` shows the subscription.",
            Exit.USAGE,
        )
    return min(better, key=lambda tier: tier.price_cents).id


@account.command("manage")
@click.option("--browser/--no-browser", default=True, help="Open the page.")
@json_option
def manage(browser: bool, as_json: bool) -> None:
    """The page where plan and card are changed, invoices are, and the subscription is cancelled."""
    console = console_for(as_json)
    with open_workflow() as workflow:
        address = workflow.account().billing.portal()
    _browse(address, browser)
    console.result({"portal_url": address}, f"Manage your subscription here: {address}")


def _browse(address: str, wanted: bool) -> None:
    # Only where somebody can see it: a browser is no use to a script or on a server.
    if wanted and sys.stdout.isatty():
        webbrowser.open(address)


# Devices and sign-ins


@account.command("devices")
@click.option("--rename", nargs=2, metavar="ID NAME", help="Give a device another name.")
@click.option("--remove", metavar="ID", help="Take a device off the list.")
@click.option("--lost", metavar="ID", help="Take a lost device off the list and have back what it holds.")
@json_option
def devices(rename: tuple[str, str] | None, remove: str | None, lost: str | None, as_json: bool) -> None:
    """The devices that your account is used on."""
    from desktop.report import describe_devices, devices_data

    if sum(choice is not None for choice in (rename, remove, lost)) > 1:
        raise click.UsageError("One of --rename, --remove and --lost at a time.")
    console = console_for(as_json)
    with open_workflow() as workflow:
        access = workflow.account().access
        if rename is not None:
            access.rename_device(*rename)
        if remove is not None:
            access.remove_device(remove)
        if lost is not None:
            access.report_lost(lost)
        found = access.devices()
    console.result(devices_data(found), describe_devices(found))


@account.command("sessions")
@click.option("--end", metavar="ID", help="End one of them.")
@json_option
def sessions(end: str | None, as_json: bool) -> None:
    """Where your account is signed in."""
    from desktop.report import describe_sign_ins, sign_ins_data

    console = console_for(as_json)
    with open_workflow() as workflow:
        access = workflow.account().access
        if end is not None:
            access.end_sign_in(end)
        found = access.sign_ins()
    console.result(sign_ins_data(found), describe_sign_ins(found))


# Without a network


@account.command("offline")
@click.option("--take", type=click.IntRange(1, 10_000), metavar="N", help="Have N of each on this device.")
@click.option("--return", "give_back", is_flag=True, help="Give back what this device holds.")
@json_option
def offline(take: int | None, give_back: bool, as_json: bool) -> None:
    """What this device holds for the time without a network: trims and hook runs."""
    from desktop.report import describe_offline, status_data

    if take is not None and give_back:
        raise click.UsageError("Either --take or --return.")
    console = console_for(as_json)
    with open_workflow() as workflow:
        account = workflow.account()
        if take is not None:
            status = account.hold_offline(take)
        elif give_back:
            status = account.return_offline()
        else:
            status = account.status()
    console.result(status_data(status), describe_offline(status))


def _tell(as_json: bool, call: Callable[[Account], AccountStatus]) -> None:
    from desktop.report import describe_status, status_data

    console = console_for(as_json)
    with open_workflow() as workflow:
        status = call(workflow.account())
    console.result(status_data(status), describe_status(status))


def _do(as_json: bool, call: Callable[[Account], None], words: str) -> None:
    console = console_for(as_json)
    with open_workflow() as workflow:
        call(workflow.account())
    console.result({"message": words}, words)
