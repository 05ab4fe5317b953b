"""Reading a clip again before it counts: whether it is what was planned, and whether players can play it."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from desktop.errors import Exit, ReelyError
from desktop.media.container import open_media
from desktop.media.packets import PacketIndex, StreamPackets, read_packets
from desktop.trim.compare import CopiedPart, Original, digests_in

# Clips up to this many packets in a track are decoded whole, longer ones at both ends.
_DECODED_WHOLE = 600
_DECODED_BEYOND_SEAM = 24
_CLOCK_SLACK = Fraction(1, 1000)  # seconds: edit lists are counted in units of the movie


@dataclass(frozen=True)
class Expectation:
    """What the plan promises, in seconds on the clip's clock.

    `picture_times` is empty where there is only sound; `sounds` has an entry for each audio track. `original`
    is what copied pictures can be compared with. `parts` are the clip's pictures in order where some are
    copied and some encoded: how many each time, and what a copied part has to hold.
    """

    picture_times: Sequence[Fraction]
    duration: Fraction
    sounds: Sequence[SoundExpectation]
    original: Original | None = None
    parts: Sequence[int | CopiedPart] = ()


@dataclass(frozen=True)
class SoundExpectation:
    """When a track's sound may begin, and when it may end: (earliest, latest), in seconds."""

    start: tuple[Fraction, Fraction]
    end: tuple[Fraction, Fraction]


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

    Checked: the index is in front; every picture is there at its time, the first at 0; decoding times
    rise; each track of sound begins and ends where it should; both ends decode without a complaint. Decoders
    do complain about copies that begin with an open group of pictures, though all that is shown is right;
    such a part has to decode to the very pixels of the source. Of `parts` the copied ones hold the source's
    bytes, and all decode without a complaint across their seams; some of the pictures are compared, too.
    """
    try:
        index = read_packets(path)
    except ReelyError as error:
        raise VerificationError(f"it cannot be read: {error.message}") from error
    if not _index_is_in_front(path):
        raise VerificationError("its index is not in front")
    _check_pictures(index, expected)
    _check_sounds(index, expected)
    if index.video is not None:
        _check_copies(path, index.video, expected)
    _check_decoding(path, index, expected)


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
    off = max(
        abs(int(tick) * video.time_base - planned)
        for tick, planned in zip(video.starts, expected.picture_times, strict=True)
    )
    if off > _CLOCK_SLACK:
        raise VerificationError(f"a picture is {float(off):.4f} s off its time")
    if video.starts[0] != 0:
        raise VerificationError("its first picture is not at 0")
    missing = expected.duration - video.end * video.time_base
    slack = _CLOCK_SLACK + _unevenness(expected)
    if not -slack <= missing <= slack + _held(expected):
        length = float(expected.duration - missing)
        raise VerificationError(f"it is {length:.3f} s long instead of {float(expected.duration):.3f} s")
    if not video.key[0]:
        raise VerificationError("it does not begin with a keyframe")


def _unevenness(expected: Expectation) -> Fraction:
    """By how much pictures differ in duration.

    MP4 counts durations between decoding times; that of the picture shown last is only as sure as this.
    """
    durations = _durations(expected)
    return max(durations) - min(durations) if durations else Fraction(0)


def _held(expected: Expectation) -> Fraction:
    """How much longer the last picture is held than any other: MP4 may not tell that (see above)."""
    last = expected.duration - expected.picture_times[-1]
    return max(Fraction(0), last - max(_durations(expected), default=last))


def _durations(expected: Expectation) -> list[Fraction]:
    return [after - before for before, after in itertools.pairwise(expected.picture_times)]


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
        for name, time, (earliest, latest) in (("begins", first, planned.start), ("ends", last, planned.end)):
            if not earliest <= time <= latest:
                wanted = f"{float(earliest):.4f} to {float(latest):.4f}"
                raise VerificationError(f"track {number} {name} at {float(time):.4f} s, not at {wanted} s")


def _check_order(packets: StreamPackets) -> None:
    if np.any(np.diff(packets.dts) <= 0):
        raise VerificationError("decoding times do not rise")
    if np.any(packets.pts < packets.dts):
        raise VerificationError("something is presented before it is decoded")


def _check_copies(path: Path, video: StreamPackets, expected: Expectation) -> None:
    places = zip(_seams(expected.parts), expected.parts, strict=False)
    copies = [(first, part) for first, part in places if isinstance(part, CopiedPart)]
    for (first, part), found in zip(copies, digests_in(path, video.index, copies), strict=True):
        if found != part.digest:
            raise VerificationError(f"the pictures copied to place {first} are not the source's")
        if part.compared and expected.original is not None:
            ticks = video.pts[first + np.array(part.compared)]
            start = int(np.flatnonzero(video.clean[: first + 1])[-1])
            if not expected.original.is_seen_at(path, video, start, ticks):
                raise VerificationError(f"the pictures copied to place {first} do not look like the source's")


def _seams(parts: Sequence[int | CopiedPart]) -> list[int]:
    """The numbers of the parts' first packets, and of what comes after the last."""
    counts = (part.count if isinstance(part, CopiedPart) else part for part in parts)
    return list(itertools.accumulate(counts, initial=0))


