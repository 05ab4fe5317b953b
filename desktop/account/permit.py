"""What a job holds while it runs: units that become spends if it delivers, and nothing if it does not."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from types import TracebackType

from desktop.account.allowance import Allowance
from desktop.account.models import Delivery, Meter
from desktop.errors import Cancelled, ReelyError, internal_error


class Permit:
    """Units of one meter, reserved for one piece of work.

    Use it as a context manager: units that were not committed when it ends are released, and with an error
    noted as failed. The order is:
    work, `commit` with the finished temporary files, give them their real names, `delivered`. A crash after
    `commit` is repaired forwards by `Account.recover`, one before it costs nothing.
    """

    def __init__(self, allowance: Allowance, meter: Meter, spends: tuple[str, ...]) -> None:
        self.meter = meter
        self._allowance = allowance
        self._reserved = list(spends)
        self._committed: list[str] = []

    @property
    def units(self) -> int:
        """How many units are still held or committed."""
        return len(self._reserved) + len(self._committed)

    def __enter__(self) -> Permit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            self._note_failure(self._reserved, error)
        self.release()

    def expect(self, deliveries: Sequence[Delivery]) -> None:
        """Say where unfinished files will be, so that `Account.recover` removes them after a crash."""
        for spend, delivery in zip(self._reserved, deliveries, strict=False):
            self._allowance.journal.expect(spend, delivery)

    def commit(self, deliveries: Sequence[Delivery] = ()) -> None:
        """Spend one unit for each of the finished, verified and fsynced files; release the units left over.

        Without files (a hook run) all units are spent. ValueError for more files than units.
        """
        if len(deliveries) > len(self._reserved):
            raise ValueError("more clips than units")
        count = len(deliveries) or len(self._reserved)
        spends, self._reserved = self._reserved[:count], self._reserved[count:]
        self._allowance.journal.commit(spends, list(deliveries) or [None] * count)
        self._committed += spends
        self._allowance.journal.release(self._reserved)
        self._reserved = []

    def delivered(self) -> None:
        """The files have their real names: the spends are final and wait to be reported."""
        spends, self._committed = self._committed, []
        self._allowance.delivered(self._allowance.journal.deliver(spends))

    def take_back(self, error: ReelyError) -> None:
        """A file could not get its real name after all: nothing that was committed counts."""
        spends, self._committed = self._committed, []
        self._note_failure(spends, error)
        self._allowance.journal.release(spends)

    def release(self) -> None:
        """Give back what is not committed. Safe to repeat."""
        spends, self._reserved = self._reserved, []
        self._allowance.journal.release(spends)

    def _note_failure(self, spends: Sequence[str], error: Exception) -> None:
        """The account's list of jobs tells what failed, by its code; what was cancelled has not failed."""
        if not spends or isinstance(error, Cancelled):
            return
        code = error.code if isinstance(error, ReelyError) else internal_error(error).code
        with contextlib.suppress(ReelyError):  # it must not hide what went wrong
            self._allowance.failures.note(spends, code)
