"""Which language a text is in, by its most frequent words; for captions that do not say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from desktop.hooks.wordlists import word_set

_FREQUENT = {
    "en": "the and to of a in that it is was you for i with on this have but they",
    "de": "und die der das ist nicht ich zu ein es wir sie mit auf auch wenn eine den",
    "fr": "et la le les de des est que pas je vous un une dans pour qui nous ce on",
    "es": "y la el los de que en no es un una por con para lo se las como pero",
    "pt": "e o os de que não em um uma para com é se mais por isso como mas eu",
    "it": "e il di che la non è un per una sono in con mi si ma questo della gli",
    "nl": "en de het een van dat is niet ik op we te zijn voor met maar die er",
}
_WORDS = {language: word_set(words) for language, words in _FREQUENT.items()}
_ENOUGH = 0.15  # share of frequent words in running text; other languages reach about 0.05
_FEWEST = 20  # words


def guess_language(tokens: Iterable[str]) -> str | None:
    """The language's tag, or None if the text is too short or in a language that is not known here."""
    counts = Counter(tokens)
    total = counts.total()
    if total < _FEWEST:
        return None
    shares = {language: sum(counts[word] for word in words) / total for language, words in _WORDS.items()}
    best = max(shares, key=lambda language: shares[language])
    return best if shares[best] >= _ENOUGH else None
