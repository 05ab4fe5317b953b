"""Background work for the window: threads, cancellation, and answers that arrive on the GUI thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from desktop.errors import Exit, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.ui.ports import OnProgress

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[OnProgress, CancelToken], T]


def _nothing(_: Any) -> None:
    """For whom an answer does not matter."""


@dataclass(frozen=True, eq=False)
class Task(Generic[T]):
    """What to do off the GUI thread, and what follows on the GUI thread.

    Of the tasks in one `lane` only the newest counts: starting one cancels the one before and drops its
    answer. `discard` receives a result that nobody waits for any more (on any thread), to close it.
    """

    lane: str
    work: Work[T]
    on_success: Callable[[T], None] = _nothing
    on_failure: Callable[[ReelyError], None] = _nothing
    on_progress: Callable[[Progress], None] = _nothing
    discard: Callable[[T], None] = _nothing


@dataclass(eq=False)
class _Running:
    task: Task[Any]
    token: CancelToken = field(default_factory=CancelToken)
    thread: threading.Thread | None = None


@dataclass(frozen=True)
class _Answer:
    running: _Running
    progress: Progress | None = None
    error: ReelyError | None = None
    result: Any = None


class OperationRunner(QObject):
    """Runs tasks on threads of their own. Lives on the GUI thread; `close` leaves no thread behind."""

    busy_changed = Signal()
    _answered = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest: dict[str, _Running] = {}
        self._alive: set[_Running] = set()
        self._cancelling: list[threading.Thread] = []
        self._answers: SimpleQueue[_Answer] = SimpleQueue()
        self._closed = False
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self, task: Task[Any]) -> None:
        """Begin a task, in place of the one that runs in its lane."""
        if self._closed:
            return
        self.abandon(task.lane)
        running = _Running(task)
        running.thread = threading.Thread(
            target=self._run, args=(running,), name=f"operation-{task.lane}", daemon=True
        )
        self._newest[task.lane] = running
        self._alive.add(running)
        running.thread.start()
        self.busy_changed.emit()

    def cancel(self, lane: str) -> None:
        """Ask the lane's task to stop; it then answers, as a rule with the error `cancelled`."""
        if running := self._newest.get(lane):
            self._cancel_elsewhere(running.token)

    def abandon(self, lane: str) -> None:
        """Stop the lane's task, and drop whatever it answers."""
        if running := self._newest.pop(lane, None):
            self._cancel_elsewhere(running.token)

    def _cancel_elsewhere(self, token: CancelToken) -> None:
        """Those who watch a token may end processes and wait for them: not something for the GUI thread."""
        thread = threading.Thread(target=token.cancel, name="operation-cancel", daemon=True)
        self._cancelling = [*(t for t in self._cancelling if t.is_alive()), thread]
        thread.start()

    def is_busy(self, lane: str) -> bool:
        return lane in self._newest

    def close(self, patience: float = 5.0) -> None:
        """Cancel everything and wait at most `patience` seconds until all threads have ended."""
        self._closed = True
        self._newest.clear()
        for running in self._alive:
            running.token.cancel()
        deadline = time.monotonic() + patience
        for running in self._alive:
            if running.thread:
                running.thread.join(max(0.0, deadline - time.monotonic()))
                if running.thread.is_alive():
                    log.error("%s did not stop when it was cancelled", running.thread.name)
        for thread in self._cancelling:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._alive.clear()
        self._deliver()

    # --- on the task's thread ---

    def _run(self, running: _Running) -> None:
        def progress(report: Progress) -> None:
            self._answer(_Answer(running, progress=report))

        try:
            result = running.task.work(progress, running.token)
        except ReelyError as error:
            self._answer(_Answer(running, error=error))
        except Exception:
            log.exception("a task of the window failed unexpectedly")
            self._answer(_Answer(running, error=_internal_error()))
        else:
            self._answer(_Answer(running, result=result))

    def _answer(self, answer: _Answer) -> None:
        self._answers.put(answer)
        self._answered.emit()

    # --- on the GUI thread ---

    @Slot()
    def _deliver(self) -> None:
        while True:
            try:
                answer = self._answers.get_nowait()
            except Empty:
                return
            self._hand_over(answer)

    def _hand_over(self, answer: _Answer) -> None:
        running, task = answer.running, answer.running.task
        wanted = self._newest.get(task.lane) is running
        if answer.progress is not None:
            if wanted:
                task.on_progress(answer.progress)
            return
        self._alive.discard(running)
        if running.thread:
            running.thread.join()  # it has answered, so it is at its very end
        if not wanted:
            if answer.error is None:
                task.discard(answer.result)
            return
        del self._newest[task.lane]
        self.busy_changed.emit()
        if answer.error is not None:
            task.on_failure(answer.error)
        else:
            task.on_success(answer.result)


def _internal_error() -> ReelyError:
    return ReelyError(
        "internal-error",
        "Something went wrong inside Reely.",
        "Try it again; if it happens again, please report it with the log file.",
        Exit.MEDIA,
    )
