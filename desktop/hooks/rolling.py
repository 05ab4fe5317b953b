"""Rolling captions show each line twice or more while it moves up; here each word is kept once."""

from __future__ import annotations

from collections.abc import Sequence

from desktop.hooks.transcript import Cue

_ROLLING = 0.3  # share of neighbours that repeat each other, from which on captions count as rolling
_LONGEST = 60  # words that one cue can take over from those before it
_APART = 0.6  # seconds; a line that moves up does so without a pause


def without_repetition(cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """The cues with what they repeat of those before them removed, if they are rolling captions at all.

    People do say things twice: captions where few neighbours share text stay as they are.
    """
    filled = [cue for cue in cues if cue.text.strip()]
    said = [cue.text.split() for cue in filled]
    shared = [
        _overlap(before, after) if _adjacent(one, two) else 0
        for one, two, before, after in zip(filled, filled[1:], said, said[1:], strict=False)
    ]
    if not shared or sum(count > 0 for count in shared) < _ROLLING * len(shared):
        return tuple(filled)
    kept: list[Cue] = []
    shown: list[str] = []
    for cue, words in zip(filled, said, strict=True):
        repeated = _overlap(shown, words) if kept and _adjacent(kept[-1], cue) else 0
        shown = words if repeated < len(words) else shown
        if repeated == len(words):  # nothing new: the line before is only shown for longer
            kept[-1] = kept[-1].model_copy(update={"end": max(kept[-1].end, cue.end)})
            continue
        kept.append(_without_first(cue, repeated))
    return tuple(kept)


def _adjacent(one: Cue, two: Cue) -> bool:
    return two.start - one.end < _APART


def _overlap(before: Sequence[str], after: Sequence[str]) -> int:
    """The largest number of words that end `before` and begin `after`."""
    most = min(len(before), len(after), _LONGEST)
    return next((count for count in range(most, 0, -1) if before[-count:] == after[:count]), 0)


def _without_first(cue: Cue, count: int) -> Cue:
    if not count:
        return cue
    rest = cue.text.split()[count:]
    words = cue.words[count:] if len(cue.words) == len(rest) + count else ()
    return cue.model_copy(update={"text": " ".join(rest), "words": words})
