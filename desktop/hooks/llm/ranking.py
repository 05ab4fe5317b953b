"""Hooks as a language model ranks them: what it proposes, a final with Reely's own best, and the scores.

The finalists are what the model proposed in each part and what Reely's own ranking has chosen. The model
puts them in order. Both orders count (`_MODEL` of it the model's), and the finalists' own scores are dealt
out anew in the order that comes of it: no score is made up, so scores stay comparable between videos.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from statistics import NormalDist
from typing import Protocol, TypeVar

import numpy as np

from desktop.hooks.candidates import Candidates
from desktop.hooks.llm.answers import (
    Form,
    UnusableError,
    Verdict,
    form_of_proposals,
    form_of_ranking,
    proposals_in,
    ranking_in,
    reason_in,
    title_in,
)
from desktop.hooks.llm.prompts import Message, Part, again, final_of, most_finalists, parts_of, per_part
from desktop.hooks.models import Evidence, Hook, Reason, Wish
from desktop.hooks.signals.curve import Material
from desktop.hooks.slate import Slate, slate_from
from desktop.jobs.protocol import Report

T = TypeVar("T")

_MODEL = 0.7
"""How much the model's order counts; the rest is Reely's own. Chosen by hand, not measured."""
_LEAST_ALIKE = 0.3  # of both together that a proposal and the candidate nearest to it share, in seconds
_SAME = 0.5  # of both together; finalists that share more are one
_BELOW = 1e-3  # what is no finalist is worth less than the last of them
_STAGE = "asking the language model"
SIGNAL = "language model"
"""The signal of a reason that a model gave."""


class Model(Protocol):
    """Somebody who answers."""

    @property
    def name(self) -> str: ...

    @property
    def context(self) -> int:
        """Tokens that a question and its answer may have."""

    def answer(self, messages: Sequence[Message], form: Form) -> str:
        """Any text at all, of a form if it is well done. Raises ReelyError where there is none."""


@dataclass(frozen=True)
class Judged:
    """Hooks, best first, and what to know about them."""

    hooks: tuple[Hook, ...]
    notes: tuple[str, ...]


def judge(evidence: Evidence, wish: Wish, model: Model, report: Report) -> Judged:
    """The hooks of a source in the order of the model and Reely together.

    Raises UnusableError where the model's answers cannot be used, and what `model.answer` raises.
    """
    slate = slate_from(evidence, wish)
    if slate is None:
        raise UnusableError("there is nothing to choose from")
    parts = list(parts_of(evidence, wish, model.context))
    whole = len(parts) + 1  # with the final
    proposed: list[list[int]] = []
    faults: list[str] = []
    for number, part in enumerate(parts):
        report(_STAGE, number / whole)
        try:
            proposed.append(_proposed(slate, part, model, per_part(wish)))
        except UnusableError as fault:
            faults.append(str(fault))
    if len(faults) == len(parts):
        raise UnusableError(faults[0])
    report(_STAGE, len(parts) / whole)
    finalists = _finalists(slate, proposed, wish)
    final = final_of(evidence, [_run(slate, index) for index in finalists], wish, model.context)
    count = len(finalists)
    verdicts = _answered(model, final, form_of_ranking(count), lambda answer: ranking_in(answer, count))
    words = {finalists[verdict.moment - 1]: verdict for verdict in _distinct(verdicts)}
    notes = []
    if faults:
        notes.append(f"{model.name} gave no usable answer to {len(faults)} of {len(parts)} parts.")
    return Judged(_hooks(slate, wish, finalists, words, model.name), tuple(notes))


def _proposed(slate: Slate, part: Part, model: Model, most: int) -> list[int]:
    """Candidates that the model proposes in a part."""

    def read(answer: str) -> list[tuple[int, int]]:
        return proposals_in(answer, part.first, part.last)

    runs = _answered(model, part.messages, form_of_proposals(most), read)
    found = (nearest_candidate(slate.material, slate.ranked.candidates, *run) for run in runs)
    return [index for index in found if index is not None]


def _answered(model: Model, messages: tuple[Message, ...], form: Form, read: Callable[[str], T]) -> T:
    """The answer, or the second one where the first cannot be used."""
    answer = model.answer(messages, form)
    try:
        return read(answer)
    except UnusableError as fault:
        return read(model.answer(again(messages, answer, str(fault)), form))


def nearest_candidate(material: Material, candidates: Candidates, first: int, last: int) -> int | None:
    """The candidate that shares most time with sentences `first`..`last`; None where none shares enough.

    So whatever the model proposes keeps the user's bounds, and is cut as everything else.
    """
    starts, ends = material.starts, material.ends
    begin, finish = starts[first], ends[last]
    from_, to = starts[candidates.first], ends[candidates.last]
    shared = np.minimum(to, finish) - np.maximum(from_, begin)
    both = np.maximum(to, finish) - np.minimum(from_, begin)
    alike = shared / np.maximum(both, 1e-9)
    index = int(np.argmax(alike))
    return index if alike[index] >= _LEAST_ALIKE else None


def _distinct(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Without what is said of several moments alike, as small models do: it says nothing of any."""
    titles = Counter(_plain(verdict.title) for verdict in verdicts)
    reasons = Counter(_plain(verdict.reason) for verdict in verdicts)
    return [
        Verdict(
            moment=verdict.moment,
            title=verdict.title if titles[_plain(verdict.title)] == 1 else "",
            reason=verdict.reason if reasons[_plain(verdict.reason)] == 1 else "",
        )
        for verdict in verdicts
    ]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _run(slate: Slate, index: int) -> tuple[int, int]:
    """The first and the last sentence of a candidate."""
    candidates = slate.ranked.candidates
    return int(candidates.first[index]), int(candidates.last[index])


