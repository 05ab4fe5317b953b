"""Codes that make generated media checkable: a number drawn in every picture, a beep that tells its second.

Picture: a strip over the whole width, `STRIP` of the height, at the top edge, of `CELLS` equal cells: white,
black (they give the contrast), then `NUMBER_BITS` bits of the frame number and `CHECK_BITS` check bits, most
significant first, white for 1. Cells are wide enough to survive lossy coding down to 240 lines.

Sound: at second k a sine of `beep_frequency(k)` starts and lasts `BEEP_SECONDS`; silence between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

NUMBER_BITS = 18
CHECK_BITS = 4
CELLS = 2 + NUMBER_BITS + CHECK_BITS
STRIP = 0.1

BEEP_SECONDS = 0.1
BEEP_CYCLE = 30
"""Beeps tell the second modulo this number."""

Samples = npt.NDArray[np.float32]


class UnreadableCodeError(ValueError):
    """The picture carries no readable frame number."""


def _check_bits(number: int) -> int:
    nibbles: int = 0
    for shift in range(0, NUMBER_BITS, CHECK_BITS):
        nibbles ^= number >> shift
    # The constant keeps an all-black strip from passing as frame 0.
    return (nibbles ^ 0b1010) & ((1 << CHECK_BITS) - 1)


def frame_cells(number: int) -> bytes:
    """The strip of frame `number` as `CELLS` grey samples, 0 or 255."""
    if not 0 <= number < 1 << NUMBER_BITS:
        raise ValueError(f"frame numbers go from 0 to {(1 << NUMBER_BITS) - 1}")
    code = number << CHECK_BITS | _check_bits(number)
    bits = (code >> place & 1 for place in reversed(range(NUMBER_BITS + CHECK_BITS)))
    return bytes((255, 0, *(255 * bit for bit in bits)))


def read_frame_number(picture: npt.NDArray[Any]) -> int:
    """The frame number in a picture, an array of height x width (grey) or height x width x 3 (RGB), 0..255.

    Raises UnreadableCodeError where there is none, or where it is damaged.
    """
    grey = picture if picture.ndim == 2 else picture[..., :3].mean(axis=2)
    height, width = grey.shape
    rows = grey[round(height * STRIP * 0.3) : max(round(height * STRIP * 0.7), 1)]
    edges = np.arange(CELLS) * (width / CELLS)
    cell = width / CELLS
    levels = [float(rows[:, int(edge + 0.3 * cell) : int(edge + 0.7 * cell) + 1].mean()) for edge in edges]
    white, black = levels[:2]
    if white - black < 100:
        raise UnreadableCodeError(f"no strip of frame cells: white {white:.0f}, black {black:.0f}")
    code = 0
    for level in levels[2:]:
        share = (level - black) / (white - black)
        if 0.3 < share < 0.7:
            raise UnreadableCodeError(f"a cell is neither black nor white ({share:.2f})")
        code = code << 1 | int(share >= 0.5)
    number = code >> CHECK_BITS
    if _check_bits(number) != code & ((1 << CHECK_BITS) - 1):
        raise UnreadableCodeError(f"the check bits do not fit frame {number}")
    return number


def beep_frequency(second: int) -> float:
    """The pitch, in hertz, of the beep at `second`: 500 Hz and 100 Hz more each second, then anew."""
    return 500.0 + 100.0 * (second % BEEP_CYCLE)


def beep_track(seconds: float, rate: int) -> Samples:
    """Mono samples (-1..1) of a track of `seconds` at `rate` samples/s with a beep at each whole second."""
    time = np.arange(round(seconds * rate)) / rate
    since = time % 1.0
    pitch = 500.0 + 100.0 * (np.floor(time) % BEEP_CYCLE)
    sound = np.where(since < BEEP_SECONDS, 0.5 * np.sin(2 * np.pi * pitch * since), 0.0)
    return sound.astype(np.float32)


@dataclass(frozen=True)
class Beep:
    """A beep that was heard: `at` seconds from the first sample; `second` is modulo the cycle."""

    at: float
    second: int


def read_beeps(samples: npt.NDArray[Any], rate: int) -> list[Beep]:
    """The beeps in mono `samples` (any amplitude, `rate` samples/s), each placed to about a millisecond.

    A clip that begins inside a beep has one at 0; a beep cut to less than 20 ms is left out.
    """
    sound = np.asarray(samples, dtype=np.float64)
    peak = float(np.abs(sound).max(initial=0.0))
    if peak == 0.0:
        return []
    loud = np.flatnonzero(np.abs(sound) > 0.3 * peak)
    # Loud samples less than 10 ms apart belong to one beep.
    breaks = np.flatnonzero(np.diff(loud) > rate * 0.01)
    starts = loud[np.concatenate(([0], breaks + 1))]
    ends = loud[np.concatenate((breaks, [len(loud) - 1]))]
    beeps = []
    for start, end in zip(starts, ends, strict=True):
        if end - start < 0.02 * rate:
            continue
        # The pitch from whole periods between rising zero crossings, away from the beep's blurred edges.
        body = sound[start + (end - start) // 8 : end - (end - start) // 8]
        rising = np.flatnonzero((body[:-1] < 0) & (body[1:] >= 0))
        if len(rising) < 2:
            continue
        exact = rising + body[rising] / (body[rising] - body[rising + 1])
        pitch = (len(exact) - 1) * rate / (exact[-1] - exact[0])
        beeps.append(Beep(at=float(start / rate), second=round((pitch - 500.0) / 100.0) % BEEP_CYCLE))
    return beeps
