"""A token by which one thread asks another's work to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from desktop.errors import Cancelled


class CancelToken:
    """Set once by whoever wants the work to stop; watched by whoever does it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def cancel(self) -> None:
        """Ask for the stop. Watchers are called on this thread; a second call does nothing."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    def raise_if_cancelled(self) -> None:
        """Raises `Cancelled` once the stop was asked for."""
        if self._event.is_set():
            raise Cancelled

    @contextmanager
    def watching(self, callback: Callable[[], None]) -> Iterator[None]:
        """Within the block, `callback` is called when the stop is asked for (at once if it already was)."""
        with self._lock:
            already = self._event.is_set()
            self._callbacks.append(callback)
        try:
            if already:
                callback()
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)
