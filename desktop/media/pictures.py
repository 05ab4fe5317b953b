"""What the coded bytes of a picture tell without decoding: its kind, and whether it will be shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

# ITU-T H.264, table 7-1, and ITU-T H.265, table 7-1.
_H264_SLICES, _H264_IDR = {1, 2, 3, 4, 5}, {5}
_HEVC_RADL, _HEVC_CLEAN = {6, 7}, {16, 17, 18, 19, 20}  # RADL_N, RADL_R; BLA_*, IDR_*
_HEVC_FIRST_NON_VCL = 32
_WITH_NAL_UNITS = {"h264", "hevc"}


class Coded(Protocol):
    """A coded picture: a packet, or something that reads its bytes only when it is asked for them."""

    @property
    def is_keyframe(self) -> bool: ...

    def __bytes__(self) -> bytes: ...


class PictureReader:
    """Reads the packets of one video stream in decoding order.

    At the start of a recording some pictures lack what they refer to: before the first keyframe nothing
    decodes, and neither do the leading pictures of that keyframe (decoded after it, shown before it) if they
    refer to a group of pictures that is not there.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._first_key: int | None = None
        self._in_first_gop = True

    def is_shown(self, packet: Coded, pts: int) -> bool:
        """Whether the packet decodes to a picture that is presented. Call it once a packet, in order."""
        if self._codec == "vp8" and not bytes(packet)[0] >> 4 & 1:  # RFC 6386, 9.1: show_frame
            return False
        if self._first_key is None:
            if packet.is_keyframe:
                self._first_key = pts
            return packet.is_keyframe
        if packet.is_keyframe:
            self._in_first_gop = False
        if not self._in_first_gop or pts >= self._first_key:
            return True
        return self._codec == "hevc" and first_slice(self._codec, bytes(packet)) in _HEVC_RADL

    def is_clean(self, packet: Coded) -> bool:
        """Whether no picture after this keyframe (in decoding order) refers to one before it."""
        return is_clean_keyframe(self._codec, bytes(packet) if self._codec in _WITH_NAL_UNITS else b"")


def is_clean_keyframe(codec: str, data: bytes) -> bool:
    """As `PictureReader.is_clean`, of the first bytes of a keyframe's packet."""
    if codec in _WITH_NAL_UNITS:
        return first_slice(codec, data) in (_H264_IDR if codec == "h264" else _HEVC_CLEAN)
    # MPEG-2 and MPEG-4 part 2 mostly have open groups; VP8, VP9 and AV1 keyframes reset everything.
    return codec not in {"mpeg2video", "mpeg1video", "mpeg4", "vc1"}


def first_slice(codec: str, data: bytes) -> int | None:
    """The NAL unit type of the first slice in an H.264 or HEVC access unit; None where there is none."""
    for header in _nal_headers(data):
        kind = data[header] & 0x1F if codec == "h264" else data[header] >> 1 & 0x3F
        if kind in _H264_SLICES if codec == "h264" else kind < _HEVC_FIRST_NON_VCL:
            return kind
    return None


def _nal_headers(data: bytes) -> Iterator[int]:
    """Where the NAL units begin: after start codes (H.264 annex B) or 4-byte lengths (ISO/IEC 14496-15)."""
    if data.startswith((b"\0\0\1", b"\0\0\0\1")):
        at = data.find(b"\0\0\1")
        while 0 <= at < len(data) - 3:
            yield at + 3
            at = data.find(b"\0\0\1", at + 3)
        return
    at = 0
    while at + 4 < len(data):
        size = int.from_bytes(data[at : at + 4])
        if not size:  # no NAL unit is empty: a hole in the file
            return
        yield at + 4
        at += 4 + size
