"""What is inside a media file: streams, clock, colours, rotation, chapters."""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import StrEnum
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from pydantic import BaseModel, ConfigDict

from desktop.errors import Exit, ReelyError
from desktop.media.container import open_media, open_packets, shown

UNSPECIFIED = 2
"""ITU-T H.273: the code point of colour primaries, transfer and matrix that are not told."""

# The rotation is read from a decoded picture; a damaged file gives none, however many packets are tried.
_PACKETS_FOR_A_PICTURE = 200


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ColorRange(StrEnum):
    """Whether black and white are at 16 and 235 or at 0 and 255 (for 8 bits)."""

    UNSPECIFIED = "unspecified"
    LIMITED = "limited"
    FULL = "full"


class Color(_Frozen):
    """How numbers become colours: code points of ITU-T H.273 (2: not told)."""

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED
    range: ColorRange = ColorRange.UNSPECIFIED

    @property
    def is_hdr(self) -> bool:
        """Whether the transfer is PQ (SMPTE ST 2084) or HLG (ARIB STD-B67)."""
        return self.transfer in {16, 18}


class VideoInfo(_Frozen):
    """One video stream. `width` x `height` are the stored pixels, before `sample_aspect` and rotation."""

    index: int
    codec: str
    profile: str | None
    level: int | None
    width: int
    height: int
    sample_aspect: Fraction
    display_matrix: tuple[int, ...] | None
    """Nine integers (ISO/IEC 14496-12, 8.2.2.3, in FFmpeg's order) that turn or mirror the picture."""
    rotation: int
    """Degrees clockwise that a player turns the picture by: 0, 90, 180 or 270 for nearly all files."""
    frame_rate: Fraction | None
    """Pictures per second on average; what is exact is the packet index."""
    time_base: Fraction
    start: Fraction | None
    """When its first picture is shown, in seconds of the file (not of the source's clock)."""
    duration: float | None
    pixel_format: str | None
    bit_depth: int
    color: Color
    interlaced: bool
    field_order: int
    """FFmpeg's AVFieldOrder: 0 unknown, 1 progressive, 2 top first, 3 bottom first, 4 and 5 mixed."""
    bit_rate: int | None
    codec_tag: str
    language: str | None

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height as shown: square pixels, upright."""
        width = max(1, round(self.width * self.sample_aspect))
        return (self.height, width) if self.rotation in {90, 270} else (width, self.height)


class AudioInfo(_Frozen):
    """One audio stream."""

    index: int
    codec: str
    profile: str | None
    channels: int
    layout: str
    sample_rate: int
    time_base: Fraction
    start: Fraction | None
    duration: float | None
    bit_rate: int | None
    language: str | None
    title: str | None
    default: bool


class OtherStream(_Frozen):
    """A stream that is neither moving picture nor sound: subtitles, data, cover pictures, attachments."""

    index: int
    kind: str
    """`subtitle`, `data`, `attachment`, `cover`, or `unknown` for a codec that cannot be decoded here."""
    codec: str | None
    language: str | None


class MediaChapter(_Frozen):
    """A named part, in seconds on the source's clock."""

    start: float
    end: float
    title: str


class MediaInfo(_Frozen):
    """What a file holds. Times in seconds on the source's clock unless told otherwise."""

    path: Path
    container: str
    """FFmpeg's name of the format (`mov,mp4,m4a,3gp,3g2,mj2`, `matroska,webm`, `mpegts`, …)."""
    size: int
    start: Fraction
    """Where the source's clock is 0, in seconds of the file: see `presentation_start`."""
    duration: float
    bit_rate: int | None
    title: str | None
    videos: tuple[VideoInfo, ...]
    audios: tuple[AudioInfo, ...]
    others: tuple[OtherStream, ...]
    chapters: tuple[MediaChapter, ...]

    @property
    def video(self) -> VideoInfo | None:
        """The stream that players show: the first one that is no cover picture."""
        return self.videos[0] if self.videos else None

    @property
    def audio(self) -> AudioInfo | None:
        """The stream that players play: the default one, else the first."""
        return next(
            (audio for audio in self.audios if audio.default), self.audios[0] if self.audios else None
        )


