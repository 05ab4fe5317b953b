"""What the probe says about files, and how it refuses those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.errors import Exit, ReelyError
from desktop.media.probe import probe


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp4", b""),
        ("text.mp4", b"hello\n" * 100),
        ("header only.mp4", b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"),
        ("script.ffconcat", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n"),
    ],
)
def test_what_is_no_media_is_refused_with_a_code(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ReelyError) as refusal:
        probe(path)
    assert (refusal.value.code, refusal.value.exit) == ("media-unreadable", Exit.MEDIA)


@pytest.mark.parametrize(
    ("name", "code"),
    [("nowhere.mp4", "file-not-found"), (".", "not-a-file"), ("a\0b.mp4", "file-not-readable")],
)
def test_names_that_lead_to_no_file_are_told_apart(tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(ReelyError) as refusal:
        probe(tmp_path / name)
    assert refusal.value.code == code
