"""Who is signed in on this installation and what the server said last, in a small file without secrets."""

from __future__ import annotations

import hashlib
import threading
import uuid
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from desktop.account.wire import Identifier, KeySet, Subscription, Tier, Usage, User
from desktop.files import write_file


class Profile(BaseModel):
    """The signed-in account as it was known at `as_of` (UTC)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    server_url: str
    user: User
    device_id: Identifier | None = None
    device_key: str | None = None
    """The public key that `device_id` was given for."""
    keys: KeySet = KeySet(keys=())
    """The server's public lease keys: fetched over its trusted connection, kept for the time without it."""
    usage: Usage | None = None
    subscription: Subscription | None = None
    tiers: tuple[Tier, ...] = ()
    as_of: AwareDatetime | None = None


class Folder:
    """The account's part of the app's home: names of files, and the one that says who is signed in."""

    def __init__(self, home: Path) -> None:
        self.path = home / "account"
        self.session = self.path / "session"
        self.session_lock = self.path / "session.lock"
        self.server_lock = self.path / "server.lock"
        self.keyring_lock = self.path / "keyring.lock"
        self.recovery_lock = self.path / "recovery.lock"
        self.owners = self.path / "owners"
        self._profile = self.path / "profile.json"
        self._installation = self.path / "installation"

    def make(self) -> None:
        self.owners.mkdir(parents=True, exist_ok=True, mode=0o700)

    def installation(self) -> str:
        """A random name of this installation, so that two on one computer keep their secrets apart."""
        try:
            return self._installation.read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            write_file(self._installation, uuid.uuid4().hex.encode("ascii"))
            return self._installation.read_text(encoding="ascii").strip()

    def journal(self, user: User, server_url: str) -> Path:
        """The journal of one account: each has its own, so that none reports another's spends."""
        digest = hashlib.sha256(f"{server_url}\n{user.id}".encode()).hexdigest()[:16]
        return self.path / digest / "journal.db"

    def journals(self) -> list[Path]:
        """The journals of all accounts that were ever used here."""
        return sorted(self.path.glob("*/journal.db"))

    def profile(self) -> Profile | None:
        """The profile, or None where nobody is signed in; a damaged file counts as that."""
        try:
            return Profile.model_validate_json(self._profile.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def set_profile(self, profile: Profile) -> None:
        write_file(self._profile, profile.model_dump_json().encode())

    def remove_profile(self) -> None:
        self._profile.unlink(missing_ok=True)


class Known:
    """The signed-in account's profile, kept up to date in memory and in its file."""

    def __init__(self, folder: Folder, profile: Profile) -> None:
        self._folder = folder
        self._profile = profile
        self._lock = threading.Lock()

    @property
    def profile(self) -> Profile:
        with self._lock:
            return self._profile

    def learn(self, **news: object) -> None:
        """Note what the server said, on top of what other processes have noted."""
        with self._lock:
            stored = self._folder.profile()
            if stored is None or stored.user.id != self._profile.user.id:
                self._profile = self._profile.model_copy(update=news)
                return  # signed out meanwhile, by another process: that stays
            self._profile = stored.model_copy(update=news)
            self._folder.set_profile(self._profile)
