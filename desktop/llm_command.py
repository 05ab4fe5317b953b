"""The command `reely llm`, and what `reely hooks --rerank llm` asks before and after it sends anything."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from desktop.command import console_for, json_option, open_workflow
from desktop.errors import Cancelled, Exit, ReelyError
from desktop.jobs.progress import ProgressWriter

if TYPE_CHECKING:
    from pydantic import JsonValue

    from desktop.hooks.llm.endpoint import Endpoint
    from desktop.hooks.llm.outgoing import Outgoing
    from desktop.hooks.models import FoundHooks, Wish
    from desktop.jobs.protocol import Report
    from desktop.language_model import LanguageModel
    from desktop.workflow import Proposed, Workflow

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Asking:
    """How `--rerank llm` was meant; `quiet` where nobody can be asked anything."""

    endpoint: Endpoint
    yes: bool
    quiet: bool


@dataclass(frozen=True)
class Ranked:
    """Hooks with the model's word or without it, and why; `exit` is that of the command."""

    proposed: Proposed
    notes: tuple[str, ...] = ()
    exit: Exit = Exit.DONE


def model_options(command: Command) -> Command:
    """Gives a command the options that say which model is asked, as `llm_url`, `llm_model` and `yes`."""
    for option in (
        click.option("--yes", is_flag=True, help="Agree to what is sent to the language model."),
        click.option("--llm-model", metavar="NAME", help="The language model's name."),
        click.option(
            "--llm-url",
            metavar="URL",
            help="Where it is: an address, or openai, anthropic, ollama, llama-cpp, lm-studio.",
        ),
    ):
        command = option(command)
    return command


def asking_of(workflow: Workflow, url: str | None, model: str | None, *, yes: bool, as_json: bool) -> Asking:
    """Raises ReelyError `llm-not-chosen`, or one for an address that is not possible."""
    from desktop.language_model import no_endpoint

    endpoint = workflow.language_model.endpoint(url, model)
    if endpoint is None:
        raise no_endpoint()
    quiet = as_json or not (sys.stdin.isatty() and sys.stderr.isatty())
    return Asking(endpoint, yes, quiet)


def show_outgoing(workflow: Workflow, found: FoundHooks, wish: Wish, asking: Asking) -> None:
    """Tell what would be sent, and have it agreed to if it was not before."""
    model = workflow.language_model
    outgoing = model.outgoing(found, wish, asking.endpoint)
    if outgoing is None or outgoing.agreed or (asking.quiet and not asking.yes):
        return
    said = f"What is said in this source would be sent to a language model.\n{outgoing.in_words}"
    click.echo(said, err=True)
    if asking.yes or _agrees(outgoing):
        model.agree(asking.endpoint)


def _agrees(outgoing: Outgoing) -> bool:
    """Whoever interrupts the question does not, and gets what was found before."""
    while True:
        try:
            choice = click.prompt(
                f"Send it to {outgoing.endpoint.host}, now and from now on? (yes, no, show)",
                type=click.Choice(["yes", "no", "show"]),
                show_choices=False,
                err=True,
            )
        except click.Abort:
            return False
        if choice != "show":
            return bool(choice == "yes")
        click.echo(outgoing.text, err=True)


def rerank(workflow: Workflow, proposed: Proposed, wish: Wish, asking: Asking, report: Report) -> Ranked:
    """The hooks as the model and Reely rank them; Reely's own where that fails, with a note that says why.

    From words alone that costs a hook run, as they were ranked for nothing before.
    """
    from desktop.language_model import not_agreed

    sent = workflow.language_model.outgoing(proposed.found, wish, asking.endpoint)
    if sent is None:
        return Ranked(proposed, ("The language model was not asked: there are no words to rank.",))
    try:
        if not sent.agreed:
            raise not_agreed(sent)
        with _paid(workflow, proposed):
            found = workflow.language_model.rerank(proposed.found, wish, asking.endpoint, report)
    except (KeyboardInterrupt, Cancelled):
        return Ranked(
            proposed, ("The language model was stopped; this is Reely's own ranking.",), Exit.CANCELLED
        )
    except ReelyError as error:
        note = f"{error.message} {error.hint} This is Reely's own ranking."
        return Ranked(proposed, (note,), Exit.ACCOUNT if error.exit is Exit.ACCOUNT else Exit.DONE)
    return Ranked(replace(proposed, found=found, status=workflow.account().status()))


