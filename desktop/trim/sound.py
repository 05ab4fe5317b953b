"""Sound by the sample: any spans of an audio track as PCM, then as AAC, without a sample more or less."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import ffmpeg
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from desktop.errors import ReelyError
from desktop.media.container import open_media, read_only
from desktop.media.ffmpeg import FfmpegProcess, running
from desktop.media.packets import StreamPackets
from desktop.media.probe import AudioInfo

Samples = NDArray[np.float32]

# ISO/IEC 14496-3, table 1.18, without the ones that hardly anything plays.
_AAC_RATES = {48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000}
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
_BITS_PER_CHANNEL = 96_000
# Decoding starts this long before the first wanted sample: codecs with memory (Opus: 80 ms, AAC: 2 packets)
# have settled by then.
_PREROLL = Fraction(1, 4)
# A decoded frame that is off its place by less than this belongs right after the one before it: times in
# Matroska are rounded to milliseconds, and clocks of captures jitter.
_JITTER = Fraction(1, 100)


def output_rate(audio: AudioInfo) -> int:
    """Samples per second of the clip's sound: the source's, where AAC has that rate, else 48000."""
    return audio.sample_rate if audio.sample_rate in _AAC_RATES else 48_000


def output_layout(audio: AudioInfo) -> str:
    """The clip's channel layout: the usual one for the source's number of channels, at most 7.1."""
    return _LAYOUTS.get(audio.channels, "stereo")


def read_spans(
    path: Path, audio: AudioInfo, packets: StreamPackets, spans: Sequence[tuple[int, int]]
) -> Iterator[Samples]:
    """The samples of each span (first, count), one after another, as arrays of samples x channels.

    Samples are counted from the source's zero at `output_rate`. Where the track has none (before it starts,
    after its end, in gaps) there is silence, so exactly the wanted number comes out. Raises
    `media-unreadable`.
    """
    with open_media(path) as container:
        for first, count in spans:
            done = first
            for position, samples in _decoded(container, audio, packets, first):
                if position >= first + count:
                    break
                if position > done:
                    yield from _silence(position - done, samples.shape[1])
                    done = position
                wanted = samples[done - position : first + count - position]
                if len(wanted):
                    yield wanted
                    done += len(wanted)
                if done >= first + count:
                    break
            yield from _silence(first + count - done, _channels(audio))


def _decoded(
    container: InputContainer, audio: AudioInfo, packets: StreamPackets, first: int
) -> Iterator[tuple[int, Samples]]:
    """Decoded sound from at or before sample `first` on, each piece with its position."""
    rate = output_rate(audio)
    stream = container.streams[audio.index]
    read_only(container, stream)
    start = packets.tick_at(Fraction(first, rate) - _PREROLL)
    # Seeking is not exact in every container; where it lands too late, the file is read from its start.
    for target in dict.fromkeys((max(start, int(packets.pts[0])), int(packets.pts[0]))):
        container.seek(target, stream=stream, backward=True)
        pieces = _placed(container, audio, packets)
        piece = next(pieces, None)
        if piece is not None and (piece[0] <= first or target == packets.pts[0]):
            yield piece
            yield from pieces
            return


def _placed(
    container: InputContainer, audio: AudioInfo, packets: StreamPackets
) -> Iterator[tuple[int, Samples]]:
    rate, channels = output_rate(audio), _channels(audio)
    resampler = AudioResampler(format="flt", layout=output_layout(audio), rate=rate)
    positions = packets.sample_positions(rate)
    expected: int | None = None
    for packet in container.demux(container.streams[audio.index]):
        try:
            frames: list[Any] = list(packet.decode())
        except av.InvalidDataError:
            continue  # one damaged packet becomes a gap, which is filled with silence
        for frame in frames:
            place = _position(frame, packets, positions, rate)
            if expected is None or abs(place - expected) > _JITTER * rate:
                expected = place
            for part in resampler.resample(frame):
                samples = np.frombuffer(bytes(part.planes[0]), np.float32, part.samples * channels)
                yield expected, samples.reshape(-1, channels)
                expected += part.samples


def _position(frame: AudioFrame, packets: StreamPackets, positions: NDArray[np.int64], rate: int) -> int:
    """The number of the frame's first sample, counted from the source's zero.

    Decoders drop what belongs to their delay from the front of a packet and round the time of the rest; such
    a frame is placed by its end.
    """
    base = frame.time_base or packets.time_base
    pts = frame.pts if frame.pts is not None else frame.dts or 0
    told = round((pts * base - packets.origin) * rate)
    if base != packets.time_base or base <= Fraction(1, rate):
        return told
    number = int(np.searchsorted(packets.pts, pts, side="right")) - 1
    if number >= 0 and packets.pts[number] == pts:
        return int(positions[number])
    if 0 <= number < len(packets) - 1:
        by_end = int(positions[number + 1]) - round(Fraction(frame.samples * rate, frame.sample_rate))
        if abs(by_end - told) <= 2 * base * rate:
            return by_end
    return told


def _silence(count: int, channels: int) -> Iterator[Samples]:
    while count > 0:
        piece = min(count, 65536)
        yield np.zeros((piece, channels), np.float32)
        count -= piece


def _channels(audio: AudioInfo) -> int:
    return audio.channels if audio.channels in _LAYOUTS else 2


def encoded_count(spans: Sequence[tuple[int, int]]) -> int:
    """At most how many packets `encoded_sound` gives: each holds 1024 samples, and some hold the delay."""
    return sum(count for _, count in spans) // 1024 + 8


@contextmanager
def encoded_sound(
    path: Path, audio: AudioInfo, packets: StreamPackets, spans: Sequence[tuple[int, int]]
) -> Iterator[Iterator[Packet[Any]]]:
    """The spans as one AAC track: packets whose times start at 0 with the first wanted sample.

    The encoder's delay is at negative times, as an edit list wants it. The packets' stream is a template for
    the clip's track.
    """
    source = ffmpeg.input(
        "pipe:0", format="f32le", ar=output_rate(audio), channel_layout=output_layout(audio)
    )
    output = ffmpeg.output(
        source.audio,
        "pipe:1",
        acodec="aac",
        audio_bitrate=_BITS_PER_CHANNEL * _channels(audio),
        format="mp4",
        movflags="+frag_every_frame+empty_moov+default_base_moof+delay_moov",
    )
    with running(output, feed=True) as process:
        feeder = _Feeder(process, read_spans(path, audio, packets, spans))
        try:
            yield _packets(process, feeder)
        finally:
            process.stop()
            feeder.join()


def _packets(process: FfmpegProcess, feeder: _Feeder) -> Iterator[Packet[Any]]:
    try:
        with av.open(process.stdout, mode="r", format="mp4") as encoded:
            for packet in encoded.demux(audio=0):
                if packet.pts is not None and packet.size:
                    yield packet
    except av.FFmpegError:
        feeder.raise_failure()
        process.finish()
        raise
    feeder.raise_failure()
    process.finish()


class _Feeder(threading.Thread):
    """Writes PCM to the encoder while its packets are read on another thread."""

    def __init__(self, process: FfmpegProcess, pieces: Iterator[Samples]) -> None:
        super().__init__(name="sound-feeder", daemon=True)
        self._process = process
        self._pieces = pieces
        self._failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        stdin = self._process.stdin
        try:
            for samples in self._pieces:
                if stdin is not None:
                    stdin.write(np.ascontiguousarray(samples).data)
            if stdin is not None:
                stdin.close()
        except (BrokenPipeError, ValueError):
            pass  # the encoder has ended; what it said is told where its packets are read
        except (ReelyError, av.FFmpegError, OSError) as failure:
            self._failure = failure
            self._process.stop()

    def raise_failure(self) -> None:
        """Pass on what went wrong on the feeder's thread."""
        self.join()
        if self._failure is not None:
            raise self._failure
