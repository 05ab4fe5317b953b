"""How often hooks from words alone hold a moment of laughter or applause, and what each signal adds.

    python benchmarks/bench_hooks.py TALKS [--leave-out] [--shortest 20 --longest 30]

TALKS (or the variable REELY_TALKS) is a file of JSON lines, gzipped or not: `{"transcript": [segments],
"duration": s, "marks": [[seconds, kind], …]}`. A hook counts if a mark lies in it or at most 1 s after
its end. Embeddings are used if REELY_SENTENCE_MODEL names a folder with the model. The answers are checked
for faults, with these bounds and with the usual ones. Without TALKS nothing is measured.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from desktop.hooks.candidates import Bounds, Candidates, candidates_of
from desktop.hooks.captions import parse_transcript
from desktop.hooks.diversity import choose
from desktop.hooks.embeddings import SENTENCE_MODEL, Embedder
from desktop.hooks.find import hooks_in, material_of, measure
from desktop.hooks.meaning import with_meaning
from desktop.hooks.models import Wish
from desktop.hooks.ranking import rank
from desktop.hooks.signals.catalogue import SIGNALS
from desktop.hooks.signals.curve import Curve, Material, Place
from desktop.hooks.transcript import Transcript
from desktop.hooks.weights import WEIGHTS, Weight
from hook_rules import faults
from side_by_side import machine

_AFTER = 1.0  # seconds after its end within which a mark still belongs to a hook


@dataclass(frozen=True)
class Talk:
    """One talk, measured: marks in seconds."""

    transcript: Transcript
    material: Material
    candidates: Candidates
    curves: tuple[tuple[Curve, Place], ...]
    marks: tuple[float, ...]


def talks(path: Path, wish: Wish, embedder: Embedder | None) -> Iterator[Talk]:
    """The talks that have candidates."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            entry = json.loads(line)
            data = {"duration": entry["duration"], "segments": entry["transcript"]}
            transcript = parse_transcript(json.dumps(data).encode())
            material = material_of(transcript, wish)
            if embedder is not None:
                material = with_meaning(material, embedder)
            bounds = Bounds(wish.shortest, wish.longest)
            candidates = candidates_of(material.sentences, material.duration, bounds)
            measured, _ = measure(material, SIGNALS)
            curves = tuple((curve, signal.place) for signal, curve in measured)
            if len(candidates):
                marks = tuple(mark[0] for mark in entry["marks"])
                yield Talk(transcript, material, candidates, curves, marks)


def share(measured: list[Talk], weights: Mapping[str, Weight]) -> tuple[float, float]:
    """The share of talks whose best hook holds a mark, and of those whose first three do."""
    best = three = 0
    for talk in measured:
        picks = choose(talk.material, rank(talk.material, talk.candidates, talk.curves, weights), 3)
        found = [
            any(
                talk.candidates.starts[pick.index] <= mark <= talk.candidates.ends[pick.index] + _AFTER
                for mark in talk.marks
            )
            for pick in picks
        ]
        best += found[0]
        three += any(found)
    return best / len(measured), three / len(measured)


def check(measured: list[Talk], wish: Wish) -> tuple[int, Counter[str]]:
    """The number of hooks in all answers, and how often each fault is in them."""
    hooks, found = 0, Counter[str]()
    for talk in measured:
        answer = hooks_in(talk.transcript, wish, talk.material)
        found.update(faults(answer, talk.material.sentences, talk.material.duration, wish))
        hooks += len(answer.hooks)
    return hooks, found


def main() -> None:
    """Print both shares, and with `--leave-out` those without each signal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("talks", nargs="?", default=os.environ.get("REELY_TALKS"))
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--shortest", type=float, default=20.0)
    parser.add_argument("--longest", type=float, default=30.0)
    options = parser.parse_args()
    if options.talks is None:
        print("hooks: skipped, no talks were named")
        return
    folder = os.environ.get(SENTENCE_MODEL.override)
    wish = Wish(shortest=options.shortest, longest=options.longest)
    measured = list(talks(Path(options.talks), wish, Embedder(Path(folder)) if folder else None))
    best, three = share(measured, WEIGHTS)
    kind = "with embeddings" if folder else "without embeddings"
    print(f"hooks of {wish.shortest:g} to {wish.longest:g} s in {len(measured)} talks, {kind}  [{machine()}]")
    print(f"all signals: best {best:.3f}, first three {three:.3f}", flush=True)
    for bounds in (wish, Wish()):
        hooks, found = check(measured, bounds)
        kinds = ", ".join(f"{fault} ({count})" for fault, count in found.most_common())
        print(
            f"{found.total()} faults in {hooks} hooks of {bounds.shortest:g} to {bounds.longest:g} s {kinds}",
            flush=True,
        )
    present = {curve.name for talk in measured for curve, _ in talk.curves}
    for name in (name for name in WEIGHTS if options.leave_out and name in present):
        less, fewer = share(measured, {one: weight for one, weight in WEIGHTS.items() if one != name})
        print(f"without {name}: best {less - best:+.3f}, first three {fewer - three:+.3f}", flush=True)


if __name__ == "__main__":
    main()
