"""Which way pictures of a source are joined with encoded ones, by its codec."""

from __future__ import annotations

import contextlib

from desktop.media.container import open_packets
from desktop.trim.bits import UnfitError
from desktop.trim.joint import Joint
from desktop.trim.media import Picture


def joint_of(picture: Picture, max_height: int | None) -> Joint:
    """Raises UnfitError where its pictures cannot be copied beside encoded ones; the words say why."""
    info = picture.info
    joint = _joint_of_codec(info.codec)
    if max_height is not None and info.display_size[1] > max_height:
        raise UnfitError("the picture was made smaller")
    with open_packets(picture.path) as container:
        extradata = container.streams[picture.packets.index].codec_context.extradata or b""
    packets = picture.packets
    if info.codec == "h264" and (packets.key & ~packets.clean).any():
        from desktop.trim.joint_h264_open import H264OpenJoint  # noqa: PLC0415

        with contextlib.suppress(UnfitError):
            return H264OpenJoint(picture, extradata)
    return joint(picture, extradata)


def _joint_of_codec(codec: str) -> type[Joint]:
    """Imports one codec's module and no other: a process that makes one clip would wait for all of them."""
    match codec:
        case "h264":
            from desktop.trim.joint_h264 import H264Joint  # noqa: PLC0415

            return H264Joint
        case "hevc":
            from desktop.trim.joint_hevc import HevcJoint  # noqa: PLC0415

            return HevcJoint
        case "vp9":
            from desktop.trim.joint_vp9 import Vp9Joint  # noqa: PLC0415

            return Vp9Joint
        case "av1":
            from desktop.trim.joint_av1 import Av1Joint  # noqa: PLC0415

            return Av1Joint
        case "mpeg2video":
            from desktop.trim.joint_mpeg import Mpeg2Joint  # noqa: PLC0415

            return Mpeg2Joint
        case "mpeg4":
            from desktop.trim.joint_mpeg import Mpeg4Joint  # noqa: PLC0415

            return Mpeg4Joint
    raise UnfitError(f"that is all that can be done with {codec} so far")
