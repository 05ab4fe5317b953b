"""What needs the embedding model: vectors of the sentences, of the description, and of sample sentences."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from desktop.hooks.signals.curve import Material
from desktop.hooks.signals.liveliness import DRY, LIVELY


class Meaning(Protocol):
    """Whatever turns sentences into vectors, as `desktop.hooks.embeddings.Embedder` does."""

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector a row."""


def with_meaning(material: Material, embedder: Meaning) -> Material:
    """The material with the vectors that its signals can use."""
    vectors = embedder.vectors([sentence.text for sentence in material.sentences])
    extra = embedder.vectors([*LIVELY, *DRY, *([material.wanted] if material.wanted else [])])
    samples = len(LIVELY) + len(DRY)
    wanted = extra[samples] if material.wanted else None
    return dataclasses.replace(material, vectors=vectors, anchors=extra[:samples], wanted_vector=wanted)