def probe(path: Path) -> MediaInfo:
    """Say what is in the file. Reads its head and one picture.

    Raises ReelyError `file-not-found`, `file-not-readable`, `not-a-file`, `media-unreadable`, or
    `no-video-or-audio`.
    """
    with open_packets(path) as container:
        info = _described(container, path, _first_picture)
    if info.video is None or info.video.pixel_format is not None:
        return info
    with open_media(path) as container:
        return _described(container, path, _first_picture)


def outline(path: Path) -> MediaInfo:
    """As `probe`, without a picture: what only that tells (rotation, often colours) stays at its default."""
    with open_packets(path) as container:
        return _described(container, path, lambda _container, _stream: None)


def _described(
    container: InputContainer,
    path: Path,
    first_picture: Callable[[InputContainer, VideoStream], VideoFrame | None],
) -> MediaInfo:
    moving = [stream for stream in container.streams.video if is_moving_picture(stream)]
    sounds = [stream for stream in container.streams.audio if is_sound(stream)]
    if not moving and not sounds:
        raise ReelyError(
            "no-video-or-audio",
            f"{shown(path)} holds neither video nor sound that can be decoded.",
            "Choose another file.",
            Exit.MEDIA,
        )
    start = presentation_start(container)
    used = {stream.index for stream in (*moving, *sounds)}
    others = tuple(_other(stream) for stream in container.streams if stream.index not in used)
    audios = tuple(_audio(stream) for stream in sounds)
    chapters = _chapters(container, start)
    duration = _duration(container, [*moving, *sounds], start)
    first = first_picture(container, moving[0]) if moving else None
    videos = tuple(_video(stream, first if stream is moving[0] else None) for stream in moving)
    return MediaInfo(
        path=path,
        container=container.format.name,
        size=container.size,
        start=start,
        duration=duration,
        bit_rate=container.bit_rate or None,
        title=container.metadata.get("title") or None,
        videos=videos,
        audios=audios,
        others=others,
        chapters=chapters,
    )


def presentation_start(container: InputContainer) -> Fraction:
    """Where the source's clock is 0, in seconds of the file.

    The rule players follow: the earliest moment at which a picture or a sound is presented, edit lists and
    encoder delay taken into account (libavformat applies them to the times it reports), cover pictures and
    subtitles left out. A file whose times start at 1.4 s (as MPEG-TS does) thus starts at 0 on our clock,
    and a sound that starts 0.2 s after the picture keeps its 0.2 s.
    """
    starts = [
        stream.start_time * stream.time_base
        for stream in (*container.streams.video, *container.streams.audio)
        if (is_moving_picture(stream) or is_sound(stream))
        and stream.start_time is not None
        and stream.time_base is not None
    ]
    return min(starts, default=Fraction(0))


def is_moving_picture(stream: Stream) -> bool:
    """Whether it is a video stream that plays: decodable, and no cover picture or thumbnail track."""
    still = Disposition.attached_pic | Disposition.timed_thumbnails
    return isinstance(stream, VideoStream) and _decodable(stream) and not stream.disposition & still


def is_sound(stream: Stream) -> bool:
    """Whether it is an audio stream that can be decoded."""
    return isinstance(stream, AudioStream) and _decodable(stream) and stream.codec_context.sample_rate > 0


def _decodable(stream: Stream) -> bool:
    return stream.codec_context is not None and stream.time_base is not None


def _video(stream: VideoStream, first: VideoFrame | None) -> VideoInfo:
    context = stream.codec_context
    matrix = _display_matrix(first)
    interlaced = context.field_order >= 2 or (first is not None and first.interlaced_frame)
    pixels = first.format if first is not None else context.format
    return VideoInfo(
        index=stream.index,
        codec=context.codec.canonical_name,
        profile=stream.profile or None,
        level=context.level if context.level > 0 else None,
        width=context.width,
        height=context.height,
        sample_aspect=_positive(stream.sample_aspect_ratio) or Fraction(1),
        display_matrix=matrix,
        rotation=-first.rotation % 360 if first is not None else 0,
        frame_rate=_positive(stream.average_rate) or _positive(stream.guessed_rate),
        time_base=_time_base(stream),
        start=_start(stream),
        duration=_stream_duration(stream),
        pixel_format=pixels.name if pixels else None,
        bit_depth=max((part.bits for part in pixels.components), default=8) if pixels else 8,
        color=_color(stream, first),
        interlaced=interlaced,
        field_order=context.field_order,
        bit_rate=context.bit_rate or None,
        codec_tag=context.codec_tag,
        language=_language(stream),
    )


