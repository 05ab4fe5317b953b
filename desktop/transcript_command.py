"""The command `reely transcript`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from desktop.command import console_for, json_option, open_workflow
from desktop.errors import Exit, ReelyError
from desktop.jobs.progress import ProgressWriter, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from desktop.hooks.transcript import Transcript


@click.command()
@click.argument("source")
@click.option("--language", metavar="L", help="The language that is spoken, such as en or pt-BR.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it there; the name ends in .srt, .vtt or .txt.",
)
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
@json_option
def transcript(
    source: str, language: str | None, output: Path | None, overwrite: bool, as_json: bool
) -> None:
    """Say what is said in SOURCE: its captions, or what is heard where it has none."""
    console = console_for(as_json)
    started = time.monotonic()
    if output is not None:
        _refuse(output, overwrite=overwrite)
    with open_workflow() as workflow, console.working():
        report = ProgressWriter(console.progress)
        opened = workflow.open(source, span(report, 0.0, 0.1))
        got = workflow.transcripts.read(opened, language, span(report, 0.1, 0.2))
        if got.transcript is None:
            got = workflow.transcripts.listen(opened, language, span(report, 0.2, 1.0))
        if got.transcript is None:
            raise ReelyError(
                "no-words",
                " ".join(got.notes) or "There are no words in this source.",
                "Choose a source in which somebody speaks, or put captions beside the file.",
                Exit.MEDIA,
            )
        if output is not None:
            workflow.transcripts.save(got.transcript, output, overwrite=overwrite)
    data = _data(got.transcript, output, got.notes)
    data["seconds"] = round(time.monotonic() - started, 3)
    console.result(data, _words(got.transcript, output, got.notes))


def _refuse(output: Path, *, overwrite: bool) -> None:
    """Before any work, say what is wrong with the name, and what is in the way."""
    from desktop.files import already_exists
    from desktop.hooks.writing import form_of

    form_of(output)
    if output.exists() and not overwrite:
        raise already_exists(output.absolute())


def _data(words: Transcript, output: Path | None, notes: Sequence[str]) -> dict[str, Any]:
    """The shape of docs/command.md; the words themselves where they are not in a file."""
    data: dict[str, Any] = {
        "transcript": {"origin": words.origin, "language": words.language},
        "path": str(output.absolute()) if output is not None else None,
        "notes": list(notes),
    }
    if output is None:
        data["segments"] = [cue.model_dump(mode="json", exclude_defaults=True) for cue in words.cues]
    return data


def _words(words: Transcript, output: Path | None, notes: Sequence[str]) -> str:
    from desktop.hooks.writing import to_txt

    lines = [to_txt(words).rstrip("\n") if output is None else str(output.absolute())]
    return "\n".join([*lines, *notes])
