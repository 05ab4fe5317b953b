"""What an MP4's tables tell is what its demuxer reads."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pytest

from desktop.errors import ReelyError
from desktop.media.packets import read_packets
from desktop.trim.copied import read_numbered
from tests.desktop.corpus import RECIPES, Corpus

PLAIN = sorted(
    name
    for name, recipe in RECIPES.items()
    if recipe.file.endswith((".mp4", ".m4a", ".mov")) and not recipe.file.startswith("dash")
)


@pytest.mark.parametrize("name", PLAIN)
def test_packets_are_listed_with_the_times_flags_and_bytes_that_a_demuxer_gives(
    corpus: Corpus, name: str
) -> None:
    path = corpus.path(name)
    listed, content = read_packets(path).streams, path.read_bytes()
    with av.open(str(path)) as container:
        read = [packet for packet in container.demux() if packet.size]
    for index, packets in listed.items():
        assert packets.pos is not None, "the tables are used"
        own = [packet for packet in read if packet.stream_index == index]
        assert packets.pts.tolist() == [packet.pts for packet in own]
        assert packets.dts.tolist() == [packet.dts for packet in own]
        assert packets.duration.tolist() == [packet.duration for packet in own]
        assert packets.key.tolist() == [packet.is_keyframe for packet in own]
        places = zip(packets.pos.tolist(), packets.size.tolist(), strict=True)
        assert [content[at : at + size] for at, size in places] == [bytes(packet) for packet in own]


def test_tables_that_do_not_say_what_the_demuxer_reads_are_not_used(corpus: Corpus, tmp_path: Path) -> None:
    """Two sample entries: then the demuxer tells with some packets that another one is in force."""
    content = corpus.path("h264-closed").read_bytes()
    at = content.index(b"stsd") + 8  # after the type, version and flags
    changed = tmp_path / "two entries.mp4"
    changed.write_bytes(content[:at] + (2).to_bytes(4) + content[at + 4 :])
    listed, video = read_packets(corpus.path("h264-closed")).video, read_packets(changed).video
    assert listed is not None
    assert video is not None
    assert video.pos is None
    assert np.array_equal(video.pts, listed.pts)


def test_a_file_that_changes_while_it_is_cut_is_noticed(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "changing.mp4"
    path.write_bytes(corpus.path("h264-closed").read_bytes())
    video = read_packets(path).video
    assert video is not None
    assert [number for number, _ in read_numbered(path, video, range(5))] == list(range(5))
    os.utime(path, ns=(0, 0))
    with pytest.raises(ReelyError) as failure:
        list(read_numbered(path, video, range(5)))
    assert failure.value.code == "source-changed"
    path.write_bytes(b"")
    with pytest.raises(ReelyError) as failure:
        list(read_numbered(path, video, range(5)))
    assert failure.value.code == "source-changed"
