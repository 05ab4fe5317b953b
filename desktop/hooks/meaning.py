"""What needs the embedding model: vectors of the sentences, of the description, and of sample sentences."""

from __future__ import annotations

import dataclasses
import logging

from desktop.errors import Exit, ReelyError
from desktop.hooks.embeddings import SENTENCE_MODEL, Embedder
from desktop.hooks.model_files import ModelFolder
from desktop.hooks.signals.curve import Material
from desktop.hooks.signals.liveliness import DRY, LIVELY
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Report

logger = logging.getLogger(__name__)


def find_embedder(
    models: ModelFolder, report: Report, *, download: bool
) -> tuple[Embedder | None, list[str]]:
    """The embedder and what should be known about it; None without its model.

    With `download` the model is fetched if it is not there; a failure of that costs no more than quality.
    """
    try:
        folder = (
            models.fetch(SENTENCE_MODEL, report, CancelToken()) if download else models.find(SENTENCE_MODEL)
        )
        return (None, []) if folder is None else (Embedder(folder), [])
    except ReelyError as error:
        if error.exit is Exit.USAGE:
            raise
        logger.info("no embeddings: %s", error.code)
        return None, [f"{error.message} {error.hint}"]


def with_meaning(material: Material, embedder: Embedder) -> Material:
    """The material with the vectors that its signals can use."""
    vectors = embedder.vectors([sentence.text for sentence in material.sentences])
    extra = embedder.vectors([*LIVELY, *DRY, *([material.wanted] if material.wanted else [])])
    samples = len(LIVELY) + len(DRY)
    wanted = extra[samples] if material.wanted else None
    return dataclasses.replace(material, vectors=vectors, anchors=extra[:samples], wanted_vector=wanted)