def _audio(stream: AudioStream) -> AudioInfo:
    context = stream.codec_context
    return AudioInfo(
        index=stream.index,
        codec=context.codec.canonical_name,
        profile=stream.profile or None,
        channels=context.channels,
        layout=context.layout.name,
        sample_rate=context.sample_rate,
        time_base=_time_base(stream),
        start=_start(stream),
        duration=_stream_duration(stream),
        bit_rate=context.bit_rate or None,
        language=_language(stream),
        title=stream.metadata.get("title") or None,
        default=bool(stream.disposition & Disposition.default),
    )


def _other(stream: Stream) -> OtherStream:
    kind: str = stream.type
    if kind == "video" and stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails):
        kind = "cover"
    elif kind in {"video", "audio"}:
        kind = "unknown"
    codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else None
    return OtherStream(index=stream.index, kind=kind, codec=codec, language=_language(stream))


def _first_picture(container: InputContainer, stream: VideoStream) -> VideoFrame | None:
    """The first picture that decodes, or None: what only decoding can tell is then left at its default."""
    for packet in islice(container.demux(stream), _PACKETS_FOR_A_PICTURE):
        try:
            pictures = list(packet.decode())
            if not pictures and packet.is_keyframe:
                # It stands by itself; the decoder only waits for those that might be shown before it.
                pictures = stream.codec_context.decode(None)
                stream.codec_context.flush_buffers()
        except av.FFmpegError:
            continue
        for picture in pictures:
            return picture
    return None


def _display_matrix(picture: VideoFrame | None) -> tuple[int, ...] | None:
    side_data: Any = picture.side_data if picture is not None else ()
    for data in side_data:
        if data.type == SideDataType.DISPLAYMATRIX:
            return struct.unpack("=9i", bytes(data)[:36])
    return None


def _color(stream: VideoStream, picture: VideoFrame | None) -> Color:
    ranges = {1: ColorRange.LIMITED, 2: ColorRange.FULL}
    told = stream.codec_context
    return Color(
        primaries=_told(told.color_primaries, picture.color_primaries if picture else UNSPECIFIED),
        transfer=_told(told.color_trc, picture.color_trc if picture else UNSPECIFIED),
        matrix=_told(told.colorspace, picture.colorspace if picture else UNSPECIFIED),
        range=ranges.get(told.color_range or (picture.color_range if picture else 0), ColorRange.UNSPECIFIED),
    )


def _told(container_says: int, picture_says: int) -> int:
    return int(container_says if container_says != UNSPECIFIED else picture_says)


def _chapters(container: InputContainer, start: Fraction) -> tuple[MediaChapter, ...]:
    found = []
    for number, chapter in enumerate(container.chapters(), start=1):
        base = chapter["time_base"] or Fraction(1)
        begin, end = (max(0.0, float(chapter[edge] * base - start)) for edge in ("start", "end"))
        if begin < end:
            title = chapter["metadata"].get("title") or f"Chapter {number}"
            found.append(MediaChapter(start=begin, end=end, title=title))
    return tuple(found)


def _duration(container: InputContainer, streams: list[Stream], start: Fraction) -> float:
    """Seconds from the first to the end of the last thing presented, as told by the file's head.

    Where the head tells nothing (raw streams, cut-off recordings) all packets are read.
    """
    ends = [
        float((stream.start_time + stream.duration) * stream.time_base)
        for stream in streams
        if stream.start_time is not None and stream.duration is not None and stream.time_base is not None
    ]
    if ends:
        return max(0.0, max(ends) - float(start))
    if container.duration:
        return container.duration / av.time_base
    last = start
    for packet in container.demux(*streams):
        if packet.pts is not None:
            last = max(last, (packet.pts + (packet.duration or 0)) * packet.time_base)
    container.seek(0)
    return float(last - start)


def _stream_duration(stream: Stream) -> float | None:
    if stream.duration is None or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)


def _start(stream: Stream) -> Fraction | None:
    if stream.start_time is None or stream.time_base is None:
        return None
    return stream.start_time * stream.time_base


def _time_base(stream: Stream) -> Fraction:
    return stream.time_base or Fraction(1, av.time_base)


def _language(stream: Stream) -> str | None:
    return stream.language if stream.language not in {None, "", "und"} else None


def _positive(ratio: Fraction | None) -> Fraction | None:
    return ratio if ratio and ratio > 0 else None
