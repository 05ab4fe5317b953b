"""Taking turns with other Reelys on this computer, and knowing which of them still live."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from desktop.errors import Exit, ReelyError
from desktop.files import disk_error

_LOCK_LIMIT = 90.0  # seconds; longer than what is done under a lock may take


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """One holder at a time, among all threads and processes; ends with its process. Not to be nested.

    Raises ReelyError `account-busy` where the turn does not come.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(path, timeout=_LOCK_LIMIT)
        lock.acquire()
    except Timeout as error:
        raise ReelyError(
            "account-busy",
            "Another Reely on this computer is busy with the account.",
            "Wait for it to finish and try again.",
            Exit.ACCOUNT,
        ) from error
    except OSError as error:
        raise disk_error(error, path) from error
    try:
        yield
    finally:
        lock.release()


class Owner:
    """What a permit belongs to: this process, as long as it lives, told by a lock that ends with it.

    Process ids would come round again, and start times move with the clock.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: FileLock | None = None
        self._guard = threading.Lock()
        self.id = uuid.uuid4().hex

    def register(self) -> str:
        """Make this owner known as alive; its id."""
        with self._guard:
            if self._lock is None:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                # For the whole process, whichever thread asks.
                lock = FileLock(self._folder / self.id, thread_local=False)
                lock.acquire(blocking=False)
                self._lock = lock
            return self.id

    def is_alive(self, owner: str) -> bool:
        """Whether the process that `owner` belongs to still runs."""
        with self._guard:
            if owner == self.id:
                return self._lock is not None
        path = self._folder / owner
        if not path.exists():
            return False
        lock = FileLock(path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return True
        lock.release()
        return False

    def forget(self, owner: str) -> None:
        """Remove what a dead owner left."""
        (self._folder / owner).unlink(missing_ok=True)

    def close(self) -> None:
        """This owner has ended: what it still holds may be released by others."""
        with self._guard:
            if self._lock is not None:
                self._lock.release()
                self._lock = None
                (self._folder / self.id).unlink(missing_ok=True)
