"""Text from strangers made safe: titles for people to read, and file names that every system accepts."""

from __future__ import annotations

import re
import unicodedata

from pathvalidate import is_valid_filename, sanitize_filename

# Marks that reorder the text around them, so that "gpj.exe" reads "exe.jpg" (Unicode TR 36, section 3.2).
_BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
# Not seen, but different: byte-order mark, zero-width space, word joiner, interlinear marks, tags.
_UNSEEN = {0x00AD, 0x200B, 0x2060, 0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)}
_DROPPED = dict.fromkeys(_BIDI | _UNSEEN)
_SPACES = re.compile(r"\s+")
_TERMINAL_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")  # ECMA-48, section 5.4
_LONGEST_NAME = 120  # bytes; with a number, a temporary suffix and a folder all limits (255 a name) are far


def clean_text(text: str, longest: int = 300) -> str:
    """One line of at most `longest` characters without control, reordering or invisible characters.

    Everything else stays, also markup: it is text, and whoever shows it shows it as text.
    """
    text = _TERMINAL_SEQUENCE.sub("", text).translate(_DROPPED)
    text = "".join(" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in text)
    text = "".join(char for char in text if unicodedata.category(char) not in {"Cs", "Cn", "Co"})
    text = _SPACES.sub(" ", text).strip()
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def clip_name(title: str, suffix: str = "", longest: int = _LONGEST_NAME) -> str:
    """A file name (without folder) made of a stranger's `title`, ending in `suffix` (such as ` 2.mp4`).

    It has no separators, control or reordering characters, is no reserved name of any system, starts with no
    dot or dash, ends in no dot or space, has at most `longest` bytes in UTF-8, and is never empty. `suffix`
    is ours, not a stranger's, and is kept as it is.
    """
    name = clean_text(title, 1000).replace("/", "-").replace("\\", "-").replace(":", " ")
    name = sanitize_filename(name, replacement_text=" ", platform="universal", max_len=1000)
    name = unicodedata.normalize("NFC", _SPACES.sub(" ", name))
    name = _cut(name.strip(" .-_~$"), max(1, longest - len(suffix.encode()))).rstrip(" .-_")
    name = name or "clip"
    # A reserved name stays one with anything after its first dot: `NUL.tar.mp4`.
    reserved = not is_valid_filename(name.partition(".")[0].strip() or "x", platform="windows")
    return ("_" if reserved else "") + name + suffix


def _cut(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8, cut between characters and not within a joined emoji."""
    if len(text.encode()) <= size:
        return text
    cut = text.encode()[:size].decode("utf-8", "ignore")
    rest = text[len(cut) :]
    while cut and rest and (rest[0] in "\u200d\ufe0f" or unicodedata.combining(rest[0])):
        rest = cut[-1] + rest
        cut = cut[:-1]
    return cut.rstrip("\u200d")
