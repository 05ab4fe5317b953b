"""Direct speech: somebody is quoted, so a scene is played instead of told."""

from __future__ import annotations

import re

from desktop.hooks.signals.curve import Material, Signal

_QUOTED = re.compile(r"[\"“”„«»]|(?:^|\s)[‘'](?=\w)[^'’]{2,}[’'](?:\W|$)")
_SAID = re.compile(
    r"\b(?:said|says|say|asked|asks|goes|went|replied|told (?:me|him|her|us|them)|"
    r"(?:was|were|am|'m|is|'s) like),\s",
    re.IGNORECASE,
)


def _measure(material: Material) -> list[float]:
    return [
        float(bool(_QUOTED.search(sentence.text) or _SAID.search(sentence.text)))
        for sentence in material.sentences
    ]


SIGNAL = Signal("direct speech", "0 or 1", "somebody is quoted directly", _measure, shows=True)
