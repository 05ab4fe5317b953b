"""What makes this installation one device of one account: its key, and how far its journal had come."""

from __future__ import annotations

import threading

from desktop.account.device import DeviceKey
from desktop.account.secret_store import SecretStore


class Identity:
    """The device key and the newest journal entry of one account, in the keyring under `prefix`."""

    def __init__(self, secrets: SecretStore, prefix: str) -> None:
        self._secrets = secrets
        self._key_name = f"{prefix}:device-key"
        self._newest_name = f"{prefix}:newest-entry"
        self._lock = threading.Lock()
        self._key: DeviceKey | None = None

    def key(self) -> DeviceKey:
        """This device's key; a new one where the keyring has none."""
        with self._lock:
            if self._key is None:
                self._key = self._kept()
            if self._key is None:
                self._key = DeviceKey.new()
                self._secrets.set(self._key_name, self._key.to_secret())
            return self._key

    def newest(self) -> tuple[str, int, str] | None:
        """The lease, counter and hash of the newest entry; counter 0 for a lease without one."""
        lease_id, _, rest = (self._secrets.get(self._newest_name) or "").partition(":")
        counter, _, digest = rest.partition(":")
        return (lease_id, int(counter), digest) if counter.isdecimal() else None

    def note_newest(self, lease_id: str, counter: int, digest: str) -> None:
        """Remember the newest entry where restoring the journal does not reach."""
        self._secrets.set(self._newest_name, f"{lease_id}:{counter}:{digest}")

    def forget(self) -> None:
        """Remove all this from the keyring."""
        with self._lock:
            self._key = None
            self._secrets.delete(self._key_name)
            self._secrets.delete(self._newest_name)

    def _kept(self) -> DeviceKey | None:
        secret = self._secrets.get(self._key_name)
        try:
            return DeviceKey.from_secret(secret) if secret else None
        except ValueError:
            return None  # not one of ours; a new key makes a new device
