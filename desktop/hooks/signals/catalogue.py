"""All signals that are made of words and of what the site knows, in the order in which they are told."""

from __future__ import annotations

from desktop.hooks.signals import (
    brevity,
    claims,
    contrast,
    delivery,
    direct_speech,
    emotion,
    first_person,
    names,
    novelty,
    opening,
    place,
    plainness,
    question,
    quotability,
    reaction,
    replayed,
    second_person,
    self_contained,
    story,
)
from desktop.hooks.signals.curve import Signal

SIGNALS: tuple[Signal, ...] = (
    replayed.SIGNAL,
    reaction.SIGNAL,
    brevity.SIGNAL,
    direct_speech.SIGNAL,
    delivery.SIGNAL,
    first_person.SIGNAL,
    second_person.SIGNAL,
    names.SIGNAL,
    story.SIGNAL,
    question.SIGNAL,
    claims.SIGNAL,
    contrast.SIGNAL,
    emotion.SIGNAL,
    quotability.SIGNAL,
    plainness.SIGNAL,
    novelty.SIGNAL,
    place.SIGNAL,
    opening.SIGNAL,
    self_contained.SIGNAL,
)
