"""Pictures encoded anew: exactly the planned ones, each at its own time, as packets of one segment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import ffmpeg
import numpy as np
from av.packet import Packet

from desktop.errors import Exit, ReelyError
from desktop.media.container import DEMUXERS, PROTOCOLS, file_url
from desktop.media.ffmpeg import FfmpegProcess, running
from desktop.media.packets import StreamPackets, Ticks
from desktop.media.probe import VideoInfo

REORDER_DEPTH = 2
"""How many pictures x264 and x265, as set here, decode ahead of their time (B-frame pyramids)."""


@dataclass(frozen=True)
class PictureFormat:
    """How pictures are encoded: the encoder's options for ffmpeg, and the filters before it."""

    options: dict[str, str]
    filters: tuple[tuple[str, dict[str, str]], ...]
    reorder_depth: int = REORDER_DEPTH
    """How many pictures the encoder decodes ahead of their time, at most."""
    distance: Fraction | None = None
    """Seconds from one picture to the next, for encoders that can only count them."""


def choose_format(video: VideoInfo, max_height: int | None) -> PictureFormat:
    """H.264 for 8-bit sources, 10-bit HEVC for deeper or HDR ones, at a quality the eye cannot tell apart.

    Everything is 4:2:0, which plays everywhere; sizes become even, as that needs. `max_height` is in lines as
    shown (upright, square pixels); the shape is kept.
    """
    filters: list[tuple[str, dict[str, str]]] = []
    size = _stored_size(video, max_height)
    if size is not None:
        interlaced = {"interl": "1"} if video.interlaced else {}
        filters.append(("scale", {"w": str(size[0]), "h": str(size[1]), "flags": "lanczos", **interlaced}))
        # Otherwise the scaler makes pixels a little oblong where an even size is not quite in proportion.
        filters.append(("setsar", {"sar": str(video.sample_aspect)}))
    elif video.width % 2 or video.height % 2:
        even = {"w": str(video.width // 2 * 2), "h": str(video.height // 2 * 2), "x": "0", "y": "0"}
        filters.append(("crop", even))
    deep = video.bit_depth > 8 or video.color.is_hdr
    filters.append(("format", {"pix_fmts": "yuv420p10le" if deep else "yuv420p"}))
    if deep:
        params = "log-level=error:repeat-headers=0:bframes=4:b-pyramid=1"
        options = {"c:v": "libx265", "crf": "17", "preset": "fast", "tag:v": "hvc1", "x265-params": params}
    else:
        options = {"c:v": "libx264", "crf": "17", "preset": "veryfast", "bf": "3", "tag:v": "avc1"}
        if video.interlaced:
            options["flags"] = "+ilme+ildct"
    return PictureFormat(options, tuple(filters))


def _stored_size(video: VideoInfo, max_height: int | None) -> tuple[int, int] | None:
    shown_height = video.display_size[1]
    if max_height is None or shown_height <= max_height:
        return None
    scale = Fraction(max_height, shown_height)
    return max(2, int(video.width * scale / 2) * 2), max(2, int(video.height * scale / 2) * 2)


def encoded_pictures(
    path: Path, video: VideoInfo, packets: StreamPackets, ticks: Ticks, form: PictureFormat
) -> Iterator[Packet[Any]]:
    """The pictures presented at `ticks` (ascending), encoded, in decoding order.

    The packets' presentation times are the source's ticks; decoding times are not set. Raises ReelyError
    `ffmpeg-failed`, or `pictures-missing` where the decoder does not give the first picture.
    """
    with encoding(path, video, packets, ticks, form) as encoded:
        yield from encoded


@contextmanager
def encoding(
    path: Path, video: VideoInfo, packets: StreamPackets, ticks: Ticks, form: PictureFormat
) -> Iterator[Iterator[Packet[Any]]]:
    """As `encoded_pictures`, but the encoder starts now, however much later its packets are read."""
    key = packets.keyframe_before(int(ticks[0]))
    seek = packets.seek_tick(key) if key else None
    with _encoder(path, video, packets, ticks, form, seek=seek) as encoded:
        # Seeking is not exact in every container; where it lands too late, the file is read from its start.
        from_start: AbstractContextManager[Iterator[Packet[Any]]] = nullcontext(iter(()))
        if key:
            from_start = _encoder(path, video, packets, ticks, form, seek=None)
        yield _from_the_first(encoded, from_start, packets, ticks)


def _from_the_first(
    encoded: Iterator[Packet[Any]],
    again: AbstractContextManager[Iterator[Packet[Any]]],
    packets: StreamPackets,
    ticks: Ticks,
) -> Iterator[Packet[Any]]:
    first = next(encoded, None)
    if first is not None and first.pts == ticks[0]:
        yield first
        yield from encoded
        return
    with again as encoded_again:
        first = next(encoded_again, None)
        if first is None or first.pts != ticks[0]:
            raise ReelyError(
                "pictures-missing",
                f"The picture at {float(packets.seconds(int(ticks[0]))):.3f} s cannot be decoded.",
                "The file may be damaged there; move the in point and try again.",
                Exit.MEDIA,
            )
        yield first
        yield from encoded_again


@contextmanager
def _encoder(
    path: Path,
    video: VideoInfo,
    packets: StreamPackets,
    ticks: Ticks,
    form: PictureFormat,
    *,
    seek: int | None,
) -> Iterator[Iterator[Packet[Any]]]:
    source = ffmpeg.input(file_url(path), **_input_options(packets, seek))
    start, stop = int(ticks[0]), int(ticks[-1]) + 1
    stream = source[str(video.index)].filter("trim", start_pts=start, end_pts=stop)
    stream = stream.filter("setpts", f"PTS-({start})")
    if form.distance is not None:
        stream = stream.filter("settb", str(form.distance))
    for name, arguments in form.filters:
        stream = stream.filter(name, **arguments)
    output = ffmpeg.output(
        stream,
        "pipe:1",
        fps_mode="passthrough",
        enc_time_base="filter",
        video_track_timescale=packets.time_base.denominator,
        format="mp4",
        movflags="+frag_every_frame+empty_moov+default_base_moof+delay_moov",
        **form.options,
    ).global_args("-copyts")
    with running(output) as process:
        coded = _in_ticks(process, packets.time_base, start)
        yield coded if form.distance is None else _put_back(coded, ticks, form.distance / packets.time_base)


def _input_options(packets: StreamPackets, seek: int | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "format_whitelist": DEMUXERS,
        "protocol_whitelist": PROTOCOLS,
        "noautorotate": None,
        "threads": 1,  # each would keep pictures of its own, and the encoder is what takes time
    }
    if seek is not None:
        microseconds = math.ceil(seek * packets.time_base * 1_000_000)
        options |= {"seek_timestamp": 1, "noaccurate_seek": None, "ss": f"{microseconds / 1e6:.6f}"}
    return options


def _in_ticks(process: FfmpegProcess, time_base: Fraction, start: int) -> Iterator[Packet[Any]]:
    try:
        with av.open(process.stdout, mode="r", format="mp4") as encoded:
            for packet in encoded.demux(video=0):
                if packet.pts is None or not packet.size:
                    continue
                packet.pts = start + round(packet.pts * packet.time_base / time_base)
                packet.dts = None
                packet.time_base = time_base
                yield packet
    except av.FFmpegError:
        process.finish()
        raise
    process.finish()


def _put_back(coded: Iterator[Packet[Any]], ticks: Ticks, distance: Fraction) -> Iterator[Packet[Any]]:
    """Counted pictures at the ticks at which they are presented, which are at most half a picture away."""
    for packet in coded:
        if packet.pts is not None:
            nearest = int(ticks[np.abs(ticks - packet.pts).argmin()])
            if 2 * abs(nearest - packet.pts) < distance:
                packet.pts = nearest
        yield packet
