"""Time codes as people write them: `83.25`, `MM:SS.mmm`, `HH:MM:SS.mmm`, and `-T` from the end."""

from __future__ import annotations

import math
import re

from desktop.errors import Exit, ReelyError

_PATTERN = re.compile(
    r"""(?P<back>-)?
        (?: (?:(?P<hours>\d{1,4}):)? (?P<minutes>\d{1,4}) : )?
        (?P<seconds>\d{1,9}(?:[.,]\d{0,9})?|[.,]\d{1,9})""",
    re.VERBOSE | re.ASCII,
)
# A time code in use is about a dozen characters; whatever is longer is no time code.
_MAX_LENGTH = 32


class TimecodeError(ReelyError):
    """What was typed is not a time, or lies outside of the source."""

    def __init__(self, message: str) -> None:
        super().__init__(
            "bad-timecode",
            message,
            "Write seconds (83.25), MM:SS.mmm or HH:MM:SS.mmm; a leading minus counts from the end.",
            Exit.USAGE,
        )

    def __reduce__(self) -> tuple[type[TimecodeError], tuple[str]]:  # type: ignore[override]
        return (TimecodeError, (self.message,))


def parse_timecode(text: str, duration: float | None = None) -> float:
    """The time in seconds that `text` names, in 0..`duration`.

    With parts, those after the first are below 60 (`90:00` is an hour and a half, `1:90:00` is an error).
    A leading minus counts back from `duration`, which must be known then. A decimal comma is read as a point.

    Raises `TimecodeError` if it is no time code, is before 0, or is after `duration`.
    """
    shown = text.strip()[:_MAX_LENGTH]
    match = _PATTERN.fullmatch(text.strip()) if len(text.strip()) <= _MAX_LENGTH else None
    if match is None:
        raise TimecodeError(f"“{shown}” is not a time.")
    seconds = float(match["seconds"].replace(",", "."))
    minutes, hours = match["minutes"], match["hours"]
    if (minutes is not None and seconds >= 60) or (hours is not None and int(minutes) >= 60):
        raise TimecodeError(f"“{shown}” has a part above 59.")
    value = int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds
    if match["back"]:
        if duration is None:
            raise TimecodeError(f"“{shown}” counts from the end, but the length is not known.")
        value = duration - value
    if value < 0:
        raise TimecodeError(f"“{shown}” is before the start.")
    if duration is not None and value > duration:
        # What we print is rounded to a millisecond, and must be readable again.
        if value - duration > 0.0005 + 1e-9:
            raise TimecodeError(f"“{shown}” is after the end, which is at {format_timecode(duration)}.")
        value = duration
    return value


def format_timecode(seconds: float, decimals: int = 3) -> str:
    """`HH:MM:SS.mmm`, or `MM:SS.mmm` below an hour; `decimals` digits (0 to 6), rounded to the nearest.

    Raises ValueError for a time that is negative or not finite.
    """
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{seconds} is no time on a source's clock")
    scale = 10**decimals
    ticks = math.floor(seconds * scale + 0.5)
    whole, fraction = divmod(ticks, scale)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    head = f"{hours:02d}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"
    return f"{head}.{fraction:0{decimals}d}" if decimals else head


def format_length(seconds: float) -> str:
    """A length for people: `0.4 s`, `12.5 s`, `1 min 5 s`, `2 h 3 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = math.floor(seconds + 0.5)
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(math.floor(whole / 60 + 0.5), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
