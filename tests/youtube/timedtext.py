"""Caption tracks in the formats of `/api/timedtext`: json3, vtt, srv3, srv1 and srt."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from xml.sax.saxutils import escape

from tests.youtube.catalogue import Cue, Track


def timedtext(track: Track, form: str, translate_to: str | None = None) -> tuple[str, str] | None:
    """Content type and text of `track` in `form`, or None for a form that is not on offer."""
    writer = _WRITERS.get(form)
    if writer is None:
        return None
    if translate_to and translate_to != track.language:
        cues = tuple(Cue(cue.start, cue.end, f"[{translate_to}] {cue.text}") for cue in track.cues)
        track = Track(translate_to, track.name, automatic=False, cues=cues)
    content_type, write = writer
    return content_type, write(track)


def word_times(cue: Cue) -> list[tuple[float, str]]:
    """When each word of an automatic caption is said: words share the cue's time by their length."""
    words = cue.text.split()
    letters = sum(len(word) + 1 for word in words) or 1
    times, passed = [], 0
    for word in words:
        times.append((cue.start + (cue.end - cue.start) * passed / letters, word))
        passed += len(word) + 1
    return times


def _json3(track: Track) -> str:
    events: list[dict[str, object]] = []
    if track.automatic:
        events.append(
            {
                "tStartMs": 0,
                "dDurationMs": _milliseconds(track.cues[-1].end),
                "id": 1,
                "wpWinPosId": 1,
                "wsWinStyleId": 1,
            }
        )
    for cue in track.cues:
        event: dict[str, object] = {
            "tStartMs": _milliseconds(cue.start),
            "dDurationMs": _milliseconds(cue.end - cue.start),
        }
        if not track.automatic:
            events.append({**event, "segs": [{"utf8": cue.text}]})
            continue
        segments = [
            {
                "utf8": word if place == 0 else f" {word}",
                **({"tOffsetMs": _milliseconds(at - cue.start)} if place else {}),
                "acAsrConf": 0,
            }
            for place, (at, word) in enumerate(word_times(cue))
        ]
        events.append({**event, "wWinId": 1, "segs": segments})
        # The site ends each line of a rolling window with an event of its own.
        events.append(
            {
                "tStartMs": _milliseconds(cue.end) - 10,
                "dDurationMs": 10,
                "wWinId": 1,
                "aAppend": 1,
                "segs": [{"utf8": "\n"}],
            }
        )
    pens = {"wireMagic": "pb3", "pens": [{}], "wsWinStyles": [{}], "wpWinPositions": [{}]}
    return json.dumps({**pens, "events": events}, ensure_ascii=False)


def _vtt(track: Track) -> str:
    lines = ["WEBVTT", "Kind: captions", f"Language: {track.language}", ""]
    for cue in track.cues:
        lines.append(f"{_clock(cue.start)} --> {_clock(cue.end)}")
        if track.automatic:
            first, *rest = word_times(cue)
            lines.append(first[1] + "".join(f"<{_clock(at)}><c> {word}</c>" for at, word in rest))
        else:
            lines.append(escape(cue.text).replace("-->", "--&gt;"))
        lines.append("")
    return "\n".join(lines)


def _srv3(track: Track) -> str:
    lines = ['<?xml version="1.0" encoding="utf-8" ?><timedtext format="3"><body>']
    for cue in track.cues:
        opening = f'<p t="{_milliseconds(cue.start)}" d="{_milliseconds(cue.end - cue.start)}">'
        if track.automatic:
            words = "".join(
                f'<s t="{_milliseconds(at - cue.start)}">{_xml(word if place == 0 else " " + word)}</s>'
                for place, (at, word) in enumerate(word_times(cue))
            )
            lines.append(f"{opening}{words}</p>")
        else:
            lines.append(f"{opening}{_xml(cue.text)}</p>")
    return "\n".join((*lines, "</body></timedtext>"))


def _srv1(track: Track) -> str:
    lines = [
        f'<text start="{cue.start:g}" dur="{cue.end - cue.start:g}">{_xml(html.escape(cue.text))}</text>'
        for cue in track.cues
    ]
    return '<?xml version="1.0" encoding="utf-8" ?><transcript>' + "".join(lines) + "</transcript>"


def _srt(track: Track) -> str:
    return "\n".join(
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{cue.text}\n"
        for number, cue in enumerate(track.cues, 1)
    )


_WRITERS: dict[str, tuple[str, Callable[[Track], str]]] = {
    "json3": ("application/json; charset=UTF-8", _json3),
    "vtt": ("text/vtt; charset=UTF-8", _vtt),
    "srv3": ("text/xml; charset=UTF-8", _srv3),
    "srv1": ("text/xml; charset=UTF-8", _srv1),
    "srt": ("text/plain; charset=UTF-8", _srt),
}


def _xml(text: str) -> str:
    """Escaped text without the control characters that XML 1.0 forbids."""
    return escape("".join(letter for letter in text if letter >= " " or letter in "\n\t"))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _clock(seconds: float, mark: str = ".") -> str:
    whole, thousandths = divmod(_milliseconds(seconds), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{mark}{thousandths:03}"
