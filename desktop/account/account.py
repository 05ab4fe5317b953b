"""The account as the rest of the app uses it: signing in and out, permits, and how the meters stand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from pydantic import JsonValue

from desktop.account import offers, recovery
from desktop.account.access import Access
from desktop.account.allowance import Allowance
from desktop.account.billing import Billing
from desktop.account.entries import Spend
from desktop.account.identity import Identity
from desktop.account.journal import Journal
from desktop.account.locks import Owner, exclusive
from desktop.account.models import AccountStatus, Delivery, Meter, MeterStatus
from desktop.account.permit import Permit
from desktop.account.profile import Folder, Known, Profile
from desktop.account.remote import Remote
from desktop.account.secret_store import SecretStore
from desktop.account.server import Server
from desktop.account.session import Session, not_signed_in
from desktop.account.signed import Lease
from desktop.account.wire import MeterUsage, User
from desktop.account.wire import Session as SessionAnswer
from desktop.errors import Exit, ReelyError
from desktop.files import disk_error


class Account:
    """One installation's account. Every method blocks: call it from a worker thread, as many as you like.

    Open it with `Account.open`, and close it (or use it as a context manager): closing ends the permits that
    are still held. Every failure is a ReelyError.
    """

    def __init__(
        self, folder: Folder, server: Server, secrets: SecretStore, wall: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._server = server
        self._secrets = secrets
        self._wall = wall
        self._owner = Owner(folder.owners)
        self._session = Session(folder, secrets, server, f"{folder.installation()}:session")
        self._remote = Remote(server, self._session)
        self.access = Access(self._remote, self._device_id)
        self.billing = Billing(self._remote)
        self._lock = threading.RLock()
        self._allowance: Allowance | None = None

    @classmethod
    def open(
        cls,
        home: Path,
        server_url: str,
        keyring: SecretStore | None = None,
        offline: bool = False,
        wall: Callable[[], float] = time.time,
    ) -> Account:
        """The account that this installation, with its files in `home`, has at the server.

        `keyring` defaults to the operating system's. With `offline` the server is never asked. `wall` is the
        wall clock in Unix seconds.
        """
        folder = Folder(home)
        try:
            folder.make()
        except OSError as error:
            raise disk_error(error, folder.path) from error
        account = cls(
            folder,
            Server(server_url, offline=offline),
            keyring or SecretStore(turns=folder.keyring_lock),
            wall,
        )
        account._server.on_time = account._observe_time
        return account

    def close(self) -> None:
        """End the connection, and the permits that are still held.

        Without a keyring this device ends here too: it is signed out, so that it takes no device's place.
        """
        self._owner.close()
        if not self._secrets.lasting:
            self.sign_out()
        self._server.close()

    def __enter__(self) -> Account:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Signing in and out

    def sign_up(self, email: str, password: str, full_name: str | None = None) -> AccountStatus:
        """Make an account and sign in. Raises `email-taken`, `invalid-input`, or a network error."""
        return self._begin(self._remote.register(email, password, full_name))

    def sign_in(self, email: str, password: str) -> AccountStatus:
        """Sign in. Raises `invalid-credentials`, or a network error."""
        return self._begin(self._remote.login(email, password))

    def sign_out(self) -> AccountStatus:
        """Report, give back what this device holds, and remove the secrets from this computer.

        Without the server the sign-in is removed all the same; spends that are not reported yet wait, with
        the device's key, for the next sign-in to the same account.
        """
        allowance = self._signed_in_or_none()
        notices: list[str] = []
        if allowance is not None:
            try:
                self._leave(allowance)
            except ReelyError as error:
                notices.append(f"The server could not be told: {error.message}")
        with self._lock:
            if allowance is not None and not any(allowance.journal.unreported(meter) for meter in Meter):
                allowance.forget_device()
            self._session.forget()
            self._folder.remove_profile()
            self._allowance = None
        return AccountStatus(signed_in=False, online=not notices, notices=tuple(notices))

    def delete(self, password: str) -> AccountStatus:
        """Delete the account and everything that the server knows about it; the clips stay.

        Raises `invalid-credentials`, or a network error; then nothing is deleted.
        """
        allowance = self._signed_in()
        self._remote.delete_account(password)
        with self._lock:
            allowance.forget_device()
            self._session.forget()
            self._folder.remove_profile()
            self._allowance = None
        return AccountStatus(signed_in=False, online=True)

    def _begin(self, answer: SessionAnswer) -> AccountStatus:
        user = answer.user or self._remote.me()
        with self._lock:
            self._put_damaged_journal_aside(user)
            before = self._folder.profile()
            known = before if before and before.user.id == user.id else None
            self._session.begin(answer)
            self._folder.set_profile(
                known.model_copy(update={"user": user})
                if known
                else Profile(server_url=self._server.url, user=user)
            )
            self._allowance = None
            allowance = self._signed_in()
        try:
            allowance.prepare()
        except ReelyError as error:
            # The sign-in itself has succeeded; what is missing is fetched when it is needed.
            return self._status(allowance, online=False, notices=(f"{error.message} {error.hint}",))
        return self._status(allowance, online=True)

    def _leave(self, allowance: Allowance) -> None:
        allowance.return_all()
        device_id = allowance.known.profile.device_id
        if device_id is not None:
            self._remote.remove_device(device_id)
        self._remote.logout()

    def _put_damaged_journal_aside(self, user: User) -> None:
        """Start a new journal where the old one cannot be read; the old one is kept beside it."""
        path = self._folder.journal(user, self._server.url)
        try:
            Journal(path, self._wall).leases()
        except ReelyError as error:
            if error.code != "journal-damaged":
                raise
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            for part in (path, path.with_name("journal.db-wal"), path.with_name("journal.db-shm")):
                if part.exists():
                    part.rename(part.with_name(f"damaged-{stamp}-{part.name}"))

    # Status

    def status(self) -> AccountStatus:
        """How things stand: by the server if it answers, else as they were known last (`online` tells).

        What waits to be reported is reported on the way; where that is refused, a notice says so.
        """
        allowance = self._signed_in_or_none()
        if allowance is None:
            return AccountStatus(signed_in=False, online=False)
        notices: tuple[str, ...] = ()
        try:
            if any(allowance.journal.unreported(meter) for meter in Meter):
                allowance.settle()
        except ReelyError as error:
            notices = (f"{error.message} {error.hint}",)
        try:
            allowance.refresh()
            self._learn_standing(allowance)
        except ReelyError as error:
            if error.exit is not Exit.NETWORK:
                raise
            return self._status(allowance, online=False, notices=(error.message,))
        return self._status(allowance, online=True, notices=notices)

    def _learn_standing(self, allowance: Allowance) -> None:
        """What seldom changes: whether the address is confirmed, and how the subscription stands."""
        profile = allowance.known.profile
        if not profile.user.email_verified:
            allowance.known.learn(user=self._remote.me())
        tier = profile.usage.tier if profile.usage else profile.user.tier
        if profile.subscription is not None or tier != "free":
            allowance.known.learn(subscription=self._remote.subscription())

    def _status(self, allowance: Allowance, online: bool, notices: tuple[str, ...] = ()) -> AccountStatus:
        profile = allowance.known.profile
        usage = profile.usage
        lease = allowance.current()
        return AccountStatus(
            signed_in=True,
            online=online,
            email=profile.user.email,
            full_name=profile.user.full_name,
            email_verified=profile.user.email_verified,
            tier=usage.tier if usage else profile.user.tier,
            max_source_seconds=usage.max_source_seconds if usage else None,
            meters={
                meter: _meter_status(allowance.journal, lease, meter, ledger)
                for meter, ledger in (usage.meters if usage else {}).items()
            },
            renews_at=usage.period.ends_at if usage else None,
            as_of=profile.as_of,
            payment=offers.payment_words(profile.subscription) if profile.subscription else None,
            session_only=not self._secrets.lasting,
            notices=(*notices, *self._local_notices(allowance)),
        )

    def _local_notices(self, allowance: Allowance) -> list[str]:
        notices: list[str] = []
        if not self._secrets.lasting:
            notices.append("There is no keyring on this computer: you are signed in for this session only.")
        if allowance.journal.clock_fell_back():
            notices.append("This computer's clock was set back; go online once to put the time right.")
        rejected = allowance.journal.rejected()
        if rejected:
            notices.append(f"The license server did not accept {rejected} of this device's reports.")
        return notices

    # Work

    def permit(
        self,
        meter: Meter,
        units: int = 1,
        source_seconds: float | None = None,
        job: JsonValue = None,
    ) -> Permit:
        """Hold `units` of `meter` for work on a source of `source_seconds`.

        `job` describes it in the account's list of jobs (at most 4 KB of JSON). Raises `not-signed-in`,
        `source-too-long`, `quota-exhausted`, `offline-exhausted`, `device-limit`, or a network error.
        """
        if units < 1:
            raise ValueError("a permit holds at least one unit")
        allowance = self._signed_in()
        spends = allowance.reserve(meter, units, source_seconds, self._owner.register(), job)
        return Permit(allowance, meter, spends)

    def hold_offline(self, units: int) -> AccountStatus:
        """Have `units` of each meter, or what is left of them, on this device for the time without a network.

        Raises `quota-exhausted` where nothing is left, or a network error.
        """
        allowance = self._signed_in()
        allowance.hold(units)
        return self._status(allowance, online=True)

    def return_offline(self) -> AccountStatus:
        """Report what was spent and give the rest back, for the account's other devices."""
        allowance = self._signed_in()
        allowance.return_all()
        allowance.refresh()
        return self._status(allowance, online=True)

    def settle(self) -> None:
        """Report what was spent, and top up what ran dry. Safe to repeat, also after a network error."""
        allowance = self._signed_in_or_none()
        if allowance is not None:
            allowance.settle()

    def recover(self) -> list[Delivery]:
        """At start: put right what killed processes left; the clips that now have their real names."""
        delivered: list[Delivery] = []
        allowance = self._signed_in_or_none()
        with exclusive(self._folder.recovery_lock):
            for path in self._folder.journals():
                journal = Journal(path, self._wall)
                mine = allowance is not None and allowance.journal.path == path
                note = allowance.delivered if allowance is not None and mine else _keep_quiet
                delivered += recovery.recover(journal, self._owner, note)
        return delivered

    # Who is signed in

    def _device_id(self) -> str | None:
        profile = self._folder.profile()
        return profile.device_id if profile else None

    def _signed_in(self) -> Allowance:
        allowance = self._signed_in_or_none()
        if allowance is None:
            raise not_signed_in()
        return allowance

    def _signed_in_or_none(self) -> Allowance | None:
        """The signed-in account's allowance; another process may have signed in or out meanwhile."""
        with self._lock:
            profile = self._folder.profile()
            if profile is None or profile.server_url != self._server.url or not self._session.exists():
                self._allowance = None
                return None
            if self._allowance is None or self._allowance.known.profile.user.id != profile.user.id:
                path = self._folder.journal(profile.user, self._server.url)
                self._allowance = Allowance(
                    Known(self._folder, profile),
                    Journal(path, self._wall),
                    self._remote,
                    Identity(self._secrets, f"{self._folder.installation()}:{path.parent.name}"),
                    server_lock=self._folder.server_lock,
                )
            return self._allowance

    def _observe_time(self, server: float) -> None:
        with self._lock:
            allowance = self._allowance
        if allowance is not None:
            # What ails the journal is told by whoever uses it; an answer of the server is not lost for it.
            with suppress(ReelyError):
                allowance.journal.observe_server_time(server)


def _meter_status(journal: Journal, lease: Lease | None, meter: Meter, ledger: MeterUsage) -> MeterStatus:
    free = journal.balance(lease.id, meter).free if lease else 0
    available = None if ledger.available is None or free is None else ledger.available + free
    return MeterStatus(
        limit=ledger.limit,
        settled=ledger.settled,
        held=ledger.held,
        available=available,
        on_device=free,
        unreported=journal.unreported(meter),
    )


def _keep_quiet(_spends: list[Spend]) -> None:
    """For an account that is not signed in: its keyring entry is behind, which is harmless."""
