"""The command `reely hooks`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from desktop.command import console_for, json_option, open_workflow
from desktop.errors import Cancelled, Exit, ReelyError
from desktop.jobs.progress import ProgressWriter, span
from desktop.llm_command import Ranked, asking_of, model_options, show_outgoing
from desktop.llm_command import rerank as ask_model

if TYPE_CHECKING:
    from desktop.jobs.protocol import Report
    from desktop.source.models import Source
    from desktop.trim.edit import Clip
    from desktop.workflow import Proposed, Workflow


@click.command()
@click.argument("source", required=False)
@click.option("--count", type=click.IntRange(1, 50), default=5, show_default=True, metavar="N")
@click.option("--min", "shortest", type=click.FloatRange(1, 3600), default=15, show_default=True, metavar="S")
@click.option("--max", "longest", type=click.FloatRange(1, 3600), default=60, show_default=True, metavar="S")
@click.option("--language", metavar="L", help="The language that is spoken, such as en or pt-BR.")
@click.option(
    "--transcript",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Use this transcript (vtt, srt, json3, srv3 or JSON); SOURCE may then be left out.",
)
@click.option("--describe", metavar="TEXT", help="Look for moments about TEXT.")
@click.option(
    "--rerank",
    type=click.Choice(["local", "llm"]),
    default="local",
    show_default=True,
    help="Who ranks: Reely alone, or a language model of yours with it.",
)
@model_options
@click.option("--cut", type=click.Path(path_type=Path), metavar="DIR", help="Also trim each hook into DIR.")
@json_option
def hooks(
    source: str | None,
    count: int,
    shortest: float,
    longest: float,
    language: str | None,
    transcript: Path | None,
    describe: str | None,
    rerank: str,
    llm_url: str | None,
    llm_model: str | None,
    yes: bool,
    cut: Path | None,
    as_json: bool,
) -> None:
    """Find the moments of SOURCE that are worth cutting, best first."""
    if source is None and transcript is None:
        raise click.UsageError("Name a SOURCE, or a --transcript.")
    if source is None and cut is not None:
        raise click.UsageError("--cut needs a SOURCE to cut from.")
    if shortest > longest:
        raise click.UsageError(f"--min {shortest:g} is longer than --max {longest:g}.")
    if describe is not None and not 0 < len(describe.strip()) <= 500:
        raise click.UsageError("--describe takes 1 to 500 characters.")
    console = console_for(as_json)
    clips: list[Clip] | None = None
    failure: ReelyError | None = None
    with open_workflow() as workflow:
        from desktop.hooks.models import Wish
        from desktop.hooks_report import describe_hooks, hooks_data

        asking = None
        if rerank == "llm":
            asking = asking_of(workflow, llm_url, llm_model, yes=yes, as_json=as_json)
        report = ProgressWriter(console.progress)
        wish = Wish(count=count, shortest=shortest, longest=longest, language=language, describe=describe)
        opened_until, ranked_until = 0.2 if source is not None else 0.0, 0.6 if cut else 1.0
        found_until = ranked_until / 2 + opened_until / 2 if asking else ranked_until
        with console.working():
            opened = workflow.open(source, span(report, 0.0, opened_until)) if source is not None else None
            finding = span(report, opened_until, found_until)
            ranked = Ranked(workflow.hooks(opened, wish, transcript, report=finding))
        if asking is not None:
            show_outgoing(workflow, ranked.proposed.found, wish, asking)
            with console.working():
                asked = span(report, found_until, ranked_until)
                ranked = ask_model(workflow, ranked.proposed, wish, asking, asked)
        proposed = ranked.proposed
        if opened is not None and cut is not None and ranked.exit is Exit.DONE:
            with console.working():
                cutting = span(report, ranked_until, 1.0)
                clips, proposed, failure = _cut(workflow, opened, proposed, cut, cutting)
    notes = [*ranked.notes, *([f"{failure.message} {failure.hint}"] if failure else [])]
    console.result(hooks_data(proposed, clips, notes), describe_hooks(proposed, clips, notes))
    sys.exit(failure.exit if failure else ranked.exit)


def _cut(
    workflow: Workflow, source: Source, proposed: Proposed, folder: Path, report: Report
) -> tuple[list[Clip], Proposed, ReelyError | None]:
    """A clip of each hook, what is left after them, and why there are no more."""
    from desktop.files import disk_error, free_name
    from desktop.source.text import clip_name
    from desktop.trim.edit import Edit, Segment

    clips: list[Clip] = []
    hooks = proposed.found.hooks
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for place, hook in enumerate(hooks):
            edit = Edit(segments=(Segment(start=hook.start, end=hook.end),))
            suffix = workflow.suggest_name(source, edit, folder).suffix
            target = free_name(folder / clip_name(f"{place + 1} {hook.title}", suffix))
            cutting = span(report, place / len(hooks), (place + 1) / len(hooks))
            done = workflow.trim(source, edit, target, report=cutting)
            clips += done.clips
            proposed = replace(proposed, status=done.status)
    except Cancelled:
        raise
    except ReelyError as error:
        return clips, proposed, error
    except OSError as error:
        return clips, proposed, disk_error(error, folder)
    return clips, proposed, None
