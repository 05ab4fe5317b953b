"""Choosing the streams of a source for a purpose: pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from desktop.source.models import Source, Stream, StreamKind


class Purpose(StrEnum):
    """What the bytes are for."""

    CLIP = "clip"
    """The best picture and sound, to cut from."""
    PREVIEW = "preview"
    """The smallest that is good enough to scrub."""


@dataclass(frozen=True)
class Choice:
    """A stream for the picture and one for the sound: the same where it holds both, None for none."""

    video: Stream | None
    audio: Stream | None

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Each stream once."""
        both = (self.video, self.audio)
        return tuple(dict.fromkeys(stream for stream in both if stream is not None))


GOOD_HEIGHT = 1080
"""Lines that are wanted where nobody said how many; beyond them a well-known codec counts for more."""
PREVIEW_HEIGHT = 360

# What MP4 can carry, the most widely played first, by the start of the codec's name (RFC 6381 or FFmpeg's).
_VIDEO_CODECS = (("avc", "h264"), ("hvc", "hev", "hevc", "h265"), ("av01", "av1"), ("vp9", "vp09"))
_AUDIO_CODECS = (("mp4a", "aac"), ("opus",), ("ac-3", "ec-3", "ac3", "eac3", "mp3", "flac"))


def choose_streams(source: Source, purpose: Purpose = Purpose.CLIP, max_height: int | None = None) -> Choice:
    """The streams to fetch.

    `max_height` is in lines of the shorter side (1080 also admits 1080 x 1920); where nothing is that small,
    the smallest is taken. For clips the most lines win, up to `max_height` or `GOOD_HEIGHT`; among equals the
    codec that more players know. Sound is in the original language, and the same for all purposes: it is
    heard, listened to, and cut, and need not be fetched again for that.
    """
    audio = _audio(source)
    video = _video(source, purpose, max_height, has_audio=audio is not None)
    if video is not None and video.kind is StreamKind.MUXED:
        return Choice(video, video)
    if audio is None:  # a stream that holds both can give the sound alone
        muxed = [stream for stream in source.streams if stream.kind is StreamKind.MUXED]
        audio = min(muxed, key=lambda stream: stream.size or 0, default=None)
    return Choice(video, audio)


def lines(stream: Stream) -> int:
    """Pixels of the shorter side; 0 where it is not known."""
    return min(stream.width or stream.height or 0, stream.height or 0)


def _video(source: Source, purpose: Purpose, max_height: int | None, *, has_audio: bool) -> Stream | None:
    streams = [stream for stream in source.streams if stream.kind is not StreamKind.AUDIO]
    limit = min(max_height or PREVIEW_HEIGHT, PREVIEW_HEIGHT) if purpose is Purpose.PREVIEW else max_height
    if limit is not None and streams:
        smallest = min(map(lines, streams))
        streams = [stream for stream in streams if lines(stream) <= max(limit, smallest)]
    wanted = limit or GOOD_HEIGHT

    def merit(stream: Stream) -> tuple[float, ...]:
        muxed = stream.kind is StreamKind.MUXED
        return (
            _direct(stream),
            min(lines(stream), wanted),
            -_rank(stream.video_codec, _VIDEO_CODECS),
            muxed is not has_audio,
            *(() if purpose is Purpose.PREVIEW else (lines(stream), stream.fps or 0, stream.bit_rate or 0)),
        )

    return max(streams, key=merit, default=None)


def _audio(source: Source) -> Stream | None:
    streams = [stream for stream in source.streams if stream.kind is StreamKind.AUDIO]
    original = _original_language(source.streams)
    streams = [stream for stream in streams if stream.language == original] or streams

    def merit(stream: Stream) -> tuple[float, ...]:
        return (
            _direct(stream),
            not stream.id.endswith("-drc"),  # compressed in loudness by the site
            -_rank(stream.audio_codec, _AUDIO_CODECS),
            stream.bit_rate or 0,
        )

    return max(streams, key=merit, default=None)


def _original_language(streams: Iterable[Stream]) -> str | None:
    return next((stream.language for stream in streams if stream.kind is StreamKind.AUDIO), None)


def _direct(stream: Stream) -> bool:
    """Whether the stream is one file whose parts can be asked for."""
    return stream.protocol in {"http", "https"}


def _rank(codec: str | None, table: tuple[tuple[str, ...], ...]) -> int:
    name = (codec or "").lower()
    return next((place for place, starts in enumerate(table) if name.startswith(starts)), len(table))
