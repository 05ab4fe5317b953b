"""All signals that are made of words and of what the site knows, in the order in which they are told."""

from __future__ import annotations

from desktop.hooks.signals import (
    brevity,
    claims,
    colloquial,
    contrast,
    delivery,
    direct_speech,
    emotion,
    everyday,
    first_person,
    liveliness,
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
    colloquial.SIGNAL,
    everyday.SIGNAL,
    story.SIGNAL,
    question.SIGNAL,
    claims.SIGNAL,
    contrast.SIGNAL,
    emotion.SIGNAL,
    quotability.SIGNAL,
    plainness.SIGNAL,
    liveliness.SIGNAL,
    novelty.SIGNAL,
    place.SIGNAL,
    opening.SIGNAL,
    self_contained.SIGNAL,
)
