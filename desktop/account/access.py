"""Where the account is signed in and which devices it has, its password, and the mails that confirm it."""

from __future__ import annotations

from collections.abc import Callable

from desktop.account.models import DeviceEntry, SignIn
from desktop.account.remote import Remote
from desktop.account.server import ServerRefusal
from desktop.errors import Exit, ReelyError


class Access:
    """The account's sessions and devices. Every call blocks, and raises ReelyError."""

    def __init__(self, remote: Remote, this_device: Callable[[], str | None]) -> None:
        self._remote = remote
        self._this_device = this_device

    def sign_ins(self) -> tuple[SignIn, ...]:
        """Where the account is signed in, newest first."""
        return tuple(
            SignIn(
                id=entry.id,
                client=entry.client or "",
                created_at=entry.created_at,
                last_used_at=entry.last_used_at,
                current=entry.current,
            )
            for entry in self._remote.sessions()
        )

    def end_sign_in(self, id: str) -> None:
        """End one of them. Raises `no-such-sign-in`."""
        try:
            self._remote.end_session(id)
        except ServerRefusal as refusal:
            raise _named(refusal, "no-such-sign-in", "sign-in", "reely account sessions") from refusal

    def devices(self) -> tuple[DeviceEntry, ...]:
        """The account's devices, newest first."""
        mine = self._this_device()
        return tuple(
            DeviceEntry(
                id=device.id,
                name=device.name,
                platform=device.platform,
                last_seen_at=device.last_seen_at,
                current=device.id == mine,
            )
            for device in self._remote.devices()
        )

    def rename_device(self, id: str, name: str) -> None:
        """Give a device another name of 1 to 100 characters. Raises `no-such-device`, `invalid-input`."""
        self._on_device(lambda: self._remote.rename_device(id, name))

    def remove_device(self, id: str) -> None:
        """Take a device off the list; what it holds comes back when the month renews.

        Raises `no-such-device`. A device comes back by itself when somebody works on it, signed in.
        """
        self._on_device(lambda: self._remote.remove_device(id))

    def report_lost(self, id: str) -> None:
        """Take a device off the list and have back what it holds. Raises `no-such-device`, `lost-limit`."""
        self._on_device(lambda: self._remote.report_lost(id))

    def change_password(self, current: str, new: str) -> None:
        """Ends all other sign-ins. Raises `invalid-credentials`, `invalid-input`, `password-too-common`."""
        self._remote.change_password(current, new)

    def forgot_password(self, email: str) -> None:
        """Have a link for a new password sent to the address, if it has an account. Needs no sign-in."""
        self._remote.forgot_password(email)

    def resend_verification(self) -> None:
        """Have the mail that confirms the address sent once more."""
        self._remote.resend_verification()

    @staticmethod
    def _on_device(call: Callable[[], None]) -> None:
        try:
            call()
        except ServerRefusal as refusal:
            raise _named(refusal, "no-such-device", "device", "reely account devices") from refusal


def _named(refusal: ServerRefusal, code: str, thing: str, listing: str) -> ReelyError:
    """The refusal, in words about the `thing` where the server does not have it."""
    if refusal.server_code != "not-found":
        return refusal
    return ReelyError(
        code,
        f"Your account has no such {thing}.",
        f"`{listing}` lists them with their ids.",
        Exit.USAGE,
    )
