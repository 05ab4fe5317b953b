"""Reading a clip again before it counts: whether it is what was planned, and whether players can play it."""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from desktop.errors import Exit, ReelyError
from desktop.media.container import open_packets, read_only
from desktop.media.packets import PacketIndex, StreamPackets, read_packets, rows
from desktop.media.probe import outline
from desktop.trim.compare import Checksum, CopiedPart, Original

# Tracks up to this many packets are decoded whole, longer ones at both ends.
_DECODED_WHOLE = 600
_SOUND_END = 50  # packets
_PIXELS_AT_EASE = 100_000_000  # so many pixels of copied pictures, whose bytes are checked, are decoded, too
_BEYOND_SEAM = 8  # packets: so many show that the decoder took a copied part
_READ_AHEAD = 1 << 18  # bytes
_CLOCK_SLACK = Fraction(1, 1000)  # seconds: edit lists are counted in units of the movie


@dataclass(frozen=True)
class Expectation:
    """What the plan promises, in seconds on the clip's clock.

    `picture_times` is empty where there is only sound; `sounds` has an entry for each audio track. `original`
    is what copied pictures can be compared with. `parts` are the clip's pictures in order where some are
    copied and some encoded: how many each time, and what a copied part has to hold.
    """

    picture_times: NDArray[np.floating[Any]] | Sequence[Fraction | float]
    duration: Fraction
    sounds: Sequence[SoundExpectation]
    original: Original | None = None
    parts: Sequence[int | CopiedPart] = ()


@dataclass(frozen=True)
class SoundExpectation:
    """When a track's sound may begin, and when it may end: (earliest, latest), in seconds.

    `copied` is what it has to hold if it was copied.
    """

    start: tuple[Fraction, Fraction]
    end: tuple[Fraction, Fraction]
    copied: CopiedPart | None = None


class VerificationError(ReelyError):
    """The clip is not what was planned; it is thrown away."""

    def __init__(self, what: str) -> None:
        super().__init__(
            "clip-verification-failed",
            f"The clip was not right when it was checked ({what}), so it was thrown away.",
            "Try mode exact; if that fails too, the source is probably damaged there.",
            Exit.MEDIA,
        )
        self._what = what

    def __reduce__(self) -> tuple[type[VerificationError], tuple[str]]:  # type: ignore[override]
        return (VerificationError, (self._what,))


def verify_clip(path: Path, expected: Expectation) -> None:
    """Raise VerificationError (`clip-verification-failed`) unless the file is what was planned.

    Checked: the index is in front; every picture is there at its time, the first at 0; decoding times rise;
    each track of sound begins and ends where it should; what was copied holds the source's bytes; what was
    encoded decodes without a complaint, and across the seams to what was copied, from the keyframe before to
    the one after. The last picture is decoded, too, unless it is in the middle of a long copied group: then
    its bytes, and those of all that it refers to, are the source's. Decoders do complain about copies that
    begin with an open group of pictures, though all that is shown is right; such a part has to decode to the
    very pixels of the source.
    """
    try:
        index = read_packets(path, outline(path))
    except ReelyError as error:
        raise VerificationError(f"it cannot be read: {error.message}") from error
    if not _index_is_in_front(path):
        raise VerificationError("its index is not in front")
    _check_pictures(index, expected)
    _check_sounds(index, expected)
    _check_copies(path, index, expected)
    if index.video is not None:
        _check_compared(path, index.video, expected)
    _check_decoding(path, index, expected)


def _check_copies(path: Path, index: PacketIndex, expected: Expectation) -> None:
    """Read every sample: what was copied is there, and holds what it did when it was written."""
    copies = _Copies(expected)
    for track, sample in _samples(path, index):
        copies.see(track, sample)
    copies.check_all_seen()