@contextlib.contextmanager
def _paid(workflow: Workflow, proposed: Proposed) -> Iterator[None]:
    """Costs a hook run, where none was paid for these hooks yet, and nothing if it fails."""
    if proposed.status is not None:
        yield
        return
    from desktop.account import Meter

    evidence = proposed.found.evidence
    seconds = evidence.duration if evidence else None
    account = workflow.account()
    account.recover()
    note: dict[str, JsonValue] = {"kind": "hooks", "count": len(proposed.found.hooks), "link": False}
    with account.permit(Meter.HOOK_RUN, source_seconds=seconds, job=note) as permit:
        yield
        permit.commit()
        permit.delivered()
    with contextlib.suppress(ReelyError):  # without a network the journal keeps it
        account.settle()


@click.group()
def llm() -> None:
    """A language model of yours that ranks hooks: which one, its key, and whether it answers."""


@llm.command("show")
@json_option
def show(as_json: bool) -> None:
    """Which one is used, and where what is said may be sent."""
    console = console_for(as_json)
    with open_workflow() as workflow:
        _tell(console.result, workflow.language_model)


@llm.command("use")
@click.argument("url")
@click.option("--model", "name", metavar="NAME", help="The model's name; presets have one to begin with.")
@click.option("--context", type=int, metavar="N", help="Tokens that a question and its answer may have.")
@click.option(
    "--price",
    type=(float, float),
    metavar="SENT ANSWERED",
    help="US dollars for a million tokens sent, and answered.",
)
@click.option("--key-stdin", is_flag=True, help="Read the key from standard input.")
@json_option
def use(  # noqa: PLR0917
    url: str,
    name: str | None,
    context: int | None,
    price: tuple[float, float] | None,
    key_stdin: bool,
    as_json: bool,
) -> None:
    """Use the model at URL: an address, or openai, anthropic, ollama, llama-cpp, lm-studio."""
    console = console_for(as_json)
    with open_workflow() as workflow:
        from desktop.hooks.llm.endpoint import Price, endpoint_of

        model = workflow.language_model
        endpoint = model.endpoint(url, name)
        assert endpoint is not None  # noqa: S101 - an address was given
        endpoint = endpoint_of(endpoint.url, endpoint.model, context or endpoint.context)
        if price is not None:
            endpoint = endpoint.model_copy(update={"price": Price(sent=price[0], answered=price[1])})
        if key_stdin:
            model.set_key(endpoint, sys.stdin.readline())
        elif not endpoint.local and not model.has_key(endpoint) and sys.stdin.isatty():
            model.set_key(endpoint, click.prompt(f"Key for {endpoint.host}", hide_input=True, err=True))
        model.keep(model.choice().model_copy(update={"enabled": True, "endpoint": endpoint}))
        _tell(console.result, model)


@llm.command("test")
@json_option
def test(as_json: bool) -> None:
    """Ask it for next to nothing, to see whether it answers."""
    console = console_for(as_json)
    with open_workflow() as workflow, console.working():
        from desktop.language_model import no_endpoint

        endpoint = workflow.language_model.endpoint()
        if endpoint is None:
            raise no_endpoint()
        tried = workflow.language_model.try_out(endpoint, None, ProgressWriter(console.progress))
    console.result(tried.model_dump(mode="json"), tried.in_words(endpoint.model))


@llm.command("forget")
@json_option
def forget(as_json: bool) -> None:
    """Use none: forget which it was, its key, and what may be sent where."""
    console = console_for(as_json)
    with open_workflow() as workflow:
        workflow.language_model.forget()
        _tell(console.result, workflow.language_model)


def _tell(result: Callable[[dict[str, Any], str], None], model: LanguageModel) -> None:
    choice = model.choice()
    endpoint = choice.endpoint
    key = endpoint is not None and model.has_key(endpoint)
    data = {
        "enabled": choice.enabled,
        "url": endpoint and endpoint.url,
        "model": endpoint and endpoint.model,
        "context": endpoint and endpoint.context,
        "key": key,
        "agreed": list(choice.agreed),
    }
    result(data, "\n".join(_choice_in_words(endpoint, choice.agreed, key=key, lasting=model.keys_last)))


def _choice_in_words(
    endpoint: Endpoint | None, agreed: Sequence[str], *, key: bool, lasting: bool
) -> Iterator[str]:
    if endpoint is None:
        yield "No language model is used; hooks are ranked on this computer."
        return
    yield f"{endpoint.model} at {endpoint.url}, {endpoint.context:,} tokens a question"
    if not endpoint.local:
        yield "Its key is in the keyring or the environment." if key else "It has no key yet."
    if not lasting:
        yield "This computer has no keyring: put the key into the environment instead."
    yield (
        "What is said in your videos may be sent there."
        if endpoint.url in agreed
        else "You are asked before anything is sent there."
    )
