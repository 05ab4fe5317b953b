"""Keeps this device supplied with leases, spends them, and reports what was spent.

A device holds a few units more than it is using, never all that is left, so that a lost network stops
nobody and other devices have their share. Before a new lease is asked for, all spends on the old one are
reported and its rest goes back; one that jobs are still running on is reported when they have ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue

from desktop.account import offers, problems
from desktop.account.entries import BeyondGrant, HeldLease, LeaseState, Spend
from desktop.account.failures import Failures
from desktop.account.identity import Identity
from desktop.account.journal import Journal
from desktop.account.locks import exclusive
from desktop.account.models import Meter
from desktop.account.portions import wants_of
from desktop.account.profile import Known
from desktop.account.remote import Remote
from desktop.account.server import ServerRefusal
from desktop.account.signed import KeyRing, Lease, Receipt, UnknownKey, UntrustedToken
from desktop.account.wire import Usage
from desktop.errors import Exit, ReelyError

_BATCH = 100  # spends in one report
_TRIES = 4  # another process of this device may take what was fetched
_EARLY = 300.0  # seconds that a lease may begin in the future: clocks differ
_DONE_WITH = frozenset({LeaseState.CLOSING, LeaseState.RETIRED})
# The server has no such lease, or it was for a device key that this installation has lost.
_NEVER_TO_BE_REPORTED = {"not-found", "device-signature-invalid"}
# With these the server could not be asked at all; anything else is an answer, or a fault to be told.
_NO_CONNECTION = {"server-unreachable", "server-slow", "server-trouble", "offline"}

Claims = TypeVar("Claims", Lease, Receipt)


class Allowance:
    """One account's allowance on this device. Safe from several threads and beside other processes."""

    def __init__(
        self, known: Known, journal: Journal, remote: Remote, identity: Identity, *, server_lock: Path
    ) -> None:
        self.journal = journal
        self.failures = Failures(journal)
        self.known = known
        self._remote = remote
        self._identity = identity
        self._server_lock = server_lock
        self._newest_checked = threading.Event()

    # What is at hand

    def current(self) -> Lease | None:
        """The lease to spend on: verified, for this device, and valid now; None where there is none."""
        held = self._open()
        if held is None:
            return None
        self._check_newest(held)
        try:
            lease = self._key_ring().lease(
                held.token, self.known.profile.user.id, self._identity.key().public
            )
        except UnknownKey:
            return None  # the server may have new keys; what is bought on it is settled there
        except UntrustedToken:
            self.journal.set_lost(held.id)
            return None
        now = self.journal.now()
        valid = lease.nbf - _EARLY <= now < min(lease.exp, lease.period.ends_at.timestamp())
        return lease if valid and self._open() == held else None

    # Spending

    def reserve(
        self, meter: Meter, units: int, source_seconds: float | None, owner: str, job: JsonValue
    ) -> tuple[str, ...]:
        """Hold `units` for a job on a source of that length; the ids of the spends.

        Raises ReelyError `quota-exhausted`, `source-too-long`, `offline-exhausted`, or what hindered asking.
        """
        self._check_length(source_seconds)
        for _ in range(_TRIES):
            lease = self.current()
            if lease is not None:
                try:
                    return self.journal.reserve(lease, meter, units, owner, job)
                except BeyondGrant:
                    pass
            try:
                self._supply(meter, units)
            except ReelyError as error:
                if error.code in _NO_CONNECTION:
                    raise _offline_exhausted(meter, error) from error
                raise
        raise ReelyError(
            "account-busy",
            "Other work on this computer took what was fetched for this one.",
            "Wait for it to finish and try again.",
            Exit.ACCOUNT,
        )

    def _check_length(self, source_seconds: float | None) -> None:
        if source_seconds is None:
            return
        lease = self.current()
        if lease and (lease.max_source_seconds is None or source_seconds <= lease.max_source_seconds):
            return
        try:
            usage = self.refresh()
        except ReelyError as error:
            known = self.known.profile.usage
            most = lease.max_source_seconds if lease else known.max_source_seconds if known else None
            if most is None and error.code in _NO_CONNECTION:
                return  # whether there is anything to spend at all is told next
            if most is None:
                raise
            tier = lease.tier if lease else self.known.profile.user.tier
        else:
            most, tier = usage.max_source_seconds, usage.tier
        if most is not None and source_seconds > most:
            raise offers.source_too_long(source_seconds, most, tier, self.known.profile.tiers)
        if lease is not None:
            self._replace(lease)

    def delivered(self, spends: list[Spend]) -> None:
        """Note the newest entry in the keyring, where restoring the journal does not reach it."""
        if spends:
            newest = spends[-1]
            self._identity.note_newest(newest.lease_id, newest.counter, newest.hash)

    def forget_device(self) -> None:
        """Remove what makes this installation a device of the account."""
        self._identity.forget()

    # Asking the server

    def refresh(self) -> Usage:
        """The server's numbers, noted for the time without it."""
        usage = self._remote.usage()
        self.known.learn(usage=usage, as_of=datetime.fromtimestamp(self.journal.now(), UTC))
        if not self.known.profile.tiers:
            self.known.learn(tiers=self._remote.tiers())
        return usage

    def prepare(self) -> None:
        """After a sign-in: learn the tiers and keys, report what waits, and take a first lease."""
        self.known.learn(tiers=self._remote.tiers(), keys=self._remote.keys())
        self.settle()

    def settle(self) -> None:
        """Report all spends, and have a lease that has something of each meter. Safe to repeat."""
        with self._turn():
            reported = self._catch_up()
            self._close_all(_DONE_WITH)
            lease = self.current()
            if lease is not None and not reported:
                return
            usage, kept = self.refresh(), self._free(lease)
            wants = wants_of(usage, {})
            if lease is not None:
                wants = {meter: units for meter, units in wants.items() if kept[meter] == 0}
            if any(wants.values()) and (lease is None or self.journal.begin_closing(lease.id)):
                self._close_all()
                self._take(wants_of(self.refresh(), kept))

    def hold(self, units: int) -> None:
        """Have `units` of each meter on this device, or what the account has left of them.

        Stays until it is used, given back, or the period ends. Raises `quota-exhausted` where nothing is.
        """
        with self._turn():
            self._catch_up()
            self._close_all()
            usage = self.refresh()
            wants = {
                meter: units if ledger.available is None else min(units, ledger.available)
                for meter, ledger in usage.meters.items()
            }
            if not any(wants.values()):
                raise offers.quota_exhausted(Meter.TRIM, units, usage, self.known.profile.tiers)
            self._take(wants)

    def return_all(self) -> None:
        """Report all spends and give everything back that no job holds."""
        with self._turn():
            self._catch_up()
            self._close_all()

    def _supply(self, meter: Meter, units: int) -> None:
        """Have a lease with `units` of `meter`. Raises `quota-exhausted` where the account has no more."""
        with self._turn():
            if self._has(meter, units):
                return  # another process or thread was faster
            self._catch_up()
            if self._has(meter, units):
                return  # in a lease that had been lost on the way
            kept = self._free(self.current())
            self._close_all()
            usage = self.refresh()
            ledger = usage.meters.get(meter)
            if ledger is None or (ledger.available is not None and ledger.available < units):
                raise offers.quota_exhausted(meter, units, usage, self.known.profile.tiers)
            wants = wants_of(usage, kept)
            wants[meter] = max(units, wants[meter])
            self._take(wants)

    def _has(self, meter: Meter, units: int) -> bool:
        lease = self.current()
        if lease is None:
            return False
        free = self.journal.balance(lease.id, meter).free
        return free is None or free >= units

    def _replace(self, lease: Lease) -> None:
        """Exchange a lease of a tier that has changed."""
        with self._turn():
            if self._open_id() == lease.id:
                self._catch_up()
                kept = self._free(lease)
                self._close_all()
                self._take(wants_of(self.refresh(), kept))

    def _free(self, lease: Lease | None) -> dict[Meter, int | None]:
        """What is left on a lease, of each meter."""
        return {meter: self.journal.balance(lease.id, meter).free if lease else 0 for meter in Meter}

    def _take(self, wants: dict[Meter, int]) -> None:
        """Ask for a lease and keep it. A request that was not answered is asked again, with the same id."""
        request_id, wants = self.journal.pending_request(wants)
        try:
            token = self._ask(request_id, wants)
            lease = self._verified(token, self._lease_of)
        except ServerRefusal as refusal:
            self.journal.drop_request(request_id)
            if refusal.server_code == "quota-exhausted":
                usage = self.refresh()
                meter = next((meter for meter in Meter if wants.get(meter)), Meter.TRIM)
                raise offers.quota_exhausted(
                    meter, wants.get(meter, 1), usage, self.known.profile.tiers
                ) from refusal
            raise
        except UntrustedToken:
            self.journal.drop_request(request_id)
            raise
        self.journal.open_lease(token, lease, request_id)
        self._identity.note_newest(lease.id, 0, "")
        self.refresh()

    def _ask(self, request_id: str, wants: dict[Meter, int]) -> str:
        profile = self.known.profile
        known = profile.device_id if profile.device_key == self._identity.key().public else None
        device_id = known or self._register_device()
        try:
            return self._remote.lease(device_id, request_id, wants, self._identity.key(), self.journal.now)
        except ServerRefusal as refusal:
            if refusal.server_code != "not-found" or known is None:
                raise
        # The device was taken off the account's list.
        return self._remote.lease(
            self._register_device(), request_id, wants, self._identity.key(), self.journal.now
        )

    def _register_device(self) -> str:
        try:
            device = self._remote.register_device(self._identity.key())
        except ServerRefusal as refusal:
            if refusal.server_code != "device-limit":
                raise
            profile = self.known.profile
            raise offers.device_limit(profile.user.tier, profile.tiers) from refusal
        self.known.learn(device_id=device.id, device_key=self._identity.key().public)
        return device.id

    def _catch_up(self) -> bool:
        """Fetch a lease that was lost on the way, and report all spends; whether there were any.

        What a lost lease grants is held for this device, and missing from what the account has left.
        """
        if self.journal.has_request():
            try:
                self._take({})
            except ReelyError as error:
                if error.code != "quota-exhausted":  # then it was not lost but never made
                    raise
        reported = False
        for held in self.journal.leases():
            reported = self._report(held, return_rest=False) or reported
        return reported

    def _close_all(self, states: frozenset[LeaseState] = _DONE_WITH | {LeaseState.OPEN}) -> None:
        """Give back the rest of every lease in one of these states that no job holds."""
        for held in self.journal.leases():
            if held.state in states and self.journal.begin_closing(held.id):
                self._report(held, return_rest=True)

    def _report(self, held: HeldLease, return_rest: bool) -> bool:
        reported = False
        while True:
            spends = self.journal.to_report(held.id, _BATCH)
            last = len(spends) < _BATCH
            failures = self.failures.waiting(held.id, _BATCH)
            if not (spends or failures or return_rest):
                return reported
            try:
                answer = self._remote.settle(
                    held.id,
                    spends,
                    failures,
                    return_rest=return_rest and last,
                    key=self._identity.key(),
                    now=self.journal.now,
                )
            except ServerRefusal as refusal:
                if refusal.server_code not in _NEVER_TO_BE_REPORTED:
                    raise
                self.journal.abandon(held.id)
                self.failures.told(failures)
                return True
            receipt = self._verified(answer.receipt, self._receipt_of)
            if receipt.lease != held.id:
                raise problems.garbled("a receipt for something else")
            self.journal.apply_receipt(receipt, answer.results)
            self.failures.told(failures)
            reported = reported or bool(spends)
            if spends and self.journal.to_report(held.id, 1) == spends[:1]:
                raise problems.garbled("a receipt that leaves out what it answers")
            if last:
                if return_rest:
                    self.journal.close(held.id)
                return reported

    # Trust

    def _verified(self, token: str, read: Callable[[KeyRing, str], Claims]) -> Claims:
        """Read a token that just came from the server; with its newest keys if need be."""
        try:
            return read(self._key_ring(), token)
        except UnknownKey:
            self.known.learn(keys=self._remote.keys())
            return read(self._key_ring(), token)

    def _lease_of(self, keys: KeyRing, token: str) -> Lease:
        return keys.lease(token, self.known.profile.user.id, self._identity.key().public)

    def _receipt_of(self, keys: KeyRing, token: str) -> Receipt:
        return keys.receipt(token, self.known.profile.user.id, self._identity.key().public)

    def _key_ring(self) -> KeyRing:
        return KeyRing(self.known.profile.keys)

    def _open(self) -> HeldLease | None:
        return next((held for held in self.journal.leases() if held.state is LeaseState.OPEN), None)

    def _open_id(self) -> str | None:
        held = self._open()
        return held.id if held else None

    def _check_newest(self, held: HeldLease) -> None:
        """A journal older than what the keyring remembers was restored: its lease is not spent again."""
        if self._newest_checked.is_set():
            return
        self._newest_checked.set()
        noted = self._identity.newest()
        if noted is None:
            return
        lease_id, counter, digest = noted
        behind = not self.journal.knows(lease_id)
        if lease_id == held.id and counter:
            behind = self.journal.hash_at(lease_id, counter) != digest
        if behind:
            self.journal.set_lost(held.id)

    def _turn(self) -> AbstractContextManager[None]:
        return exclusive(self._server_lock)


def _offline_exhausted(meter: Meter, cause: ReelyError) -> ReelyError:
    what = offers.counted(meter, 0)[2:]
    return ReelyError(
        "offline-exhausted",
        f"No {what} are left on this device, and more cannot be fetched: {cause.message}",
        "Connect to the internet and try again; what this device has used is reported then.",
        Exit.ACCOUNT,
    )
