"""Smart cuts of H.264: pictures copied from the source and pictures encoded anew in one track.

Both kinds share one sample entry (`avc1`) whose record carries the source's parameter sets and the encoder's,
told apart by their ids: x264 is given an id that the source does not use, and nothing of the source is
rewritten. Of the ways to do it this one needs least of players. Parameter sets in the samples (`avc3`) are
not read by QuickTime and Safari. A second sample entry in the track is not followed by every player that
reads a track as one stream, and FFmpeg's MP4 writer writes one only.

A decoder may go over to other parameter sets at an IDR picture and nowhere else (ITU-T H.264, 7.4.1.2.1), and
there the numbering of pictures starts anew, too. So every part, copied or encoded, begins with one. Copying
never begins at the I picture of an open group: its numbers go on from pictures that are not in the clip,
which FFmpeg conceals and stricter decoders refuse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from av.packet import Packet

from desktop.media.container import open_media
from desktop.trim.compare import CopiedPart
from desktop.trim.copied import read_numbered
from desktop.trim.h264 import ParameterSets, UnfitError
from desktop.trim.media import Picture
from desktop.trim.mux import Track
from desktop.trim.picture import PictureFormat, encoding, matched_format
from desktop.trim.plan import ClipPlan, CopyPackets, EncodePictures, Step
from desktop.trim.tracks import pictures_on_the_clips_clock, reorder_depth, reordering, track_of_pictures

# Names of H.264's profiles (annex A) for x264. Extended and the professional 4:4:4 ones are left out.
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422"}
_PIXELS = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv420p10le", "yuv422p10le"}


@dataclass(frozen=True, eq=False)
class Joint:
    """A source whose pictures can be copied beside encoded ones, and its parameter sets."""

    picture: Picture
    sets: ParameterSets
    extradata: bytes

    def format(self) -> PictureFormat:
        """How pictures are encoded so that they fit: like the source, under a parameter set of another id."""
        like = self.sets.first
        return matched_format(
            self.picture.info,
            profile=_PROFILES[like.profile],
            level=like.level,
            references=like.reference_frames,
            # Of all the source: decoders that go from no delay to some may lose pictures.
            reorder=reordering(self.picture.packets.pts),
            number=self.sets.free_number(),
        )


def joint_of(picture: Picture, max_height: int | None) -> Joint:
    """Raises UnfitError where its pictures cannot be copied beside encoded ones; the words say why."""
    info = picture.info
    if info.codec != "h264":
        raise UnfitError(f"that is all that can be done with {info.codec} so far")
    if max_height is not None and info.display_size[1] > max_height:
        raise UnfitError("the picture was made smaller")
    if info.pixel_format not in _PIXELS or info.color.is_hdr:
        raise UnfitError("the encoder cannot write pictures quite like the source's")
    with open_media(picture.path) as container:
        extradata = container.streams[picture.packets.index].codec_context.extradata or b""
    sets = ParameterSets.from_extradata(extradata)
    if any(one.profile not in _PROFILES for one in sets.parameters.values()):
        raise UnfitError("the encoder cannot write pictures quite like the source's")
    return Joint(picture, sets, extradata)


@dataclass(eq=False)
class SmartPictures:
    """The pictures of one clip; `copied` fills while they are written."""

    joint: Joint
    clip: ClipPlan
    held: ExitStack
    """What lives as long as the writing: encoders, and the source as a template."""
    copied: list[CopiedPart] = field(default_factory=list)
    _started: dict[Step, Iterator[Packet[Any]]] = field(default_factory=dict)
    _encoder: bytes | None = None
    _form: PictureFormat | None = None

    def track(self) -> Track:
        """Raises UnfitError, also while its packets are read."""
        picture, sets = self.joint.picture, self.joint.sets
        encoded = [step for step in self._steps() if isinstance(step, EncodePictures)]
        depth = 0
        if encoded:
            self._form = self.joint.format()
            depth = self._form.reorder_depth
            # The last one, mostly of a few pictures, is at work while the ones before it are read.
            for step in {encoded[0], encoded[-1]}:
                self._started[step] = self.held.enter_context(self._encoding(step))
            # The sample entry is written first, so the encoder tells its parameter sets before its turn.
            head = next(self._started[encoded[0]])
            self._encoder = head.stream.codec_context.extradata or b""
            sets = sets.joined(ParameterSets.from_extradata(self._encoder))
            self._started[encoded[0]] = chain([head], self._started[encoded[0]])
        source = self.held.enter_context(open_media(picture.path))
        packets = pictures_on_the_clips_clock(
            picture.packets,
            self.clip,
            self._packets,
            reorder_depth(picture.packets, self.clip, encoder=depth),
        )
        track = track_of_pictures(packets, picture, "avc1")
        track.template, track.extradata = source.streams[picture.packets.index], sets.avcc()
        return track

    @property
    def parts(self) -> tuple[int | CopiedPart, ...]:
        """What the pictures were made of, once they are written: counts of encoded ones, and copies."""
        copied = iter(self.copied)
        return tuple(
            len(step.pictures) if isinstance(step, EncodePictures) else next(copied) for step in self._steps()
        )

    def _steps(self) -> Iterator[Step]:
        return (step for segment in self.clip.segments for step in segment.steps)

    def _packets(self, step: Step) -> Iterator[Packet[Any]]:
        return self._copies(step) if isinstance(step, CopyPackets) else self._encoded(step)

    def _encoding(self, step: EncodePictures) -> AbstractContextManager[Iterator[Packet[Any]]]:
        assert self._form is not None  # noqa: S101 - for the type checker: there is a step to encode
        picture = self.joint.picture
        ticks = picture.packets.starts[step.pictures.start : step.pictures.stop]
        return encoding(picture.path, picture.info, picture.packets, ticks, self._form)

    def _encoded(self, step: EncodePictures) -> Iterator[Packet[Any]]:
        started = self._started.pop(step, None)
        with nullcontext(started) if started is not None else self._encoding(step) as packets:
            for packet in packets:
                if packet.stream.codec_context.extradata != self._encoder:
                    raise UnfitError("its parts could not be encoded alike")
                yield packet

    def _copies(self, step: CopyPackets) -> Iterator[Packet[Any]]:
        picture, digest = self.joint.picture, hashlib.blake2b(digest_size=16)
        for _, packet in read_numbered(picture.path, picture.packets, step.packets.tolist()):
            if packet.has_sidedata("new_extradata"):
                told = bytes(packet.get_sidedata("new_extradata"))
                if told != self.joint.extradata:
                    raise UnfitError("its parameter sets change on the way")
            data = bytes(packet)
            sample = self.joint.sets.sample(data)
            digest.update(sample)
            yield packet if sample == data else _with_data(packet, sample)
        self.copied.append(CopiedPart(len(step.packets), digest.digest()))


def _with_data(packet: Packet[Any], data: bytes) -> Packet[Any]:
    other: Packet[Any] = Packet(data)
    other.time_base = packet.time_base
    other.pts, other.dts, other.is_keyframe = packet.pts, packet.dts, packet.is_keyframe
    return other
