"""Secrets in the operating system's keyring, with a time limit; without one, in memory, never on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TypeVar

import keyring.core
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, PasswordDeleteError

from desktop.account.locks import exclusive
from desktop.errors import Exit, ReelyError

_SERVICE = "Reely"
_TIME_LIMIT = 10.0  # seconds; a keyring that asks the user to unlock it answers when they have

T = TypeVar("T")


class SecretStore:
    """Named secrets of this installation, each a short ASCII string (Windows holds about 1,280 characters).

    What the keyring will not take stays in memory, and `lasting` turns False: such secrets end with the
    process. Safe to use from several threads. No call takes longer than `time_limit` seconds.
    """

    def __init__(
        self,
        backend: KeyringBackend | None = None,
        time_limit: float = _TIME_LIMIT,
        turns: Path | None = None,
    ) -> None:
        """`backend` is for tests and special set-ups; by default keyring chooses.

        With the lock file `turns` one process at a time uses the keyring: backends that keep a file lose
        secrets when two write at once.
        What the user names in `PYTHON_KEYRING_BACKEND` or keyring's own configuration is used; of those found
        by themselves only backends that keyring recommends are, which leaves out plain files.
        """
        self._chosen = backend
        self._time_limit = time_limit
        self._turns = turns
        self._lock = threading.RLock()
        self._memory: dict[str, str] = {}
        self._lasting = True

    @property
    def lasting(self) -> bool:
        """False once a secret could only be kept in memory."""
        return self._lasting

    def get(self, name: str) -> str | None:
        """The secret, or None. Raises ReelyError `keyring-silent` if there is no answer in time."""
        with self._lock:
            if name in self._memory:
                return self._memory[name]
        try:
            return self._within_limit(lambda backend: backend.get_password(_SERVICE, name))
        except KeyringError:
            return None  # a keyring that cannot be read holds nothing for us

    def set(self, name: str, secret: str) -> None:
        """Keep the secret: in the keyring where there is one that gives it back, else in memory."""

        def keep(backend: KeyringBackend) -> bool:
            backend.set_password(_SERVICE, name, secret)
            return backend.get_password(_SERVICE, name) == secret

        try:
            kept = self._within_limit(keep)
        except (KeyringError, ReelyError):
            kept = False
        with self._lock:
            if kept:
                self._memory.pop(name, None)
            else:
                self._memory[name] = secret
                self._lasting = False

    def delete(self, name: str) -> None:
        """Forget the secret; no error where there is none. Raises ReelyError `keyring-silent`."""
        with self._lock:
            self._memory.pop(name, None)

        def forget(backend: KeyringBackend) -> None:
            with suppress(PasswordDeleteError):  # what is not there
                backend.delete_password(_SERVICE, name)

        # Without a keyring nothing was kept there.
        with suppress(KeyringError):
            self._within_limit(forget)

    def _backend(self) -> KeyringBackend:
        if self._chosen is None:
            keyring.core.init_backend(limit=keyring.core.recommended)
            self._chosen = keyring.core.get_keyring()
        return self._chosen

    def _within_limit(self, call: Callable[[KeyringBackend], T]) -> T:
        """Run `call` on a thread of its own, because a keyring may wait for the user, or for ever."""
        answers: list[T] = []
        failures: list[Exception] = []

        def run() -> None:
            try:
                with exclusive(self._turns) if self._turns else nullcontext():
                    answers.append(call(self._backend()))
            except KeyringError as error:
                failures.append(error)
            except Exception as error:  # noqa: BLE001 - backends let D-Bus, COM and OS errors through
                failures.append(KeyringError(f"{type(error).__name__} from the keyring"))

        thread = threading.Thread(target=run, name="keyring", daemon=True)
        started = time.monotonic()
        thread.start()
        thread.join(max(0.0, self._time_limit - (time.monotonic() - started)))
        if failures:
            raise failures[0]
        if not answers:
            raise ReelyError(
                "keyring-silent",
                "The keyring of this computer does not answer.",
                "Unlock it (there may be a window that asks for its password) and try again.",
                Exit.ACCOUNT,
            )
        return answers[0]
