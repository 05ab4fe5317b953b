"""Which way pictures of a source are joined with encoded ones, by its codec."""

from __future__ import annotations

import contextlib

from desktop.media.container import open_packets
from desktop.trim.bits import UnfitError
from desktop.trim.joint import Joint
from desktop.trim.joint_av1 import Av1Joint
from desktop.trim.joint_h264 import H264Joint
from desktop.trim.joint_h264_open import H264OpenJoint
from desktop.trim.joint_hevc import HevcJoint
from desktop.trim.joint_mpeg import Mpeg2Joint, Mpeg4Joint
from desktop.trim.joint_vp9 import Vp9Joint
from desktop.trim.media import Picture

_JOINTS: dict[str, type[Joint]] = {
    "h264": H264Joint,
    "hevc": HevcJoint,
    "vp9": Vp9Joint,
    "av1": Av1Joint,
    "mpeg2video": Mpeg2Joint,
    "mpeg4": Mpeg4Joint,
}


def joint_of(picture: Picture, max_height: int | None) -> Joint:
    """Raises UnfitError where its pictures cannot be copied beside encoded ones; the words say why."""
    info = picture.info
    if info.codec not in _JOINTS:
        raise UnfitError(f"that is all that can be done with {info.codec} so far")
    if max_height is not None and info.display_size[1] > max_height:
        raise UnfitError("the picture was made smaller")
    with open_packets(picture.path) as container:
        extradata = container.streams[picture.packets.index].codec_context.extradata or b""
    packets = picture.packets
    if info.codec == "h264" and (packets.key & ~packets.clean).any():
        with contextlib.suppress(UnfitError):
            return H264OpenJoint(picture, extradata)
    return _JOINTS[info.codec](picture, extradata)
