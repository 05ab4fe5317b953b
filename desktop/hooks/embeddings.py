"""Sentence embeddings by all-MiniLM-L6-v2 in ONNX Runtime: meaning as a unit vector, on the CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop.hooks.model_files import Model, ModelFile
from desktop.hooks.onnx_models import Session, unusable
from desktop.hooks.sealed import SealedFolder

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
_BATCH = 16  # sentences; more of them wait longer for the longest
_SIZE = 384  # of a vector
_MOST_THREADS = 4
_LIMIT = 32 * 2**20
"""Bytes of all vectors that are kept; those of an hour take 0.5 MB."""


class Embedder:
    """Turns sentences into unit vectors. The same sentences together always give the same vectors."""

    def __init__(self, folder: Path) -> None:
        """Raises ReelyError `model-unusable` if the files in `folder` are no such model."""
        from tokenizers import Tokenizer  # noqa: PLC0415 - those without the model need not wait for it

        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # it raises a bare exception
            raise unusable(folder, SENTENCE_MODEL, error) from error
        self._tokenizer.enable_truncation(_LONGEST)
        self._tokenizer.no_padding()
        self._session = Session(folder / "model.onnx", SENTENCE_MODEL)
        # The first output holds a vector for each token.
        self._states, shape = next(iter(self._session.outputs.items()))
        if "input_ids" not in self._session.inputs or shape[2:] != [_SIZE]:
            raise unusable(folder, SENTENCE_MODEL, "its inputs or outputs are others")
        state = (folder / "model.onnx").stat()
        self.identity = f"{SENTENCE_MODEL.name} {state.st_size} {state.st_mtime_ns}"
        """What another model's would not be."""

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector a row. Sentences of like length share a batch, so that little is padded."""
        different = list(dict.fromkeys(texts))
        encoded = [one.ids for one in self._tokenizer.encode_batch(different)]
        order = sorted(range(len(different)), key=lambda k: len(encoded[k]))
        batches = [order[begin : begin + _BATCH] for begin in range(0, len(order), _BATCH)]
        found = np.empty((len(different), _SIZE), np.float32)
        # The longest first: whoever comes last then has little left to do.
        with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
            rows = pool.map(lambda batch: self._batch([encoded[k] for k in batch]), reversed(batches))
            for batch, vectors in zip(reversed(batches), rows, strict=True):
                found[batch] = vectors
        place = {text: k for k, text in enumerate(different)}
        return found[[place[text] for text in texts]]

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
        wanted = {name: values for name, values in feed.items() if name in self._session.inputs}
        states = self._session.run([self._states], wanted)[0]
        # A sentence's vector is the mean of its tokens'.
        weights = mask[:, :, None].astype(np.float32)
        means = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        return np.asarray(means / np.maximum(lengths, 1e-9), dtype=np.float32)


class KeptVectors:
    """An embedder that remembers, in the cache, the vectors of sentences that come together again."""

    def __init__(self, embedder: Embedder, cache: Path) -> None:
        self._embedder = embedder
        self._files = SealedFolder(cache / "vectors", ".vectors", _LIMIT)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Embedder.vectors`, to a thousandth."""
        key = "\n".join([self._embedder.identity, *texts])
        kept = self._files.read(key)
        if kept is None or len(kept) != len(texts) * _SIZE * 2:
            kept = self._embedder.vectors(texts).astype("<f2").tobytes()
            self._files.keep(key, kept)
        return np.frombuffer(kept, "<f2").reshape(len(texts), _SIZE).astype(np.float32)
