"""Reasons: which signals made a candidate what it is, each with the words that show it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from desktop.hooks.models import Reason
from desktop.hooks.ranking import Ranked
from desktop.hooks.sentences import Sentence
from desktop.hooks.signals.curve import Curve, Place, Signal

_MOST = 5
_LEAST = 0.02  # of the logarithm of expected highlights; what adds less is no reason
_QUOTED = 70  # characters of a sentence that is shown


def reasons_of(
    pick: int,
    ranked: Ranked,
    measured: Sequence[tuple[Signal, Curve]],
    sentences: Sequence[Sentence],
) -> tuple[Reason, ...]:
    """At least one reason, the strongest first; weights are shares of all that speaks for the candidate."""
    added = {name: float(part[pick]) for name, part in ranked.parts.items()}
    ordered = sorted(added, key=lambda name: (-added[name], name))
    told = [name for name in ordered if added[name] >= _LEAST][:_MOST] or ordered[:1]
    whole = sum(value for value in added.values() if value > 0) or 1.0
    first, last = int(ranked.candidates.first[pick]), int(ranked.candidates.last[pick])
    by_name = {signal.name: (signal, curve) for signal, curve in measured}
    return tuple(
        Reason(
            signal=name,
            weight=round(max(0.0, added[name]) / whole, 3),
            note=_note(*by_name[name], sentences[first : last + 1], first),
        )
        for name in told
    )


def _note(signal: Signal, curve: Curve, inside: Sequence[Sentence], first: int) -> str:
    if not signal.shows:
        return signal.note
    place = {Place.FIRST: 0, Place.LAST: len(inside) - 1}.get(signal.place)
    if place is None:
        place = int(np.argmax(curve.values[first : first + len(inside)]))
    text = inside[place].text
    if len(text) > _QUOTED:
        text = (text[: _QUOTED - 1].rpartition(" ")[0] or text[: _QUOTED - 1]) + "…"
    return f"{signal.note}: {text}"
