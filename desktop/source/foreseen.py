"""When the pictures of a stream are shown that was not read: told by its head and its first piece.

The index of a fragmented MP4 (`sidx`) tells when pieces begin and end, to the tick. Where the first one holds
pictures that are all equally long, and all pieces last for a whole number of such, the times of all pictures
follow. Otherwise nothing is foreseen.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop.media.container import open_media
from desktop.media.frame_decoder import FrameIndex
from desktop.media.frame_times import FrameTimes
from desktop.media.packets import read_packets
from desktop.media.probe import is_moving_picture
from desktop.media.remote import RemoteMedia
from desktop.source.heads import PieceHead, TableHead
from desktop.source.pieces import IndexUnreadableError, Piece
from desktop.source.ranges import RangeFile


def foreseen_index(media: RemoteMedia, head: PieceHead) -> FrameIndex:
    """The pictures of a stream in pieces, of which only the first is read.

    Raises IndexUnreadableError where they cannot be foreseen, and as `open_media`.
    """
    pieces = head.index.pieces
    with open_media(media) as container:
        if "mp4" not in container.format.name.split(","):
            raise IndexUnreadableError("times are only foreseen in MP4")
        video = next((stream for stream in container.streams.video if is_moving_picture(stream)), None)
        if video is None or video.time_base is None:
            raise IndexUnreadableError("no picture")
        stream, base = video.index, video.time_base
        shown, delay = _first_piece(container.demux(video), pieces[0])
    distances = np.unique(np.diff(shown))
    if len(distances) != 1 or any(piece.access != 1 for piece in pieces):
        raise IndexUnreadableError("pictures are not equally long, or pieces not independent")
    length = int(distances[0])
    edges = np.rint([float(Fraction(time) / base) for time in _edges(pieces)]).astype(np.int64)
    counts = np.diff(edges) / length
    whole = np.rint(counts).astype(np.int64)
    if np.abs(counts - whole).max() * length > 1 or whole[0] != len(shown):
        raise IndexUnreadableError("pieces do not last for whole pictures")
    begins = edges[:-1] - edges[0] + shown[0]
    ticks = np.concatenate(
        [begin + length * np.arange(count) for begin, count in zip(begins, whole, strict=True)]
    )
    if (np.diff(ticks) <= 0).any():
        raise IndexUnreadableError("pieces overlap")
    scale, origin = float(base), float(head.start)
    keys = np.cumsum([0, *whole[:-1]])
    times = FrameTimes(ticks * scale - origin, float(ticks[-1] + length) * scale - origin)
    return FrameIndex(stream, ticks, keys, ticks[keys] - delay, times, lead=delay)


def _edges(pieces: tuple[Piece, ...]) -> list[float]:
    return [*(piece.start for piece in pieces), pieces[-1].end]


def _first_piece(packets: Any, piece: Piece) -> tuple[NDArray[np.int64], int]:
    """The ticks of its pictures in order, and those from the first one's decoding to its presentation."""
    ticks: list[int] = []
    delay = 0
    for packet in packets:
        if packet.pts is None or packet.dts is None or packet.pos is None or packet.pos >= piece.stop:
            break
        if not ticks:
            delay = packet.pts - packet.dts
            if not packet.is_keyframe:
                raise IndexUnreadableError("the first picture is no keyframe")
        ticks.append(packet.pts)
    if len(ticks) < 2 or min(ticks) != ticks[0]:
        raise IndexUnreadableError("the first piece tells no times")
    return np.sort(np.array(ticks, dtype=np.int64)), max(0, delay)


def index_of_tables(head: TableHead, file: RangeFile, scratch: Path) -> FrameIndex:
    """The pictures of a plain MP4, whose tables tell all: they are read from a file that lacks the media.

    `scratch` is made and removed. Raises IndexUnreadableError where there is no picture, and as `open_media`.
    """
    try:
        head.write(file, (), scratch)
        packets = read_packets(scratch).video
        if packets is None:
            raise IndexUnreadableError("no picture")
        with open_media(scratch) as container:
            entries = container.streams[packets.index].index_entries
            keys = [entry.timestamp for entry in entries if entry.is_keyframe]
    finally:
        scratch.unlink(missing_ok=True)
    # Packets without their bytes are not recognised as keyframes, though the tables say that they are.
    return FrameIndex.of(replace(packets, key=np.isin(packets.dts, keys)))
