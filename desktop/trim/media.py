"""What is cut: the picture and the sounds of a source, from one file or two, on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from desktop.errors import Exit, ReelyError
from desktop.jobs.protocol import Report
from desktop.media.container import shown
from desktop.media.packets import PacketIndex, StreamPackets, read_packets
from desktop.media.probe import AudioInfo, MediaChapter, VideoInfo
from desktop.trim.edit import Edit, MediaInput, Mode
from desktop.trim.plan import ClipPlan
from desktop.trim.subtitles import Subtitles, read_subtitles


@dataclass(frozen=True, eq=False)
class Picture:
    """The picture of the source: where it is, what it is, and when its packets come."""

    path: Path
    info: VideoInfo
    packets: StreamPackets


@dataclass(frozen=True, eq=False)
class Sound:
    """One audio track of the source."""

    path: Path
    info: AudioInfo
    packets: StreamPackets


@dataclass(frozen=True, eq=False)
class CutMedia:
    """All that clips can be made of, on the source's clock.

    `left_out` names kinds of streams that clips do not carry.
    """

    picture: Picture | None
    sounds: tuple[Sound, ...]
    left_out: tuple[str, ...]
    subtitles: tuple[Subtitles, ...] = ()
    chapters: tuple[MediaChapter, ...] = ()

    def bytes_of(self, plan: ClipPlan) -> int:
        """How many bytes the source spends on what `plan` covers."""
        packets = [sound.packets for sound in self.sounds]
        if self.picture is not None:
            packets.append(self.picture.packets)
        return sum(
            int(track.size[(track.pts >= start) & (track.pts < stop)].sum())
            for track in packets
            for start, stop in (
                (track.tick_at(segment.start), track.tick_at(segment.end)) for segment in plan.segments
            )
        )


def read_media(media: MediaInput, edit: Edit, report: Report) -> CutMedia:
    """Probe the file, or both, and index what the segments need of it.

    All are on one clock: the one told, else that of the file with the picture.

    Raises `no-video-or-audio` and what `probe` raises.
    """
    main = media.video or media.audio
    if main is None:
        raise ReelyError(
            "no-video-or-audio", "There is neither a picture nor sound.", "Choose another source.", Exit.MEDIA
        )
    second = media.audio if media.audio != main else None
    half = 0.5 if second else 1.0
    report("index", 0.0)
    spans: list[tuple[float, float]] | None = [(segment.start, segment.end) for segment in edit.segments]
    if edit.mode is Mode.COPY and len(edit.segments) > 1 and not edit.separate:
        spans = None  # keyframes at which copies can be joined may be anywhere before a segment
    index = sound_index = read_packets(
        main, progress=lambda done: report("index", done * half), origin=media.origin, spans=spans
    )
    if second is not None:
        sound_index = read_packets(
            second,
            progress=lambda done: report("index", half + done * (1 - half)),
            origin=index.info.start if media.origin is None else media.origin,
            spans=spans,
        )
    picture = None
    if media.video is not None and index.info.video is not None and index.video is not None:
        picture = Picture(main, index.info.video, index.video)
    sounds = _sounds(second or main, sound_index) if media.audio is not None else ()
    if picture is None and not sounds:
        raise ReelyError(
            "no-video-or-audio",
            f"{shown(main)} holds neither video nor sound that can be decoded.",
            "Choose another file.",
            Exit.MEDIA,
        )
    info, origin = index.info, index.info.start if media.origin is None else media.origin
    subtitles = read_subtitles(main, info.others, origin)
    kept = {text.stream.index for text in subtitles}
    # MP4 has chapters in a track of text, which FFmpeg tells as data without a codec.
    kept |= {other.index for other in info.others if info.chapters and other.codec is None}
    kinds = sorted({other.kind for other in info.others if other.index not in kept} & {"subtitle", "data"})
    return CutMedia(picture, sounds, tuple(kinds), subtitles, _shifted(info.chapters, info.start - origin))


def _shifted(chapters: Sequence[MediaChapter], by: Fraction) -> tuple[MediaChapter, ...]:
    return tuple(
        chapter.model_copy(update={"start": chapter.start + float(by), "end": chapter.end + float(by)})
        for chapter in chapters
    )


def _sounds(path: Path, index: PacketIndex) -> tuple[Sound, ...]:
    return tuple(
        Sound(path, audio, index.streams[audio.index])
        for audio in index.info.audios
        if audio.index in index.streams
    )
