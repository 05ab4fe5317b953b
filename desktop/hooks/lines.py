"""A transcript as lines to read along: its sentences, and between them what captions say beside speech."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from desktop.hooks.candidates import BREATH, LEAD, TAIL
from desktop.hooks.sentences import joined, punctuated, sentences_of
from desktop.hooks.speech import SpokenWord, speech_of
from desktop.hooks.transcript import Transcript

LONGEST = 280
"""Characters, of which a line has more only where a single word has."""
MOST_LINES = 100_000
_LASTING_UNMARKED = 8.0  # seconds; where nobody set marks, captions are the best that there is
_LABEL = re.compile(r"[\[【［(（♪♫♬♩]")


@dataclass(frozen=True)
class Line:
    """From `start` to `end` in seconds; not `spoken` are lyrics, and sounds such as `[Laughter]`."""

    start: float
    end: float
    text: str
    spoken: bool = True


def lines_of(transcript: Transcript) -> tuple[Line, ...]:
    """All that the transcript says, in the order of its times."""
    words = speech_of(transcript).words
    lasting = float("inf") if punctuated(words) else _LASTING_UNMARKED
    runs = [each.words for each in sentences_of(words)]
    runs.append(words[sum(map(len, runs)) :])  # at the very end, and without any time: no sentence
    said = islice((line for run in runs for line in _short(run, lasting)), MOST_LINES)
    return tuple(sorted([*said, *_beside(transcript)], key=lambda line: (line.start, line.end)))


def line_at(lines: Sequence[Line], time: float) -> int | None:
    """The number of the line that is said at `time`, or was said last; None before the first."""
    place = bisect_right(lines, time, key=lambda line: line.start)
    return place - 1 if place else None


def cut_around(lines: Sequence[Line], first: int, last: int, duration: float) -> tuple[float, float]:
    """Where lines `first` to `last` are cut out: in the pauses around them, as hooks are, in seconds."""
    start, end = lines[first].start, max(line.end for line in lines[first : last + 1])
    before = lines[first - 1].end if first else 0.0
    after = lines[last + 1].start if last + 1 < len(lines) else duration
    lead = min(LEAD, max(0.0, start - before) * BREATH)
    tail = min(TAIL, max(0.0, after - end) * BREATH)
    return max(0.0, start - lead), min(end + tail, duration)


def _short(words: Sequence[SpokenWord], lasting: float) -> Iterator[Line]:
    """A run of words, in parts where it is too long for a line, or lasts longer and a caption ends there."""
    part: list[SpokenWord] = []
    length = 0
    for word in words:
        late = part and word.sure_start and word.start - part[0].start >= lasting
        if late or (part and length + len(word.text) > LONGEST):
            yield _line(part)
            part, length = [], 0
        part.append(word)
        length += len(word.text) + 1
    if part:
        yield _line(part)


def _line(words: list[SpokenWord]) -> Line:
    text = unicodedata.normalize("NFC", joined(words))  # as keyboards write what is looked for
    return Line(words[0].start, max(words[0].start, words[-1].end), text)


def _beside(transcript: Transcript) -> Iterator[Line]:
    """The cues in which nobody speaks."""
    for cue in transcript.cues:
        if _LABEL.search(cue.text) and not speech_of(transcript.model_copy(update={"cues": (cue,)})).words:
            yield Line(cue.start, cue.end, unicodedata.normalize("NFC", cue.text), spoken=False)
