"""What may come in by drag-and-drop or clipboard: one link or one local file, as bounded plain text."""

from __future__ import annotations

from PySide6.QtCore import QMimeData

# Longer than any link in use and than PATH_MAX of the systems we run on.
LONGEST = 4096


def incoming_text(data: QMimeData) -> str | None:
    """The first link or local path in what was dropped or pasted; None if there is nothing fit to open.

    Only text and addresses are looked at, whatever else the other program offers.
    """
    for url in data.urls()[:1] if data.hasUrls() else []:
        if url.isLocalFile():
            return _bounded(url.toLocalFile())
        if url.scheme().lower() in {"http", "https"}:
            return _bounded(url.toString())
        return None
    return bounded_line(data.text()) if data.hasText() else None


def bounded_line(text: str) -> str | None:
    """The first line that is not blank, if it is short enough and has no control characters."""
    for line in text[: 2 * LONGEST].splitlines():
        if line.strip():
            return _bounded(line.strip())
    return None


def _bounded(text: str) -> str | None:
    if not text or len(text) > LONGEST or not text.isprintable():
        return None
    return text
