"""What all commands share: `--json`, how they speak, and the workflow that they call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from desktop.console import Console, HumanConsole, JsonConsole

if TYPE_CHECKING:
    from desktop.workflow import Workflow

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Gives a command the option `--json`, as its parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="JSON lines on standard output.")(command)


def console_for(as_json: bool) -> Console:
    return JsonConsole() if as_json else HumanConsole()


def open_workflow() -> Workflow:
    """The rooms put together, with the settings of the environment and a log file."""
    from desktop.log import log_to_file
    from desktop.settings import Settings
    from desktop.workflow import Workflow

    settings = Settings.from_environment()
    log_to_file(settings.log)
    return Workflow(settings)
