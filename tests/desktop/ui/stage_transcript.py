"""A made-up transcript for the window's tests and pictures."""

from __future__ import annotations

from desktop.hooks.models import Origin
from desktop.hooks.transcript import Cue, Transcript

SAID = (
    "Good morning, all of you.",
    "This is the hill where he lives.",
    "[Birds sing]",
    "He likes butterflies more than anything.",
    "Then three rascals came along, and nobody had seen it coming.",
    "What was that?",
    "They threw an apple, and another apple, and laughed.",
    "So he made a plan, and nobody asked him about it.",
    "Trees, ropes, a sharp stick: that is all it takes.",
    "And that, my friends, is how it ended.",
)


def made_up_transcript(duration: float) -> Transcript:
    """A line each of `SAID`, evenly over `duration` seconds with a short pause between them."""
    each = duration / len(SAID)
    return Transcript(
        origin=Origin.CAPTIONS,
        language="en",
        cues=tuple(
            Cue(start=number * each, end=(number + 0.9) * each, text=text) for number, text in enumerate(SAID)
        ),
    )
