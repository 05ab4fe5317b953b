"""What the signals say of a few sentences made for them, and when they say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.hooks.sentences import Sentence
from desktop.hooks.signals import faces, fresh, motion, pace, pauses, place, reaction, spoken
from desktop.hooks.signals.curve import Curve, Material, Missing, Numbers, Signal
from desktop.hooks.signals.tokens import tokens_of
from desktop.hooks.speech import Sound, SoundMark, SpokenWord


def spoken_at(start: float, seconds: float, text: str, *, sure: bool = True) -> Sentence:
    words = text.split()
    each = seconds / len(words)
    timed = tuple(
        SpokenWord(start + k * each, start + (k + 1) * each, word, sure, sure) for k, word in enumerate(words)
    )
    return Sentence(start=start, end=start + seconds, text=text, words=timed)


def material(
    *sentences: Sentence,
    duration: float | None = None,
    curves: tuple[Curve, ...] = (),
    sounds: tuple[SoundMark, ...] = (),
) -> Material:
    return Material(
        sentences=sentences,
        duration=duration or sentences[-1].end,
        language="en",
        tokens=tuple(tokens_of(sentence.text) for sentence in sentences),
        curves=curves,
        sounds=sounds,
    )


def values(signal: Signal, of: Material) -> Numbers:
    curve = signal.curve(of)
    assert isinstance(curve, Curve), curve
    assert len(curve.values) == len(of.sentences)
    assert np.isfinite(curve.values).all()
    return curve.values


def steady(step: float, level: list[float], name: str) -> Curve:
    starts = np.arange(len(level), dtype=np.float64) * step
    return Curve(name, "", starts, starts + step, np.array(level, dtype=np.float64))


TEXT = "one two three four five six"


def test_pace_is_highest_where_somebody_speaks_fastest() -> None:
    sentences = [spoken_at(5 * k, 1.2 if k == 7 else 3 + 0.1 * (k % 5), TEXT) for k in range(20)]
    found = values(pace.SIGNAL, material(*sentences))
    assert int(np.argmax(found)) == 7
    assert found[7] > 2


@pytest.mark.parametrize("sure", [True, False])
def test_reckoned_times_have_neither_pace_nor_pauses(sure: bool) -> None:
    sentences = [spoken_at(k * 2.4, 2.4, TEXT, sure=sure) for k in range(20)]
    assert isinstance(pace.SIGNAL.curve(material(*sentences)), Missing)
    assert isinstance(pauses.SIGNAL.curve(material(*sentences)), Missing)


def test_a_pause_belongs_to_the_sentence_before_it() -> None:
    starts = [0, 3, 6, 11, 14, 40]
    found = values(pauses.SIGNAL, material(*(spoken_at(start, 3, TEXT) for start in starts)))
    assert found.tolist() == [0, 0, 2, 0, 2.5, 0]


def test_one_sentence_alone_has_no_pauses() -> None:
    assert isinstance(pauses.SIGNAL.curve(material(spoken_at(0, 3, TEXT))), Missing)


def test_fresh_words_are_those_not_said_just_before() -> None:
    said = ["cats like milk", "cats like milk", "dogs like milk", *["nothing at all"] * 5, "cats like milk"]
    found = values(fresh.SIGNAL, material(*(spoken_at(3 * k, 2, text) for k, text in enumerate(said))))
    assert found[:4] == pytest.approx([1, 0, 1 / 3, 1])
    assert found[-1] == 1


def test_what_joins_nouns_is_not_as_one_speaks() -> None:
    written, told = "the growth of the price of the oil in the market", "so I ran and she yelled at me"
    found = values(spoken.SIGNAL, material(spoken_at(0, 3, told), spoken_at(3, 3, written)))
    assert found[0] == 0
    assert found[1] < -0.5


def test_motion_stands_out_against_the_minutes_around_it() -> None:
    level = [1.0] * 100
    level[50:52] = [9.0, 9.0]
    sentences = [spoken_at(4 * k, 4, TEXT) for k in range(50)]
    found = values(motion.SIGNAL, material(*sentences, curves=(steady(2, level, motion.NAME),)))
    assert int(np.argmax(found)) == 25
    assert values(
        motion.SIGNAL, material(*sentences, curves=(steady(2, [1.0] * 100, motion.NAME),))
    ).tolist() == ([0.0] * 50)


def test_a_close_up_counts_most_and_a_film_without_people_says_nothing() -> None:
    sentences = [spoken_at(2 * k, 2, TEXT) for k in range(3)]
    found = values(faces.SIGNAL, material(*sentences, curves=(steady(2, [0.0, 0.175, 0.7], faces.NAME),)))
    assert found == pytest.approx([0, 0.5, 1])
    empty = material(*sentences, curves=(steady(2, [0.0, 0.0, 0.0], faces.NAME),))
    assert isinstance(faces.SIGNAL.curve(empty), Missing)


@pytest.mark.parametrize("signal", [faces.SIGNAL, motion.SIGNAL])
def test_what_was_not_looked_at_says_nothing(signal: Signal) -> None:
    assert isinstance(signal.curve(material(spoken_at(0, 3, TEXT))), Missing)


@pytest.mark.parametrize("sound", [Sound.LAUGHTER, Sound.APPLAUSE, Sound.MUSIC])
def test_a_reaction_belongs_to_what_it_follows_and_music_is_none(sound: Sound) -> None:
    sentences = [spoken_at(5 * k, 4, TEXT) for k in range(6)]
    sounds = tuple(SoundMark(at, at + 2, sound) for at in (9.3, 24.2))
    signal = reaction.SIGNAL.curve(material(*sentences, sounds=sounds))
    if sound is Sound.MUSIC:
        assert isinstance(signal, Missing)
    else:
        assert isinstance(signal, Curve)
        assert signal.values.tolist() == [0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize("minutes", [12, 30, 90])
def test_the_heart_of_a_recording_is_before_its_middle_and_its_ends_are_least(minutes: int) -> None:
    sentences = [spoken_at(6 * k, 5, TEXT) for k in range(10 * minutes)]
    found = values(place.SIGNAL, material(*sentences))
    assert 0.4 < int(np.argmax(found)) / len(found) < 0.5
    assert found[-1] < found[0] < min(found[len(found) // 4 : 3 * len(found) // 4])


def test_a_short_video_is_all_heart() -> None:
    sentences = [spoken_at(6 * k, 5, TEXT) for k in range(30)]
    found = values(place.SIGNAL, material(*sentences))
    assert np.ptp(found[8:22]) < 0.1
