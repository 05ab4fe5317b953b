"""Writing the clip: packets of all tracks, in order of their times, into an MP4 that plays everywhere."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from desktop.media.container import file_url
from desktop.media.probe import MediaChapter

# Below this many bytes a second pass over the file costs less than room for an index of unknown size.
_RESERVED_FROM = 8 * 2**20
_HEADS = 1 << 16  # bytes: what an index holds besides its tables
_REPORT_EVERY = 64  # packets


@dataclass
class Track:
    """A track of the clip: its packets in decoding order, on the clip's clock, with all their times set.

    There are at most `count` of them. `template` (opened when it is needed), or else the first packet's
    stream, tells codec and parameters; `extradata` replaces what it says of them. `codec_tag` is the MP4
    sample entry, where ours differs from the muxer's choice; `display_matrix` turns the picture.
    """

    packets: Iterator[Packet[Any]]
    count: int
    codec_tag: str | None = None
    display_matrix: tuple[int, ...] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    template: AbstractContextManager[Stream] | None = None
    extradata: bytes | None = None
    stream: Stream | None = None


def write_clip(
    path: Path,
    tracks: Sequence[Track],
    *,
    timescales: Timescales,
    metadata: Mapping[str, str],
    chapters: Sequence[MediaChapter],
    size: int,
    progress: Callable[[float], None],
) -> None:
    """Write `tracks` to the MP4 `path`, index in front; `progress` is told the seconds written.

    `size` is about how many bytes it will have. Raises `av.FFmpegError`, also for a full disk (`errno`).
    """
    options = {
        "movie_timescale": str(timescales.movie),
        "video_track_timescale": str(timescales.video),
    }
    if size > _RESERVED_FROM:
        options["moov_size"] = str(_index_size(tracks) + 4 * len(str(metadata)) + 64 * len(str(chapters)))
    else:
        options["movflags"] = "+faststart"  # writes everything a second time, behind the index
    # A track begins at 0 on the clip's clock: its first packets may be before that, hidden by an edit list.
    with av.open(file_url(path), mode="w", format="mp4", container_options=options) as clip:
        clip.metadata.update(metadata)
        clip.set_chapters(
            [
                {
                    "id": number,
                    "start": round(chapter.start * 1000),
                    "end": round(chapter.end * 1000),
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": chapter.title},
                }
                for number, chapter in enumerate(chapters)
            ]
        )
        heads = [head for head in (_Head.of(track, clip) for track in tracks) if head is not None]
        heapq.heapify(heads)
        for number in itertools.count():
            if not heads:
                break
            head = heads[0]
            if number % _REPORT_EVERY == 0:
                progress(head.time)
            clip.mux(head.packet)
            if head.advance():
                heapq.heapreplace(heads, head)
            else:
                heapq.heappop(heads)


def _index_size(tracks: Sequence[Track]) -> int:
    """Bytes that the index (`moov`) of these tracks has at most.

    ISO/IEC 14496-12, 8.6 and 8.7: a sample takes 4 bytes of `stsz`, 8 of `stts`, 8 of `ctts` and 4 of `stss`;
    a chunk, which ends at the latest where another track's begins, 12 of `stsc` and 8 of `co64`.
    """
    counts = [track.count for track in tracks]
    others = [sum(counts) - count for count in counts]
    tables = (24 * own + 20 * min(own, other + 1) for own, other in zip(counts, others, strict=True))
    texts = sum(len(track.extradata or b"") + 4 * len(str(track.metadata)) for track in tracks)
    return _HEADS + texts + sum(tables)


@dataclass(frozen=True)
class Timescales:
    """Units a second of the video track and of the movie, in which an MP4's edit lists are counted."""

    video: int
    movie: int


@dataclass
class _Head:
    """The next packet of a track; heads are ordered by its decoding time."""

    time: float
    """When it is decoded, in seconds of the clip."""
    number: int
    packet: Packet[Any]
    track: Track
    tick: float
    """Seconds, the same for all packets of the track."""

    @classmethod
    def of(cls, track: Track, clip: OutputContainer) -> _Head | None:
        packet = next(track.packets, None)
        if packet is None:
            return None
        with track.template or nullcontext(packet.stream) as template:
            track.stream = _add_stream(clip, track, template)
        head = cls(0.0, track.stream.index, packet, track, float(packet.time_base))
        head._take(packet)
        return head

    def advance(self) -> bool:
        packet = next(self.track.packets, None)
        if packet is None:
            return False
        self._take(packet)
        return True

    def _take(self, packet: Packet[Any]) -> None:
        self.packet = packet
        self.time = (packet.dts or 0) * self.tick
        packet.stream = self.track.stream

    def __lt__(self, other: _Head) -> bool:
        return (self.time, self.number) < (other.time, other.number)


def _add_stream(clip: OutputContainer, track: Track, template: Stream) -> Stream:
    # `opaque`: by the template's own codec, so that no encoder needs to exist for it.
    stream = clip.add_stream_from_template(template, opaque=True)
    stream.metadata.update(track.metadata)
    if track.extradata is not None:
        stream.codec_context.extradata = track.extradata
    if track.codec_tag is not None:
        stream.codec_context.codec_tag = track.codec_tag
    if isinstance(stream, av.VideoStream) and isinstance(template, av.VideoStream):
        # WebM tells the shape of pixels of the stream as a whole, which is no part of the codec's parameters.
        stream.codec_context.sample_aspect_ratio = template.sample_aspect_ratio or Fraction(0)
    if track.display_matrix is not None and isinstance(stream, av.VideoStream):
        stream.set_display_matrix(track.display_matrix)
    return stream
