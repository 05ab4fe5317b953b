"""Cues as short as subtitles: recognised speech comes in cues of half a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from desktop.hooks.sentences import ends_sentence
from desktop.hooks.transcript import Cue

# Two lines of 42 characters and seven seconds are what makers of subtitles usually allow.
MOST_CHARACTERS = 84
MOST_SECONDS = 7.0
_PAUSE = 1.0  # seconds of silence after which another subtitle begins


def subtitles(cues: Iterable[Cue]) -> Iterator[Cue]:
    """The same words in the same order; cues that are too long, and know when each word is said, in parts.

    A part ends with a sentence, at a pause, or where no word more fits, and never within a word.
    """
    for cue in cues:
        short = len(cue.text) <= MOST_CHARACTERS and cue.end - cue.start <= MOST_SECONDS
        places = None if short else _places(cue)
        if places is None:
            yield cue
            continue
        begins = list(_begins(cue, places))
        for begin, following in zip(begins, [*begins[1:], len(places)], strict=True):
            words = cue.words[begin:following]
            last = following == len(places)
            yield Cue(
                start=words[0].start,
                end=max(words[0].start, min(words[-1].end, cue.end if last else cue.words[following].start)),
                text=cue.text[places[begin] : None if last else places[following]].strip(),
                words=words,
            )


def _places(cue: Cue) -> list[int] | None:
    """Where in the text each word begins; None unless the text is those words and spaces."""
    places, at = [], 0
    for word in cue.words:
        at += len(cue.text[at:]) - len(cue.text[at:].lstrip())
        if not cue.text.startswith(word.text, at):
            return None
        places.append(at)
        at += len(word.text)
    return places if places and not cue.text[at:].strip() else None


def _begins(cue: Cue, places: list[int]) -> Iterator[int]:
    """The numbers of the words that begin a part."""
    spaced = " " in cue.text
    begin = 0
    yield begin
    for number in range(1, len(places)):
        if spaced and cue.text[places[number] - 1] != " ":
            continue  # the word before goes on here, as after a hyphen
        before, word = cue.words[number - 1], cue.words[number]
        if (
            places[number] + len(word.text) - places[begin] > MOST_CHARACTERS
            or word.end - cue.words[begin].start > MOST_SECONDS
            or word.start - before.end >= _PAUSE
            or ends_sentence(before, word)
        ):
            begin = number
            yield begin
