"""The server's typed problems in our own words."""

from __future__ import annotations

import re

from desktop.account.wire import Problem
from desktop.errors import Exit, ReelyError

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

SIGN_IN_ENDED = "sign-in-ended"
_ENDED = (
    SIGN_IN_ENDED,
    "Your sign-in on this device has ended.",
    "Sign in again; your clips and what you have left this month are kept.",
    Exit.ACCOUNT,
)

# The server's code -> (our code, what happened, what to do, exit). One row a meaning.
_WORDS: dict[str, tuple[str, str, str, Exit]] = {
    "invalid-credentials": (
        "invalid-credentials",
        "The email address or the password is wrong.",
        "Check both and try again, or reset the password.",
        Exit.ACCOUNT,
    ),
    "email-taken": (
        "email-taken",
        "There is already an account with this email address.",
        "Sign in instead, or reset the password if you have forgotten it.",
        Exit.ACCOUNT,
    ),
    "refresh-token-reused": _ENDED,
    "refresh-token-invalid": _ENDED,
    "session-ended": _ENDED,
    "token-expired": _ENDED,
    "token-invalid": _ENDED,
    "not-signed-in": _ENDED,
    "device-limit": (
        "device-limit",
        "This account is already used on as many devices as its tier allows.",
        "Remove a device that you no longer use (`reely account devices`), or move to a higher tier.",
        Exit.ACCOUNT,
    ),
    "quota-exhausted": (
        "quota-exhausted",
        "Nothing is left to use this month.",
        "Move to a higher tier, or wait until the month renews.",
        Exit.ACCOUNT,
    ),
    "sign-in-again": (
        "sign-in-again",
        "Another copy of this device has used the same allowance, so offline use is stopped here.",
        "Sign in again on this device; a copied installation counts as the same device.",
        Exit.ACCOUNT,
    ),
    "device-signature-expired": (
        "clock-wrong",
        "This computer's clock is too far off for the license server.",
        "Set the date and time of this computer and try again.",
        Exit.ACCOUNT,
    ),
    "device-signature-invalid": (
        "device-unknown",
        "The license server does not recognise this device.",
        "Sign in again on this device.",
        Exit.ACCOUNT,
    ),
    "lost-device-limit": (
        "lost-limit",
        "Another device was reported as lost not long ago.",
        "Remove this one instead; what it holds comes back when the month renews.",
        Exit.ACCOUNT,
    ),
    "password-too-common": (
        "password-too-common",
        "This password is one of those that are guessed first.",
        "Choose a longer one that nobody else would think of, such as four words.",
        Exit.USAGE,
    ),
    "already-subscribed": (
        "already-subscribed",
        "This account has a subscription already.",
        "Change it on the page for managing it (`reely account manage`).",
        Exit.ACCOUNT,
    ),
    "billing-unavailable": (
        "billing-unavailable",
        "Nothing can be bought from this license server just now.",
        "Try again in a few minutes.",
        Exit.NETWORK,
    ),
    "too-many-attempts": (
        "too-many-attempts",
        "There were too many wrong passwords for this account.",
        "Wait a few minutes before the next try, or reset the password.",
        Exit.ACCOUNT,
    ),
    "too-many-requests": (
        "rate-limited",
        "The license server was asked too often in a short time.",
        "Wait a minute and try again.",
        Exit.NETWORK,
    ),
}


def code_of(problem: Problem) -> str:
    """The stable code: the member `code`, else the last part of `type`; empty if neither is one."""
    for candidate in (problem.code, problem.type.rpartition("/")[2]):
        if _CODE.fullmatch(candidate):
            return candidate
    return ""


def to_error(status: int, problem: Problem | None) -> ReelyError:
    """The error to show for an HTTP answer of `status` >= 400.

    `problem` is None where the answer was no problem document: a proxy or another program spoke then.
    """
    code = code_of(problem) if problem else ""
    if code in _WORDS:
        return ReelyError(*_WORDS[code])
    if status == 429:
        return ReelyError(*_WORDS["too-many-requests"])
    if status >= 500:
        return ReelyError(
            "server-trouble",
            f"The license server has trouble of its own (HTTP {status}).",
            "Try again in a few minutes; nothing was counted.",
            Exit.NETWORK,
        )
    if problem is None or not code:
        return garbled(f"HTTP {status} without an explanation")
    if status == 422:
        return ReelyError(
            "invalid-input", _invalid_fields(problem), "Correct that and try again.", Exit.USAGE
        )
    return ReelyError(
        code, f"The license server refused this ({code}).", "Update Reely, or try again later.", Exit.ACCOUNT
    )


def garbled(what: str) -> ReelyError:
    """The server's address answered, but not as Reely's server does."""
    return ReelyError(
        "server-garbled",
        f"The answer is not one of Reely's license server ({what}).",
        "Check the server's address, and whether a sign-in page of your network stands in between.",
        Exit.NETWORK,
    )


def _invalid_fields(problem: Problem) -> str:
    fields = [f"{error.field}: {error.message}" for error in problem.errors[:5] if error.field]
    return f"The server did not accept {printable('; '.join(fields) or 'what was entered')}."


def printable(text: str, limit: int = 300) -> str:
    """Words from the network, fit for a terminal and a label: one line, no control characters."""
    return "".join(char if char.isprintable() else " " for char in text)[:limit].strip().rstrip(".")
