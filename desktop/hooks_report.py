"""What `reely hooks` answers: JSON for programs (the shape of docs/command.md) and words for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from desktop.hooks.models import Hook, Usage
from desktop.report import clip_data, describe_left
from desktop.timecode import format_timecode
from desktop.trim.edit import Clip
from desktop.workflow import Proposed


def hooks_data(proposed: Proposed, clips: Sequence[Clip] | None, notes: Sequence[str]) -> dict[str, Any]:
    """The `hooks` result of the contract; with `clips` where they were asked for."""
    found = proposed.found
    data: dict[str, Any] = {
        "hooks": [hook.model_dump(mode="json", exclude_none=True) for hook in found.hooks],
        "transcript": found.transcript and found.transcript.model_dump(mode="json"),
        "seconds": round(proposed.seconds, 3),
        "notes": [*found.notes, *notes],
    }
    if found.usage is not None:
        data["language_model"] = found.usage.model_dump(mode="json")
    if clips is not None:
        data["clips"] = [clip_data(clip) for clip in clips]
    if proposed.status is not None:
        data["quota"] = {
            name: meter.model_dump(mode="json") for name, meter in proposed.status.meters.items()
        }
    return data


def describe_hooks(proposed: Proposed, clips: Sequence[Clip] | None, notes: Sequence[str]) -> str:
    """The hooks with their reasons, where their clips are, and what the user should know."""
    lines = [line for place, hook in enumerate(proposed.found.hooks, 1) for line in _hook(place, hook)]
    lines += [str(clip.path) for clip in clips or ()]
    lines += [*proposed.found.notes, *notes]
    if proposed.found.usage is not None:
        lines.append(describe_usage(proposed.found.usage))
    if proposed.status is not None:
        lines += describe_left(proposed.status)
    return "\n".join(lines)


def _hook(place: int, hook: Hook) -> Iterable[str]:
    span = f"{format_timecode(hook.start, 1)} to {format_timecode(hook.end, 1)}"
    yield f"{place}. {hook.title}"
    yield f"   {span}, score {hook.score:.0f}" + (f", title by {hook.title_by}" if hook.title_by else "")
    for reason in hook.reasons:
        yield f"   {reason.by} says: {reason.note}" if reason.by else f"   {reason.note}"


def describe_usage(usage: Usage) -> str:
    """Who ranked hooks beside Reely, and what that took."""
    said = f"Ranked with {usage.model} at {usage.host}: {usage.requests} questions"
    tokens = f", {usage.sent + usage.answered:,} tokens" if usage.sent else ""
    cost = f", ${usage.cost:.4f}" if usage.cost else ""
    return f"{said}{tokens}{cost}."