def _samples(path: Path, index: PacketIndex) -> Iterator[tuple[int, bytes | Packet[Any]]]:
    """The samples of each track in decoding order, in the file's order."""
    tracks = index.streams.items()
    placed = [
        (np.full_like(one.size, track), one.pos, one.size) for track, one in tracks if one.pos is not None
    ]
    if len(placed) < len(tracks):  # only a demuxer can tell where they are
        with open_packets(path) as clip:
            read_only(clip, *(clip.streams[track] for track in index.streams))
            for packet in clip.demux():
                if packet.size:
                    yield packet.stream_index, packet
        return
    track_of, pos, size = (np.concatenate(column) for column in zip(*placed, strict=True))
    order, at = np.argsort(pos, kind="stable"), -1
    with path.open("rb", buffering=_READ_AHEAD) as file:
        for track, begin, count in rows(track_of[order], pos[order], size[order]):
            if begin != at:
                file.seek(begin)
            yield track, file.read(count)
            at = begin + count


class _Copies:
    """Compares what was copied with what the clip holds, packet by packet as the clip is read."""

    def __init__(self, expected: Expectation) -> None:
        pictures = [expected.parts] if len(expected.picture_times) else []
        sounds = [(sound.copied,) if sound.copied else () for sound in expected.sounds]
        self._left = {track: iter(parts) for track, parts in enumerate([*pictures, *sounds])}
        self._sums: dict[int, tuple[int | CopiedPart, Checksum]] = {}
        for track in list(self._left):
            self._next(track)

    def see(self, track: int, sample: bytes | Packet[Any]) -> None:
        """Raise VerificationError when a copied part is over that did not hold what it should."""
        if track not in self._sums:
            return
        part, checksum = self._sums[track]
        if isinstance(part, CopiedPart):
            checksum.add(sample)
            if checksum.count == part.count:
                if checksum.value != part.checksum:
                    raise VerificationError("what was copied is not what the source holds")
                self._next(track)
        else:
            checksum.count += 1
            if checksum.count == part:
                self._next(track)

    def _next(self, track: int) -> None:
        part = next(self._left[track], None)
        if part is None:
            self._sums.pop(track, None)
        else:
            self._sums[track] = (part, Checksum())

    def check_all_seen(self) -> None:
        """Raise VerificationError if a part is missing."""
        if self._sums:
            raise VerificationError("not all that was copied is there")


def _index_is_in_front(path: Path) -> bool:
    """Whether `moov` comes before `mdat` (ISO/IEC 14496-12, 4.2: size, type, 64-bit size if size is 1)."""
    with path.open("rb") as file:
        at = 0
        while header := file.read(16):
            size, kind = struct.unpack(">I4s", header[:8])
            if kind in {b"moov", b"mdat"}:
                return bool(kind == b"moov")
            at += struct.unpack(">Q", header[8:])[0] if size == 1 else max(size, 8)
            file.seek(at)
    return False


def _check_pictures(index: PacketIndex, expected: Expectation) -> None:
    video = index.video
    count = int(video.shown.sum()) if video else 0
    if count != len(expected.picture_times):
        raise VerificationError(f"{count} pictures instead of {len(expected.picture_times)}")
    if video is None:
        return
    _check_order(video)
    planned = np.asarray(expected.picture_times, dtype=np.float64)
    off = float(np.abs(video.starts * float(video.time_base) - planned).max())
    if off > _CLOCK_SLACK:
        raise VerificationError(f"a picture is {off:.4f} s off its time")
    if video.starts[0] != 0:
        raise VerificationError("its first picture is not at 0")
    missing = float(expected.duration - video.end * video.time_base)
    # MP4 counts durations between decoding times; that of the picture shown last is only as sure as pictures
    # differ in duration, and it may be told shorter than it is held.
    lasting = np.diff(planned)
    uneven = float(np.ptp(lasting)) if lasting.size else 0.0
    last = float(expected.duration) - float(planned[-1])
    held = max(0.0, last - float(lasting.max())) if lasting.size else 0.0
    slack = float(_CLOCK_SLACK) + uneven
    if not -slack <= missing <= slack + held:
        length = float(expected.duration) - missing
        raise VerificationError(f"it is {length:.3f} s long instead of {float(expected.duration):.3f} s")
    if not video.key[0]:
        raise VerificationError("it does not begin with a keyframe")


