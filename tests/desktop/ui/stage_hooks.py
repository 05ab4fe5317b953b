"""Made-up hooks for the window's tests and pictures."""

from __future__ import annotations

from desktop.hooks.models import Evidence, FoundHooks, Hook, Line, Origin, Reason, TranscriptOrigin


def made_up_evidence(duration: float) -> Evidence:
    """Forty sentences."""
    step = duration / 40
    said = (
        "And nobody had seen it coming.",
        "Least of all the three of them.",
        "What was that?",
        "They flew.",
    )
    return Evidence(
        lines=tuple(
            Line(start=place * step, end=(place + 0.9) * step, text=said[place % 4]) for place in range(40)
        ),
        duration=duration,
        shots=(),
        curves={},
    )


def made_up_hooks(duration: float) -> FoundHooks:
    """Three hooks in a source of `duration` seconds, best first."""
    rows = (
        (0.70, 0.79, 91.0, "The squirrels strike back", "viewers replay it", "a short, punchy line"),
        (0.33, 0.42, 78.0, "He wakes up", "somebody speaks: What was that?", "tells a turn of a story"),
        (0.49, 0.55, 64.0, "A plan takes shape", "makes a claim or gives figures", "speaks to the listener"),
    )
    hooks = tuple(
        Hook(
            start=first * duration,
            end=last * duration,
            score=score,
            title=title,
            reasons=(
                Reason(signal="one", weight=0.6, note=one),
                Reason(signal="two", weight=0.25, note=two),
                Reason(signal="three", weight=0.15, note="begins so that nothing before it is needed"),
            ),
            text=f"{title}. And nobody had seen it coming, least of all the three of them.",
        )
        for first, last, score, title, one, two in rows
    )
    return FoundHooks(
        hooks=hooks,
        transcript=TranscriptOrigin(origin=Origin.CAPTIONS, language="en"),
        evidence=made_up_evidence(duration),
        notes=("The signal “reaction” was left out: the transcript names no laughter or applause.",),
    )
