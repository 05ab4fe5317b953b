"""The command `reely`: arguments in, one workflow called, words or JSON lines out."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from desktop import __version__
from desktop.account_commands import account
from desktop.command import console_for, json_option, open_workflow
from desktop.console import HumanConsole, JsonConsole
from desktop.errors import Cancelled, Exit, ReelyError, internal_error
from desktop.files import disk_error
from desktop.hooks_command import hooks
from desktop.jobs.progress import ProgressWriter, span
from desktop.llm_command import llm
from desktop.timecode import format_timecode, parse_timecode
from desktop.transcript_command import transcript

logger = logging.getLogger(__name__)


def main() -> NoReturn:
    """The entry point of `reely`, also in the frozen app."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["worker"]:  # a job's child process, which imports only what it needs
        from desktop.worker import main as worker_main

        sys.exit(worker_main())
    signal.signal(signal.SIGTERM, _interrupt)
    console = JsonConsole() if "--json" in arguments else HumanConsole()
    try:
        cli.main(args=arguments, prog_name="reely", standalone_mode=False)
        sys.exit(Exit.DONE)
    except ReelyError as error:
        failure = error
    except (KeyboardInterrupt, click.Abort):
        failure = Cancelled()
    except OSError as error:
        failure = disk_error(error, Path(error.filename or "."))
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        hint = error.ctx.get_usage() if isinstance(error, click.UsageError) and error.ctx else ""
        failure = ReelyError("usage", error.format_message(), hint or "See `reely --help`.", Exit.USAGE)
    except Exception as error:
        logger.exception("a fault of our own")
        failure = internal_error(error)
    console.error(failure)
    sys.exit(failure.exit)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="reely")
@click.pass_context
def cli(context: click.Context) -> None:
    """Turn long videos into short ones. Without a command, the window opens."""
    if context.invoked_subcommand is None:
        context.invoke(app, source=None, smoke_test=False)


@cli.command()
@click.argument("source", required=False)
@click.option("--smoke-test", is_flag=True, hidden=True, help="Quit once SOURCE is shown; 1 if it is not.")
def app(source: str | None, smoke_test: bool) -> None:
    """Open the window."""
    from desktop.app import run_app

    sys.exit(run_app(source, quit_when_shown=smoke_test))


@cli.command()
@click.argument("source")
@json_option
def probe(source: str, as_json: bool) -> None:
    """Say what SOURCE is: title, duration, streams, captions, chapters, most-replayed curve."""
    from desktop.report import describe_source, source_data

    console = console_for(as_json)
    with open_workflow() as workflow, console.working():
        opened = workflow.open(source, ProgressWriter(console.progress))
    console.result(source_data(opened), describe_source(opened))


@cli.command()
@click.argument("source")
@click.option("--from", "starts", metavar="T", multiple=True, help="In point; repeat for several segments.")
@click.option("--to", "ends", metavar="T", multiple=True, help="Out point; -T counts from the end.")
@click.option("--mode", type=click.Choice(["smart", "copy", "exact"]), default="smart", show_default=True)
@click.option("--separate", is_flag=True, help="One clip a segment instead of one joined clip.")
@click.option(
    "--max-height", type=click.IntRange(min=72, max=8640), metavar="N", help="At most N lines high."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE|DIR")
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
@json_option
def trim(
    source: str,
    starts: tuple[str, ...],
    ends: tuple[str, ...],
    mode: str,
    separate: bool,
    max_height: int | None,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Cut the parts between --from and --to out of SOURCE."""
    if not starts and not ends:
        raise click.UsageError("Say what to cut with --from and --to.")
    if max(len(starts), len(ends)) > 1 and len(starts) != len(ends):
        raise click.UsageError(f"There are {len(starts)} --from but {len(ends)} --to.")
    console = console_for(as_json)
    with open_workflow() as workflow, console.working():
        workflow.prepare(source)
        from desktop.report import describe_clips, trim_data
        from desktop.trim.edit import Edit, Mode

        report = ProgressWriter(console.progress)
        opened = workflow.open(source, span(report, 0.0, 0.1))
        edit = Edit(segments=_segments(starts, ends, opened.duration), mode=Mode(mode), separate=separate)
        done = workflow.trim(
            opened,
            edit,
            output or Path.cwd(),
            max_height=max_height,
            overwrite=overwrite,
            report=span(report, 0.1, 1.0),
        )
    console.result(trim_data(done), describe_clips(done))


def _segments(starts: tuple[str, ...], ends: tuple[str, ...], duration: float) -> Any:
    from desktop.trim.edit import Segment

    starts, ends = starts or ("0",), ends or ("-0",)
    segments = []
    for start_text, end_text in zip(starts, ends, strict=True):
        start, end = parse_timecode(start_text, duration), parse_timecode(end_text, duration)
        if start >= end:
            raise ReelyError(
                "segment-empty",
                f"The in point {format_timecode(start)} is not before the out point {format_timecode(end)}.",
                "Swap them or move one; a segment ends after it starts.",
                Exit.USAGE,
            )
        segments.append(Segment(start=start, end=end))
    return tuple(segments)


@cli.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what works here, what does not, and what to do about it."""
    from desktop.doctor import diagnose
    from desktop.settings import Settings

    console = console_for(as_json)
    with console.working():
        diagnosis = diagnose(Settings.from_environment())
    console.result(diagnosis.model_dump(mode="json"), diagnosis.in_words())
    sys.exit(Exit.DONE if diagnosis.usable else Exit.MEDIA)


@cli.command()
@click.option("--clear", is_flag=True, help="Remove all that can be had again and is not in use.")
@json_option
def cache(clear: bool, as_json: bool) -> None:
    """Say what Reely keeps on the disk to be quick, or remove it."""
    from desktop.cached import cached, clear_cached
    from desktop.settings import Settings

    console = console_for(as_json)
    with console.working():
        found = (clear_cached if clear else cached)(Settings.from_environment().cache)
    console.result(found.as_data(), found.in_words())


cli.add_command(account)
cli.add_command(hooks)
cli.add_command(llm)
cli.add_command(transcript)


if __name__ == "__main__":
    main()