def _finalists(slate: Slate, proposed: Sequence[Sequence[int]], wish: Wish) -> list[int]:
    """Candidates that are compared, in order of time: nobody sees who proposed what."""
    own = [pick.index for pick in slate.picks(wish.count)]
    rounds: Iterable[tuple[int | None, ...]] = zip_longest(own, *proposed)
    chosen: list[int] = []
    for index in (index for each in rounds for index in each if index is not None):
        if len(chosen) < most_finalists(wish) and all(
            _alike(slate, index, other) < _SAME for other in chosen
        ):
            chosen.append(index)
    return sorted(chosen, key=lambda index: (slate.ranked.candidates.starts[index], index))


def _alike(slate: Slate, one: int, two: int) -> float:
    """The time that two candidates share, as a part of what they have together."""
    starts, ends = slate.ranked.candidates.starts, slate.ranked.candidates.ends
    shared = min(ends[one], ends[two]) - max(starts[one], starts[two])
    both = max(ends[one], ends[two]) - min(starts[one], starts[two])
    return float(shared / both) if both > 0 else 1.0


def _hooks(
    slate: Slate, wish: Wish, finalists: Sequence[int], words: Mapping[int, Verdict], name: str
) -> tuple[Hook, ...]:
    """The best that differ; `words` are what the model says of candidates, best first."""
    quality = slate.ranked.quality
    own = sorted(finalists, key=lambda index: (-quality[index], index))
    theirs = [*words, *(index for index in own if index not in words)]
    by_model, by_reely = _normal_scores(theirs), _normal_scores(own)
    together = {index: _MODEL * by_model[index] + (1 - _MODEL) * by_reely[index] for index in finalists}
    order = sorted(finalists, key=lambda index: (-together[index], -quality[index], index))
    dealt = np.minimum(quality, quality[own[-1]] - _BELOW)
    dealt[order] = quality[own]
    lowest = min(by_model.values())
    hooks = []
    again_ranked = slate.with_quality(dealt)
    for pick in again_ranked.picks(wish.count):
        hook = again_ranked.hook(pick)
        if pick.index in words:
            lifted = _MODEL * (by_model[pick.index] - lowest)
            whole = lifted + (1 - _MODEL) * (by_reely[pick.index] - lowest)
            hook = _worded(hook, words[pick.index], name, lifted / whole if whole > 0 else 0.0)
        hooks.append(hook)
    return tuple(hooks)


def _normal_scores(order: Sequence[int]) -> dict[int, float]:
    """For each rank the score that one of so many drawn from a normal distribution would have there."""
    count = len(order)
    return {index: NormalDist().inv_cdf((count - place - 0.5) / count) for place, index in enumerate(order)}


def _worded(hook: Hook, verdict: Verdict, name: str, share: float) -> Hook:
    """The hook with the model's title and reason, where they are any; `share` is what the model adds."""
    changes: dict[str, object] = {}
    if title := title_in(verdict.title):
        changes |= {"title": title, "title_by": name}
    if note := reason_in(verdict.reason):
        rest = tuple(
            reason.model_copy(update={"weight": round(reason.weight * (1 - share), 3)})
            for reason in hook.reasons
        )
        reason = Reason(signal=SIGNAL, weight=round(share, 3), note=note, by=name)
        changes["reasons"] = tuple(sorted((reason, *rest), key=lambda one: -one.weight))
    return hook.model_copy(update=changes)
