"""The rules that every answer keeps, whatever the hooks are worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from desktop.hooks.candidates import LEAD, TAIL
from desktop.hooks.models import FoundHooks, Wish
from desktop.hooks.sentences import Sentence

_ROUNDED = 2e-3  # seconds


def faults(answer: FoundHooks, sentences: Sequence[Sentence], duration: float, wish: Wish) -> Iterator[str]:
    """What is wrong with the answer; `duration` is the source's length in seconds."""
    hooks = answer.hooks
    if not hooks and not answer.notes:
        yield "no hooks, and not why"
    if len(hooks) > wish.count:
        yield "too many"
    if any(before.score < after.score for before, after in pairwise(hooks)):
        yield "unordered"
    for hook in hooks:
        if hook.start < 0 or hook.end > duration + _ROUNDED:
            yield "outside"
        if not wish.shortest - _ROUNDED <= hook.end - hook.start <= wish.longest + _ROUNDED:
            yield "too short or long"
        if not any(-_ROUNDED <= one.start - hook.start <= LEAD + _ROUNDED for one in sentences):
            yield "begins in the middle of a sentence"
        if not any(-_ROUNDED <= hook.end - one.end <= TAIL + _ROUNDED for one in sentences):
            yield "ends in the middle of a sentence"
        if not hook.reasons or not all(reason.note for reason in hook.reasons):
            yield "no reason"
        if not hook.title.strip():
            yield "no title"
    in_time = sorted(hooks, key=lambda hook: hook.start)
    if any(one.end > two.start + _ROUNDED for one, two in pairwise(in_time)):
        yield "overlapping"
