"""Sentences with their times, from words: by punctuation where there is any, else by pauses and openings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from desktop.hooks.speech import SpokenWord
from desktop.hooks.transcript import Word
from desktop.hooks.wordlists import word_set

_END = re.compile(r"[.!?…。！？؟।]+[\"'”’»)\]」』]*$")
_FIRM_END = re.compile(r"[!?…。！？؟।][\"'”’»)\]」』]*$")
_INITIALS = re.compile(r"^[\"'“‘(]*(?:[A-Za-z]\.)+$")  # J. R. R., U.S., e.g., i.e.
_NUMBERED = re.compile(r"^(?:no|nos|vol|fig|pp?|ca?|approx|ch|sec|eq)\.$", re.IGNORECASE)
_ABBREVIATIONS = word_set(
    """mr mrs ms dr prof st jr sr vs etc gen col sgt capt lt rev hon gov sen rep pres dept univ inc ltd
    corp co bros mt ft jan feb mar apr jun jul aug sep sept oct nov dec al ed est approx no vol fig bzw ca nr
    str bspw usw zb dr hr fr sra dra ud uds ej av mme mlle"""
)
_LASTING = 45.0  # seconds; a sentence that lasts longer is split at its longest pause or a comma
_LASTING_UNMARKED = 20.0  # seconds; where nobody set marks, a run is no sentence for sure
_LEAST = 4  # words on each side of such a split
_PUNCTUATED = 45  # words: with fewer marks than one for so many, the marks are chance
_PAUSE = 0.7  # seconds between words that end a sentence where there are no marks
_OPENINGS = word_set("so and but now okay ok well because then if when what why how i we you the")
# CJK symbols and punctuation, kana, ideographs, full-width forms; Korean has spaces.
_IDEOGRAPHIC = re.compile("[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60]")
_NO_SPACE = re.compile(f"(?<={_IDEOGRAPHIC.pattern}) (?={_IDEOGRAPHIC.pattern})")
BEAT = 5.0
"""Seconds."""


@dataclass(frozen=True)
class Sentence:
    """A run of words that says something; times in seconds.

    `sure_start` and `sure_end`: whether a caption or a recogniser gave that time.
    `pause` is the silence before it, `turn` that another speaker begins with it.
    """

    start: float
    end: float
    text: str
    words: tuple[SpokenWord, ...]
    pause: float = 0.0

    @property
    def sure_start(self) -> bool:
        return self.words[0].sure_start

    @property
    def sure_end(self) -> bool:
        return self.words[-1].sure_end

    @property
    def turn(self) -> bool:
        return self.words[0].turn

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


def sentences_of(words: Sequence[SpokenWord]) -> tuple[Sentence, ...]:
    """All words in sentences, in order; sentences do not overlap, and each has some length."""
    if not words:
        return ()
    marked = punctuated(words)
    runs = _by_marks(words) if marked else _by_pauses(words)
    longest = _LASTING if marked else _LASTING_UNMARKED
    made: list[Sentence] = []
    waiting: list[SpokenWord] = []
    for run in (short for long in runs for short in _split_long(long, longest)):
        waiting += run
        if waiting[-1].end > waiting[0].start:  # what has no time at all belongs to what follows
            made.append(_sentence(waiting, made[-1].end if made else waiting[0].start))
            waiting = []
    return tuple(made)


def punctuated(words: Sequence[SpokenWord]) -> bool:
    """Whether somebody set marks at the ends of sentences; automatic captions often have none."""
    marks = sum(1 for word in words if _END.search(word.text))
    return marks * _PUNCTUATED >= len(words)


def _sentence(words: list[SpokenWord], previous: float) -> Sentence:
    return Sentence(
        start=words[0].start,
        end=words[-1].end,
        text=joined(words),
        words=tuple(words),
        pause=max(0.0, words[0].start - previous),
    )


def joined(words: Sequence[SpokenWord]) -> str:
    """The words as they are written: with spaces, but not between characters of Chinese and Japanese."""
    text = " ".join(word.text for word in words)
    return _NO_SPACE.sub("", text) if _IDEOGRAPHIC.search(text) else text


def _by_marks(words: Sequence[SpokenWord]) -> Iterator[list[SpokenWord]]:
    run: list[SpokenWord] = []
    for word, following in zip_longest(words, words[1:]):
        run.append(word)
        if following is None or following.turn or ends_sentence(word, following):
            yield run
            run = []


def ends_sentence(word: SpokenWord | Word, following: SpokenWord | Word) -> bool:
    """Whether a sentence ends with `word`, as `following` comes next."""
    if not _END.search(word.text):
        return False
    first = following.text.lstrip("\"'“‘([«¿¡-–—")[:1]
    if first.islower():  # "Why?" she asked.  He came at 3 p.m. yesterday.
        return False
    if _FIRM_END.search(word.text) or word.text.rstrip("\"'”’»)]") != word.text:
        return True
    bare = word.text.strip("\"'“‘(").removesuffix(".").lower().replace(".", "")
    paused = following.start - word.end >= _PAUSE
    if _NUMBERED.match(word.text) and first.isdigit():
        return False
    if _INITIALS.match(word.text) and word.text.strip("\"'“‘(") not in {"I.", "A."}:
        return paused
    return bare not in _ABBREVIATIONS or paused


def _by_pauses(words: Sequence[SpokenWord]) -> Iterator[list[SpokenWord]]:
    """Where nobody set marks: after a pause, or after a shorter one before a word that opens sentences."""
    run: list[SpokenWord] = []
    for word, following in zip_longest(words, words[1:]):
        run.append(word)
        if following is None or following.turn or _END.search(word.text):
            yield run
            run = []
            continue
        needed = _PAUSE
        if following.text.lower() in _OPENINGS:
            needed *= 0.5
        lasting = following.start - run[0].start
        if lasting > 8.0:  # the longer it goes on, the shorter a pause ends it
            needed *= 8.0 / lasting
        if len(run) >= _LEAST and following.start - word.end >= needed:
            yield run
            run = []


def _split_long(run: list[SpokenWord], longest: float) -> Iterator[list[SpokenWord]]:
    """The run, or its halves where it lasts more than `longest` seconds."""
    if run[-1].end - run[0].start <= longest or len(run) < 2 * _LEAST:
        yield run
        return
    middle = (run[0].start + run[-1].end) / 2
    half = max((run[-1].end - run[0].start) / 2, 1e-9)

    def worth(place: int) -> float:
        before, after = run[place - 1], run[place]
        mark = 2.0 if before.text[-1:] in ";:—" else 1.0 if before.text[-1:] in ",-" else 0.0
        known = 0.7 if before.sure_end else 0.0
        opening = 0.5 if after.text.lower() in _OPENINGS else 0.0
        centred = 1.5 * (1 - abs(after.start - middle) / half)
        return mark + known + opening + centred + 2.0 * min(after.start - before.end, 1.0)

    place = max(range(_LEAST, len(run) - _LEAST + 1), key=worth)
    yield from _split_long(run[:place], longest)
    yield from _split_long(run[place:], longest)


def beats_of(duration: float) -> tuple[Sentence, ...]:
    """Where nobody speaks: parts of `BEAT` seconds that stand for sentences, without any text."""
    count = int(duration / BEAT + 1e-9)
    silent = [SpokenWord(start=k * BEAT, end=(k + 1) * BEAT, text="") for k in range(count)]
    return tuple(Sentence(start=one.start, end=one.end, text="", words=(one,)) for one in silent)
