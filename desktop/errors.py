"""The one shape of every failure that a user can meet: a code, what happened, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command `reely` (docs: the table in README.md)."""

    DONE = 0
    USAGE = 2
    SOURCE = 3
    ACCOUNT = 4
    NETWORK = 5
    MEDIA = 6
    DISK = 7
    CANCELLED = 130


class ReelyError(Exception):
    """A failure told to the user.

    `code` is stable kebab-case for programs, `message` one plain sentence about what happened,
    `hint` one about what to do. `exit` groups codes for the command line.
    """

    def __init__(self, code: str, message: str, hint: str, exit: Exit) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.exit = exit

    def __reduce__(self) -> tuple[type[ReelyError], tuple[str, str, str, Exit]]:
        return (ReelyError, (self.code, self.message, self.hint, self.exit))


@dataclass(frozen=True)
class Offer:
    """A tier that would lift a refusal, in words: what it `gives` there (`100 trims a month`), and its price.

    `perks` are all that it gives, a few words each.
    """

    tier: str
    gives: str
    price: str
    perks: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        return f"{self.tier.capitalize()} ({self.gives}, {self.price})"


class TierRefusal(ReelyError):  # noqa: N818 - the tier decided; nothing went wrong
    """Something that the account's tier does not give; `offers` are the tiers that would, cheapest first."""

    def __init__(self, code: str, message: str, hint: str, offers: Sequence[Offer] = ()) -> None:
        super().__init__(code, message, hint, Exit.ACCOUNT)
        self.offers = tuple(offers)

    def __reduce__(self) -> tuple[type[TierRefusal], tuple[str, str, str, tuple[Offer, ...]]]:  # type: ignore[override]
        return (TierRefusal, (self.code, self.message, self.hint, self.offers))


class Cancelled(ReelyError):  # noqa: N818 - it is an outcome, not an error
    """The user stopped the work; nothing was delivered and nothing is charged."""

    def __init__(self) -> None:
        super().__init__(
            "cancelled",
            "The work was cancelled.",
            "Nothing was changed or counted; start it again whenever you like.",
            Exit.CANCELLED,
        )


def internal_error(error: BaseException) -> ReelyError:
    """What a fault of Reely's own is told as; the details belong into the log."""
    return ReelyError(
        "internal-error",
        f"Reely met a fault of its own ({type(error).__name__}).",
        "Try again; if it happens again, please report it with the log file that `reely doctor` names.",
        Exit.MEDIA,
    )