def _check_sounds(index: PacketIndex, expected: Expectation) -> None:
    audios = index.info.audios
    if len(audios) != len(expected.sounds):
        raise VerificationError(f"{len(audios)} tracks of sound instead of {len(expected.sounds)}")
    for number, (audio, planned) in enumerate(zip(audios, expected.sounds, strict=True), start=1):
        packets = index.streams.get(audio.index)
        if packets is None:
            raise VerificationError(f"track {number} has no sound")
        _check_order(packets)
        first = int(packets.pts[0]) * packets.time_base + Fraction(packets.delay, audio.sample_rate)
        last = packets.end * packets.time_base
        if audio.start is not None and audio.duration is not None:
            # What the edit list says; in some codecs the last packet counts whole.
            last = min(last, audio.start + Fraction(audio.duration).limit_denominator(10**9))
        for name, time, (earliest, latest) in (("begins", first, planned.start), ("ends", last, planned.end)):
            if not earliest <= time <= latest:
                wanted = f"{float(earliest):.4f} to {float(latest):.4f}"
                raise VerificationError(f"track {number} {name} at {float(time):.4f} s, not at {wanted} s")


def _check_order(packets: StreamPackets) -> None:
    if np.any(np.diff(packets.dts) <= 0):
        raise VerificationError("decoding times do not rise")
    if np.any(packets.pts < packets.dts):
        raise VerificationError("something is presented before it is decoded")


def _check_compared(path: Path, video: StreamPackets, expected: Expectation) -> None:
    for first, part in zip(_seams(expected.parts), expected.parts, strict=False):
        if isinstance(part, CopiedPart) and part.compared and expected.original is not None:
            ticks = video.pts[first + np.array(part.compared)]
            start = int(np.flatnonzero(video.clean[: first + 1])[-1])
            if not expected.original.is_seen_at(path, video, start, ticks):
                raise VerificationError(f"the pictures copied to place {first} do not look like the source's")


def _seams(parts: Sequence[int | CopiedPart]) -> list[int]:
    """The numbers of the parts' first packets, and of what comes after the last."""
    counts = (part.count if isinstance(part, CopiedPart) else part for part in parts)
    return list(itertools.accumulate(counts, initial=0))


def _check_decoding(path: Path, index: PacketIndex, expected: Expectation) -> None:
    """Decode what has to be: several parts at once, each on a thread of its own."""
    info = index.info.video
    parts: list[tuple[StreamPackets, Sequence[tuple[int, int]]]] = []
    for packets in index.streams.values():
        if packets is index.video and info is not None:
            pixels = info.width * info.height
            ranges = list(_parts_of_pictures(packets, expected.parts, pixels))
            few = sum(stop - first for first, stop in ranges) * pixels <= _PIXELS_AT_EASE
            parts += [(packets, ranges)] if few else [(packets, [one]) for one in ranges]
        else:
            parts.append((packets, _parts_of_sound(len(packets))))

    def check(part: tuple[StreamPackets, Sequence[tuple[int, int]]]) -> None:
        packets, ranges = part
        pictures = packets is index.video
        try:
            _check_ranges(path, packets, ranges, pictures=pictures)
        except VerificationError:
            original = expected.original if pictures and not expected.parts else None
            if original is None or not all(original.is_shown_by(path, packets, *one) for one in ranges):
                raise

    with _complaining(), ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1)) as threads:
        for _ in threads.map(check, parts):
            pass


def _parts_of_sound(count: int) -> Sequence[tuple[int, int]]:
    """Ranges of packets to decode: all of a short track, else both ends."""
    return [(0, count)] if count <= _DECODED_WHOLE else [(0, _SOUND_END), (count - _SOUND_END, count)]


