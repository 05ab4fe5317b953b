"""Candidates: runs of whole sentences within the user's bounds, starting and ending in a breath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desktop.hooks.sentences import Sentence

LEAD = 0.35
"""Seconds at most that a hook begins before its first word."""
TAIL = 0.45
"""Seconds at most that it goes on after its last word."""
BREATH = 0.5
"""Of a pause this share belongs to the sentence before it, the rest to the one after it."""
_SHOT = 0.5  # seconds within which a change of shot in a pause is where an editor would cut


@dataclass(frozen=True)
class Bounds:
    """What the user allows a hook to last, in seconds."""

    shortest: float = 15.0
    longest: float = 60.0


@dataclass(frozen=True)
class Candidates:
    """Runs `first[k]`..`last[k]` of sentences, with the times in seconds at which they would be cut."""

    first: NDArray[np.intp]
    last: NDArray[np.intp]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)


def candidates_of(
    sentences: Sequence[Sentence], duration: float, bounds: Bounds, shots: Sequence[float] = ()
) -> Candidates:
    """All runs of whole sentences that last as long as the bounds allow, in order of their start.

    `duration` is the source's length, `shots` are the times of its changes of shot, both in seconds.
    """
    starts, ends = _edges(sentences, duration, np.sort(np.asarray(shots, dtype=np.float64)))
    first: list[NDArray[np.intp]] = []
    last: list[NDArray[np.intp]] = []
    for place, start in enumerate(starts):
        low = max(place, int(np.searchsorted(ends, start + bounds.shortest - 1e-6)))
        high = int(np.searchsorted(ends, start + bounds.longest + 1e-6, side="right"))
        if low < high:
            last.append(np.arange(low, high, dtype=np.intp))
            first.append(np.full(high - low, place, dtype=np.intp))
    begun = np.concatenate(first) if first else np.empty(0, dtype=np.intp)
    ended = np.concatenate(last) if last else np.empty(0, dtype=np.intp)
    return Candidates(begun, ended, starts[begun], ends[ended])


def _edges(
    sentences: Sequence[Sentence], duration: float, shots: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each sentence where a hook that begins or ends with it is cut: in the pause, never in a word."""
    begin = np.array([sentence.start for sentence in sentences])
    finish = np.array([sentence.end for sentence in sentences])
    before = np.concatenate([[begin[0] if len(begin) else 0.0], begin[1:] - finish[:-1]])[: len(begin)]
    after = np.concatenate(
        [begin[1:] - finish[:-1], [max(0.0, duration - finish[-1]) if len(finish) else 0.0]]
    )
    lead = np.minimum(LEAD, np.maximum(0.0, before) * BREATH)
    tail = np.minimum(TAIL, np.maximum(0.0, after[: len(finish)]) * BREATH)
    starts, ends = begin - lead, finish + tail
    if len(shots):
        starts = _to_shot(starts, begin, shots, low=begin - lead, high=begin)
        ends = _to_shot(ends, finish, shots, low=finish, high=finish + tail)
    # Ends never fall: a shot may pull one back, but not before that of the sentence before it.
    return np.maximum(0.0, starts), np.minimum(np.maximum.accumulate(ends), max(duration, 0.0))


def _to_shot(
    edges: NDArray[np.float64],
    words: NDArray[np.float64],
    shots: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Edges moved to the change of shot nearest to the word, where there is one between `low` and `high`."""
    right = np.clip(np.searchsorted(shots, words), 0, len(shots) - 1)
    moved = edges.copy()
    for place in (np.maximum(right - 1, 0), right):
        shot = shots[place]
        inside = (shot >= low) & (shot <= high) & (np.abs(shot - words) <= _SHOT)
        moved = np.where(inside, shot, moved)
    return moved
