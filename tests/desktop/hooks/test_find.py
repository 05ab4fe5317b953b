"""Hooks keep every rule, whatever is said, and the same input gives the same answer."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.hooks.candidates import LEAD, TAIL, Bounds, candidates_of
from desktop.hooks.captions import parse_transcript
from desktop.hooks.find import hooks_in, material_of
from desktop.hooks.models import Evidence, FoundHooks, Wish
from desktop.hooks.sentences import sentences_of
from desktop.hooks.slate import slate_from
from desktop.hooks.speech import speech_of
from desktop.hooks.transcript import Transcript
from desktop.hooks.wordlists import word_set
from desktop.source.models import HeatPoint

WORDS = sorted(
    word_set("I you we the a dog house ran saw never money people because said, why love 3 Paris but and")
)


def talk(seed: int, sentences: int = 200, gap: float = 0.2) -> Transcript:
    """A talk of made-up sentences with words of 0.4 s."""
    chance = random.Random(seed)
    at, segments = 0.0, []
    for _ in range(sentences):
        count = chance.randint(2, 25)
        text = " ".join(chance.choice(WORDS) for _ in range(count)).capitalize() + chance.choice("..?!")
        segments.append({"start": at, "end": at + 0.4 * count, "text": text})
        at += 0.4 * count + gap
    return parse_transcript(json.dumps({"duration": at + 5, "language": "en", "segments": segments}).encode())


def found(transcript: Transcript, wish: Wish, heatmap: tuple[HeatPoint, ...] = ()) -> FoundHooks:
    return hooks_in(transcript, wish, material_of(transcript, wish, heatmap=heatmap))


def check_rules(transcript: Transcript, wish: Wish, answer: FoundHooks) -> None:
    sentences = sentences_of(speech_of(transcript).words)
    hooks = answer.hooks
    assert len(hooks) <= wish.count
    assert [hook.score for hook in hooks] == sorted((hook.score for hook in hooks), reverse=True)
    for hook in hooks:
        assert 0 <= hook.start < hook.end <= transcript.end + 1e-3
        assert wish.shortest - 2e-3 <= hook.end - hook.start <= wish.longest + 2e-3
        begins = [
            s
            for s in sentences
            if -2e-3 <= s.start - hook.start <= LEAD + 2e-3 and hook.text.startswith(s.text)
        ]
        ends = [
            s for s in sentences if -2e-3 <= hook.end - s.end <= TAIL + 2e-3 and hook.text.endswith(s.text)
        ]
        assert begins, hook
        assert ends, hook
        assert 0 <= hook.score <= 100
        assert hook.title.strip()
        assert hook.reasons
        assert all(reason.note and 0 <= reason.weight <= 1 for reason in hook.reasons)
        for edge in (hook.start, hook.end):
            assert not any(w.start + 2e-3 < edge < w.end - 2e-3 for s in sentences for w in s.words)
    for one in hooks:
        for two in hooks:
            assert one is two or one.end <= two.start + 2e-3 or two.end <= one.start + 2e-3
    assert hooks or any(note.startswith("There are no hooks") for note in answer.notes)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 120),
    st.floats(1, 40),
    st.floats(0, 60),
    st.integers(1, 9),
    st.floats(0, 3),
)
def test_every_hook_keeps_every_rule(
    seed: int, sentences: int, shortest: float, more: float, count: int, gap: float
) -> None:
    transcript = talk(seed, sentences, gap)
    wish = Wish(count=count, shortest=shortest, longest=shortest + more)
    check_rules(transcript, wish, found(transcript, wish))


def captions(
    *texts: str, seconds: float = 4.0, every: float = 4.0, count: int = 120
) -> list[dict[str, object]]:
    return [
        {"start": every * k, "end": every * k + seconds, "text": texts[k % len(texts)] + f" {k}"}
        for k in range(count)
    ]


SAID = (
    "nobody wanted to swim that day and then",
    "my brother laughed so hard at me because of it",
    "what happened next is hard to believe",
)
ODD: dict[str, list[dict[str, object]]] = {
    "five hours": captions(*(f"{each.capitalize()}." for each in SAID), every=9.0, count=2000),
    "Arabic": captions("هذا هو الماء البارد في ذلك اليوم؟", "لم يرد أحد أن يسبح هناك."),
    "Japanese": captions(
        "海はとても冷たかったです。誰も泳ぎたくなかった。", "それは本当に面白いと思いますか？"
    ),
    "Chinese without marks": captions("那天海水很冷没有人想游泳", "我哥哥笑我因为我说过会很有趣"),
    "Thai": captions("น้ำทะเลเย็นมากในวันนั้นไม่มีใครอยากว่ายน้ำ"),
    "all capitals": captions(*(f"{each.upper()}!" for each in SAID)),
    "no marks": captions(*SAID),
    "no ends": [{**each, "end": None} for each in captions(*SAID)],
    "no time at all": captions(*(f"{each}." for each in SAID), seconds=0.0),
    "ends before it starts": captions(*(f"{each}." for each in SAID), seconds=-3.0),
    "all at once": captions(*(f"{each}." for each in SAID), every=0.0),
    "out of order": captions(*(f"{each}." for each in SAID))[::-1],
    "two at once": captions(*(f"{each}." for each in SAID)) + captions("Yes, indeed.", every=3.1),
    "rolling": [
        {"start": 2.5 * k, "end": 2.5 * k + 5, "text": f"{SAID[k % 3]} {k}\n{SAID[(k + 1) % 3]} {k + 1}"}
        for k in range(200)
    ],
    "an hour in one caption": [
        {"start": 0, "end": 3600, "text": " ".join(f"{each}. Oh?" for each in SAID * 200)}
    ],
    "an endless word": [{"start": 0, "end": 100, "text": "x" * 5000}],
    "far apart": captions(*(f"{each}." for each in SAID), every=100.0),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("bounds", [(15, 60), (30, 30), (1, 1), (1, 3600), (3600, 3600)])
def test_odd_transcripts_keep_every_rule(name: str, bounds: tuple[float, float]) -> None:
    transcript = parse_transcript(json.dumps({"segments": ODD[name]}).encode())
    wish = Wish(count=20 if bounds[0] < 15 else 5, shortest=bounds[0], longest=bounds[1])
    check_rules(transcript, wish, found(transcript, wish))


def test_a_talk_gives_as_many_hooks_as_asked_for() -> None:
    answer = found(talk(1), Wish(count=6))
    assert len(answer.hooks) == 6


def test_the_same_input_gives_the_same_answer() -> None:
    assert found(talk(3), Wish()) == found(talk(3), Wish())


def test_the_evidence_of_hooks_gives_the_same_hooks_again() -> None:
    wish = Wish(count=4, describe="money and love")
    answer = found(talk(8, gap=0.8), wish)
    assert answer.evidence is not None
    kept = Evidence.model_validate_json(answer.evidence.model_dump_json())
    slate = slate_from(kept, wish)
    assert slate is not None
    assert tuple(slate.hook(pick) for pick in slate.picks(wish.count)) == answer.hooks
    assert slate_from(kept, Wish(shortest=3000, longest=3600)) is None


def test_what_is_said_twice_is_proposed_once() -> None:
    once = talk(5, 30)
    again = [cue.model_copy(update={"start": cue.start + 400, "end": cue.end + 400}) for cue in once.cues]
    twice = once.model_copy(update={"cues": (*once.cues, *again), "duration": 800.0})
    hooks = found(twice, Wish(count=20)).hooks
    assert hooks
    texts = [
        frozenset(zip(words, words[1:], words[2:], strict=False)) for words in (h.text.split() for h in hooks)
    ]
    for place, one in enumerate(texts):
        for two in texts[:place]:
            assert len(one & two) <= 0.4 * min(len(one), len(two))


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ([], "no speech"),
        ([{"start": 0, "end": 90, "text": "[Music]"}], "only music"),
        ([{"start": 0, "end": 3, "text": "Hello there."}], "too few"),
        ([{"start": 0, "end": 8, "text": "word " * 30 + "."}], "too short"),
        (
            [{"start": 40 * k, "end": 40 * k + 2, "text": "One two three four five."} for k in range(9)],
            "no run",
        ),
    ],
)
def test_an_empty_answer_says_why(segments: list[dict[str, object]], words: str) -> None:
    wish = Wish(longest=30)
    answer = found(parse_transcript(json.dumps({"segments": segments}).encode()), wish)
    assert answer.hooks == ()
    assert words in answer.notes[0]


def test_missing_signals_are_named() -> None:
    notes = found(talk(1), Wish()).notes
    assert any("most replayed" in note for note in notes)
    german = found(talk(1).model_copy(update={"language": "de"}), Wish())
    assert german.hooks
    assert any("English" in note for note in german.notes)


def test_the_most_replayed_part_is_found() -> None:
    transcript = talk(2)
    bins = 100
    width = transcript.end / bins
    heat = tuple(
        HeatPoint(start=k * width, end=(k + 1) * width, value=1.0 if k in {0, 40, 41} else 0.3)
        for k in range(bins)
    )
    best = found(transcript, Wish(), heat).hooks[0]
    assert best.start < 42 * width
    assert best.end > 40 * width
    assert best.reasons[0].signal == "most replayed"


def test_edges_move_to_a_change_of_shot_in_the_pause() -> None:
    transcript = talk(4, gap=1.0)
    sentences = sentences_of(speech_of(transcript).words)
    shot = sentences[10].start - 0.2
    candidates = candidates_of(sentences, transcript.end, Bounds(), [shot])
    starts = set(candidates.starts[candidates.first == 10].tolist())
    assert starts == {shot}
    assert min(candidates.starts[candidates.first == 11]) == pytest.approx(sentences[11].start - LEAD)


def test_what_is_described_is_found_by_its_words() -> None:
    transcript = talk(6)
    cues = list(transcript.cues)
    cues[60] = cues[60].model_copy(
        update={"text": "Penguins were swimming under the frozen glaciers of the south."}
    )
    answer = found(transcript.model_copy(update={"cues": tuple(cues)}), Wish(describe="a penguin that swims"))
    best = answer.hooks[0]
    assert best.start <= cues[60].start
    assert best.end >= cues[60].end
    assert best.reasons[0].signal == "described"
    assert "Penguins" in best.reasons[0].note


def test_a_description_that_nothing_matches_is_said_so() -> None:
    answer = found(talk(6), Wish(describe="quantum chromodynamics"))
    assert answer.hooks
    assert any("quantum chromodynamics" in note for note in answer.notes)


def test_a_title_is_no_mere_thanks() -> None:
    transcript = talk(8)
    cues = list(transcript.cues)
    for place in (40, 60, 61, 80):
        cues[place] = cues[place].model_copy(update={"text": "Thank you."})
    answer = found(transcript.model_copy(update={"cues": tuple(cues)}), Wish(count=3))
    assert any(reason.signal == "reaction" for hook in answer.hooks for reason in hook.reasons)
    assert not any(hook.title.startswith("Thank") for hook in answer.hooks)