def _parts_of_pictures(
    packets: StreamPackets, parts: Sequence[int | CopiedPart], pixels: int
) -> Iterator[tuple[int, int]]:
    """Ranges of packets to decode, each from a keyframe on; `pixels` are those of a picture.

    Without `parts` all of a short track, else its first and its last group. With them what was encoded with
    the seams around it, each from the keyframe before; of what was copied all that is decoded at ease,
    at least the first picture and the last keyframe.
    """
    count, at_ease = len(packets), _PIXELS_AT_EASE // pixels
    if count <= (at_ease if parts else _DECODED_WHOLE):
        yield 0, count
        return
    keys = np.flatnonzero(packets.key)
    last = int(keys[-1])
    wanted: list[tuple[int, int]] = [(0, 1 if parts else int(keys[1]) if len(keys) > 1 else count)]
    for begin, end, part in zip(_seams(parts), _seams(parts)[1:], parts, strict=False):
        if not isinstance(part, CopiedPart):
            before = int(keys[max(0, int(np.searchsorted(keys, begin)) - 1)])
            wanted.append((before, min(end + _BEYOND_SEAM, count)))
        elif begin:
            wanted.append((int(keys[np.searchsorted(keys, begin) - 1]), min(begin + _BEYOND_SEAM, count)))
    wanted.append((last, count if not parts or count - last <= at_ease else last + 1))
    first, stop = wanted[0]
    for begin, end in wanted[1:]:
        if begin < stop:
            stop = max(stop, end)
        else:
            yield first, stop
            first, stop = begin, end
    yield first, stop


def _check_ranges(
    path: Path, packets: StreamPackets, ranges: Sequence[tuple[int, int]], *, pictures: bool
) -> None:
    """Decode packets (first, stop): every picture comes out, and the decoder does not complain.

    Leading pictures of the first one, which is a keyframe, are left out: they may refer to what is before it.
    """
    with open_packets(path) as clip, av.logging.Capture(local=True) as said:
        # One thread a decoder: messages are captured for the thread that decodes.
        context = clip.streams[packets.index].codec_context
        context.thread_type, context.thread_count = "NONE", 1
        read_only(clip, clip.streams[packets.index])
        for first, stop in ranges:
            decoded = _decoded(clip, packets, first, stop)
            if said:
                raise VerificationError(f"decoding complains: {said[0][2].strip()}")
            wanted = int(np.count_nonzero(packets.pts[first:stop] >= packets.pts[first]))
            if pictures and decoded != wanted:
                raise VerificationError(f"{decoded} of {wanted} pictures decode at {first}")


def _decoded(clip: InputContainer, packets: StreamPackets, first: int, stop: int) -> int:
    """How many pictures (or pieces of sound) come out of packets `first` to `stop`."""
    stream = clip.streams[packets.index]
    first_pts, last_dts = int(packets.pts[first]), int(packets.dts[stop - 1])
    decoded, flushed = 0, False
    if first:
        clip.seek(packets.seek_tick(first), stream=stream, backward=True)
    for packet in clip.demux(stream):
        if packet.dts is not None and packet.dts > last_dts:
            break
        if packet.pts is not None and packet.pts < first_pts:
            continue
        decoded += sum(1 for frame in _decode(packet) if (frame.pts or 0) >= first_pts)
    else:
        flushed = True  # the end of the file has emptied the decoder
    if isinstance(stream, av.VideoStream) and not flushed:
        decoded += len(stream.decode(None))
    return decoded


@contextmanager
def _complaining() -> Iterator[None]:
    """What FFmpeg's libraries say can be captured, from errors on."""
    level, once = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # or a complaint that the clip before had, too, would be lost
    try:
        yield
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(once)


def _decode(packet: Any) -> Iterator[Any]:
    try:
        yield from packet.decode()
    except av.FFmpegError as error:
        if not isinstance(error, av.EOFError):
            raise VerificationError(f"it does not decode: {error.strerror}") from error
