"""Sentence embeddings by all-MiniLM-L6-v2 in ONNX Runtime: meaning as a unit vector, on the CPU."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop.errors import Exit, ReelyError
from desktop.hooks.model_files import Model, ModelFile

logger = logging.getLogger(__name__)

SENTENCE_MODEL = Model(
    name="all-MiniLM-L6-v2-int8",
    title="model for comparing sentences",
    files=(
        ModelFile(
            "model.onnx",
            "https://huggingface.co/Xenova/all-MiniLM-L6-v2/resolve/main/onnx/model_quantized.onnx",
            22_972_370,
            "afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1",
        ),
        ModelFile(
            "tokenizer.json",
            "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main/tokenizer.json",
            466_247,
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        ),
    ),
    override="REELY_SENTENCE_MODEL",
)
"""Apache-2.0. Trained on English; other languages are compared by the words they share with it."""
_LONGEST = 64  # tokens of a sentence; more changes its meaning little and costs time
_BATCH = 64  # sentences


class Embedder:
    """Turns sentences into unit vectors. The same sentence always gives the same vector."""

    def __init__(self, folder: Path) -> None:
        """Raises ReelyError `model-unusable` if the files in `folder` are no such model."""
        import onnxruntime  # noqa: PLC0415 - half a second that those without the model need not wait
        from tokenizers import Tokenizer  # noqa: PLC0415

        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer.enable_truncation(_LONGEST)
            self._tokenizer.no_padding()
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise bare exceptions of their own kinds
            logger.info("the model cannot be used: %s", error)
            raise ReelyError(
                "model-unusable",
                f"The files in {folder} are no model for comparing sentences.",
                f"Delete the folder so that they are downloaded again, or correct {SENTENCE_MODEL.override}.",
                Exit.MEDIA,
            ) from error
        self._inputs = {one.name for one in self._session.get_inputs()}

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector a row. Sentences of like length share a batch, so that little is padded."""
        encoded = self._tokenizer.encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda k: len(encoded[k].ids))
        rows: dict[int, NDArray[np.float32]] = {}
        for begin in range(0, len(order), _BATCH):
            batch = order[begin : begin + _BATCH]
            rows.update(zip(batch, self._batch([encoded[k].ids for k in batch]), strict=True))
        return np.stack([rows[k] for k in range(len(texts))]) if texts else np.empty((0, 0), np.float32)

    def _batch(self, tokens: list[list[int]]) -> NDArray[np.float32]:
        width = max(1, *(len(row) for row in tokens))
        ids = np.zeros((len(tokens), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for place, row in enumerate(tokens):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        feed = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
        }
        # The first output holds a vector for each token; a sentence's is their mean.
        states = self._session.run(None, {k: v for k, v in feed.items() if k in self._inputs})[0]
        weights = mask[:, :, None].astype(np.float32)
        means = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        return np.asarray(means / np.maximum(lengths, 1e-9), dtype=np.float32)
