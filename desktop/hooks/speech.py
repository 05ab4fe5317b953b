"""From cues to a single line of spoken words with times, and the sounds that captions name beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from desktop.hooks.transcript import Cue, Transcript, Word

_SQUARE = re.compile(r"[\[【［]([^\]】］]{0,200})[\]】］]")
_ROUND = re.compile(r"[(（]([^)）]{0,80})[)）]")
_NOTES = re.compile(r"[♪♫♬♩]+")
_TURN = re.compile(r"^\s*(?:>{1,3}|[-–—](?=\s*[\w\"“¿¡]))\s*")
_SPEAKER = re.compile(r"^\s*(?:[A-Z][\w.'’-]*\s?){1,4}:\s+(?=\S)")
_IDEOGRAPHIC_STOP = re.compile(r"(?<=[。！？])(?=[^\s。！？」』”’\"'）)])")
# Seconds that a word can last when all that is known is when the next begins: 0.3 s and 0.07 s a character
# are slow speech; what is longer is a pause.
_WORD_AT_MOST = (0.3, 0.07)


class Sound(StrEnum):
    """What captions say that is heard beside speech."""

    LAUGHTER = "laughter"
    APPLAUSE = "applause"
    MUSIC = "music"


_SOUND_WORDS = {
    Sound.LAUGHTER: re.compile(
        r"\b(?:laugh|chuckl|giggl|lachen|gelächter|rires?\b|risas?\b|risos?\b|risate)|笑", re.IGNORECASE
    ),
    Sound.APPLAUSE: re.compile(
        r"\b(?:applau|clap|cheer|aplau|beifall|jubel|ovation)|拍手|鼓掌", re.IGNORECASE
    ),
    Sound.MUSIC: re.compile(r"\b(?:musi[ckq]|música|singing|instrumental)|音楽|音乐|[♪♫♬♩]", re.IGNORECASE),
}


@dataclass(frozen=True)
class SoundMark:
    """A sound that captions name, in seconds."""

    start: float
    end: float
    sound: Sound


@dataclass(frozen=True)
class SpokenWord:
    """A word with its times in seconds.

    `sure_start` and `sure_end` say whether a caption gave that time; else it was shared out by length.
    `turn` is set where captions mark another speaker.
    """

    start: float
    end: float
    text: str
    sure_start: bool = True
    sure_end: bool = True
    turn: bool = False


@dataclass(frozen=True)
class Speech:
    """All that is said, in order: words never overlap and never run backwards."""

    words: tuple[SpokenWord, ...]
    sounds: tuple[SoundMark, ...]


def speech_of(transcript: Transcript) -> Speech:
    """The spoken words of a transcript, without sounds, lyrics and texts on screen."""
    words: list[SpokenWord] = []
    sounds: list[SoundMark] = []
    cues = transcript.cues
    for cue, following in zip_longest(cues, cues[1:]):
        sounds += _sounds(cue)
        if _NOTES.search(cue.text):
            continue  # lyrics
        words += _words(cue, following.start if following is not None else cue.end)
    return Speech(tuple(_in_order(words)), tuple(sounds))


def _sounds(cue: Cue) -> Iterator[SoundMark]:
    labels = [found[1] for pattern in (_SQUARE, _ROUND) for found in pattern.finditer(cue.text)]
    labels += _NOTES.findall(cue.text)
    for sound, pattern in _SOUND_WORDS.items():
        if any(pattern.search(label) for label in labels):
            yield SoundMark(cue.start, cue.end, sound)


def _spoken_text(text: str) -> str:
    text = _SQUARE.sub(" ", text)
    named = any(
        pattern.search(found[1]) for found in _ROUND.finditer(text) for pattern in _SOUND_WORDS.values()
    )
    return _ROUND.sub(" ", text) if named or _ROUND.fullmatch(text.strip()) else text


def _words(cue: Cue, following: float) -> Iterator[SpokenWord]:
    """The words of a cue that ends, at the latest, when the following one begins."""
    text = _spoken_text(cue.text)
    turn = bool(_TURN.match(text) or _SPEAKER.match(text))
    text = _SPEAKER.sub("", _TURN.sub("", text))
    timed = [word for word in cue.words if _spoken_text(word.text).strip(" >-–—")]
    if timed:
        yield from _timed(timed, cue.end, turn=turn)
        return
    pieces = [piece for word in text.split() for piece in _IDEOGRAPHIC_STOP.split(word) if piece]
    end = min(cue.end, following) if following > cue.start else cue.end
    letters = sum(len(piece) + 1 for piece in pieces)
    passed = 0
    for place, piece in enumerate(pieces):
        start = cue.start + (end - cue.start) * passed / letters
        passed += len(piece) + 1
        yield SpokenWord(
            start=start,
            end=cue.start + (end - cue.start) * passed / letters,
            text=piece,
            sure_start=place == 0,
            sure_end=place == len(pieces) - 1,
            turn=turn and place == 0,
        )


def _timed(words: list[Word], end: float, *, turn: bool) -> Iterator[SpokenWord]:
    for place, word in enumerate(words):
        text = _spoken_text(word.text).strip()
        finish = min(word.end, end) if end > word.start else word.end
        fixed, each = _WORD_AT_MOST
        yield SpokenWord(
            start=word.start,
            end=min(finish, word.start + fixed + each * len(text)),
            text=_TURN.sub("", text) or text,
            turn=(turn and place == 0) or text.startswith(">>"),
        )


def _in_order(words: list[SpokenWord]) -> Iterator[SpokenWord]:
    """Each word begins no earlier than the one before it ended to begin, and ends before the next begins."""
    words = sorted(words, key=lambda word: word.start)
    for word, following in zip_longest(words, words[1:]):
        if following is not None and following.start < word.end:
            yield SpokenWord(
                word.start, following.start, word.text, word.sure_start, following.sure_start, word.turn
            )
        else:
            yield word
