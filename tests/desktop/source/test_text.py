"""Strangers' titles are safe to show and to name files by."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pathvalidate import is_valid_filename

from desktop.source.text import clean_text, clip_name

RESERVED = {
    *("CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"),
    *(f"{port}{number}" for port in ("COM", "LPT") for number in "123456789¹²³"),
}
"""Names that Windows takes for devices."""

any_text = st.text(max_size=400) | st.text(
    '\u202e\u200d./\\ :*?<>|"CONNULcomlpt123 \x00\x1b[31m👩👧ü', max_size=60
)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A plain title", "A plain title.mp4"),
        ("Ünïcode – 日本語 👍", "Ünïcode – 日本語 👍.mp4"),
        ("../../etc/passwd", "etc-passwd.mp4"),
        ("C:\\Windows\\CON", "C -Windows-CON.mp4"),
        ("CON", "_CON.mp4"),
        ("con.tar", "con_.tar.mp4"),
        ("NUL ", "_NUL.mp4"),
        ("COM1", "_COM1.mp4"),
        ("", "clip.mp4"),
        ("...", "clip.mp4"),
        ("\x00\x07", "clip.mp4"),
        ("-rf", "rf.mp4"),
        ('what? "this" <that> | *', "what this that.mp4"),
        ("\u202egpj.exe\u202c", "gpj.exe.mp4"),
        ("a\nb\tc", "a b c.mp4"),
        ("\x1b[31mred\x1b[0m", "red.mp4"),
        ("trailing. ", "trailing.mp4"),
    ],
)
def test_names_are_what_one_expects(title: str, name: str) -> None:
    assert clip_name(title, ".mp4") == name


@given(any_text)
@example("nul .a")
@example("com¹")
@example("CONIN$")
@example("👩\u200d👩\u200d👧" * 40)
@example("e\u0301" * 100)
def test_any_title_gives_a_name_that_every_system_accepts(title: str) -> None:
    name = clip_name(title, ".mp4")
    assert name.endswith(".mp4")
    assert len(name) > len(".mp4")
    assert len(name.encode()) <= 120
    assert is_valid_filename(name, platform="universal")
    assert Path(name).name == name == PureWindowsPath(name).name
    assert not name.startswith((".", "-", " "))
    assert name.partition(".")[0].strip().upper() not in RESERVED
    assert all(unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"} for char in name)
    assert not set(name) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f")


@given(any_text, st.integers(1, 60))
def test_cleaned_text_is_one_short_line_and_stays_as_it_is(text: str, longest: int) -> None:
    cleaned = clean_text(text, longest)
    assert len(cleaned) <= longest
    assert cleaned == cleaned.strip()
    assert len(cleaned.splitlines()) <= 1
    assert clean_text(cleaned, longest) == cleaned
    cleaned.encode()  # no lone surrogates


def test_markup_stays_text() -> None:
    assert clean_text("<b>1 & 2</b>") == "<b>1 & 2</b>"