def _check_decoding(path: Path, index: PacketIndex, expected: Expectation) -> None:
    for packets in index.streams.values():
        pictures = index.video is packets
        for first, stop in _decoded_parts(packets, expected.parts if pictures else ()):
            try:
                _check_part(path, packets, first, stop, pictures=pictures)
            except VerificationError:
                original = expected.original if not expected.parts else None
                if not (pictures and original and original.is_shown_by(path, packets, first, stop)):
                    raise


def _decoded_parts(packets: StreamPackets, parts: Sequence[int | CopiedPart]) -> Iterator[tuple[int, int]]:
    """Ranges of packets to decode: all of a short track, else both ends and what is around the parts' seams.

    Pictures are decoded from a keyframe on; where there are parts, at the start of a copied one only as far
    as shows that the decoder took it: the rest is the source's, byte by byte.
    """
    seams = _seams(parts)[1:-1]
    count = len(packets)
    if count <= _DECODED_WHOLE:
        yield 0, count
        return
    keys = np.flatnonzero(packets.key)
    if len(keys) == count:  # sound, or pictures that are all keyframes
        yield 0, _DECODED_WHOLE // 4
        yield count - _DECODED_WHOLE // 4, count
        return
    group = int(keys[1]) if len(keys) > 1 else count
    wanted = [(0, min(group, _DECODED_BEYOND_SEAM) if parts else group)]
    wanted += [
        (int(keys[np.searchsorted(keys, seam) - 1]), min(seam + _DECODED_BEYOND_SEAM, count))
        for seam in seams
    ]
    wanted.append((int(keys[-1]), count))
    first, stop = wanted[0]
    for begin, end in wanted[1:]:
        if begin < stop:
            stop = max(stop, end)
        else:
            yield first, stop
            first, stop = begin, end
    yield first, stop


def _check_part(path: Path, packets: StreamPackets, first: int, stop: int, *, pictures: bool) -> None:
    """Decode packets `first` to `stop`: every picture comes out, and the decoder does not complain.

    Leading pictures of the first one, which is a keyframe, are left out: they may refer to what is before it.
    """
    first_pts, last_dts = int(packets.pts[first]), int(packets.dts[stop - 1])
    wanted = int((packets.pts[first:stop] >= first_pts).sum())
    decoded, flushed = 0, False
    with _complaints() as said, open_media(path) as clip:
        stream = clip.streams[packets.index]
        # On this thread only: messages are captured for the thread that decodes.
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        if first:
            clip.seek(int(packets.dts[first]), stream=stream, backward=True)
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
    if said:
        raise VerificationError(f"decoding complains: {said[0][2].strip()}")
    if pictures and decoded != wanted:
        raise VerificationError(f"{decoded} of {wanted} pictures decode at {first}")


@contextmanager
def _complaints() -> Iterator[list[tuple[int, str, str]]]:
    """What FFmpeg's libraries say on this thread, from errors on: (level, who, message)."""
    level, once = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # or a complaint that the clip before had, too, would be lost
    try:
        with av.logging.Capture(local=True) as said:
            yield said
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(once)


def _decode(packet: Any) -> Iterator[Any]:
    try:
        yield from packet.decode()
    except av.FFmpegError as error:
        if not isinstance(error, av.EOFError):
            raise VerificationError(f"it does not decode: {error.strerror}") from error
