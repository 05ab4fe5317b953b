"""The coded pictures of a file, less what containers and joints put around them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av

from desktop.trim.av1 import obus
from desktop.trim.hevc import as_broken_link, is_picture
from desktop.trim.nal import nal_units


def coded_pictures(path: Path, index: int) -> list[tuple[bytes, ...]]:
    """What every picture of the stream is made of, in decoding order."""
    with av.open(str(path)) as container:
        stream = container.streams[index]
        codec = stream.codec_context.codec.canonical_name
        size = 4 if path.suffix != ".ts" else 0
        parts = _PARTS.get(codec, _whole)
        return [parts(bytes(packet), size) for packet in container.demux(stream) if packet.size]


def _whole(data: bytes, _size: int) -> tuple[bytes, ...]:
    return (data,)


def _h264(data: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(unit for unit in nal_units(data, size) if unit[0] & 0x1F in {1, 5})


def _hevc(data: bytes, size: int) -> tuple[bytes, ...]:
    """With a CRA picture and one that a broken link was made of alike."""
    units = (unit for unit in nal_units(data, size) if is_picture(unit))
    return tuple(as_broken_link(unit) for unit in units)


def _av1(data: bytes, _size: int) -> tuple[bytes, ...]:
    return tuple(unit.payload for unit in obus(data) if unit.kind not in {1, 2})


def _mpeg2(data: bytes, _size: int) -> tuple[bytes, ...]:
    """From the picture header on."""
    return (data[data.find(b"\0\0\1\0") :],)


def _mpeg4(data: bytes, _size: int) -> tuple[bytes, ...]:
    """From the header of the video object plane on."""
    return (data[data.find(b"\0\0\1\xb6") :],)


_PARTS: dict[str, Callable[[bytes, int], tuple[bytes, ...]]] = {
    "h264": _h264,
    "hevc": _hevc,
    "av1": _av1,
    "mpeg2video": _mpeg2,
    "mpeg4": _mpeg4,
}
