"""How the command speaks: JSON lines for programs, a progress bar and plain words for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from desktop.errors import ReelyError

if TYPE_CHECKING:
    from desktop.jobs.protocol import Progress


class Console(Protocol):
    """What a command says while and after it works."""

    def progress(self, progress: Progress) -> None:
        """How far the work is."""

    def result(self, data: Mapping[str, Any], words: str) -> None:
        """The answer: `data` for programs, `words` for people."""

    def error(self, error: ReelyError) -> None:
        """The failure."""

    def working(self) -> Any:
        """A context within which progress is shown."""


class JsonConsole:
    """JSON lines on standard output, and nothing else there."""

    def progress(self, progress: Progress) -> None:
        self._write(progress.model_dump(mode="json"))

    def result(self, data: Mapping[str, Any], words: str) -> None:
        del words
        self._write({"event": "result", **data})

    def error(self, error: ReelyError) -> None:
        from desktop.jobs.protocol import Failure  # noqa: PLC0415 - pydantic; most commands do without

        self._write(Failure.of(error).model_dump(mode="json", exclude={"exit"}))

    @contextmanager
    def working(self) -> Iterator[None]:
        yield

    @staticmethod
    def _write(message: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
        sys.stdout.flush()


class HumanConsole:
    """Answers on standard output; progress and errors on standard error, with a bar on a terminal."""

    def __init__(self) -> None:
        self._out = RichConsole(soft_wrap=True, highlight=False, emoji=False)
        self._err = RichConsole(stderr=True, soft_wrap=True, highlight=False, emoji=False)
        self._bar: Bar | None = None
        self._task = TaskID(0)
        self._stage = ""

    def progress(self, progress: Progress) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=progress.stage, completed=progress.fraction)
        elif progress.stage != self._stage:
            self._stage = progress.stage
            self._err.print(f"{progress.stage} …", markup=False)

    def result(self, data: Mapping[str, Any], words: str) -> None:
        del data
        self._out.print(words, markup=False)

    def error(self, error: ReelyError) -> None:
        self._err.print(f"[bold red]{escape(error.message)}[/]\n{escape(error.hint)} [dim]({error.code})[/]")

    @contextmanager
    def working(self) -> Iterator[None]:
        if not self._err.is_terminal:
            yield
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Bar(*columns, console=self._err, transient=True) as bar:
            self._bar = bar
            self._task = self._bar.add_task("starting", total=1.0)
            try:
                yield
            finally:
                self._bar = None
