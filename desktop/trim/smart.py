"""Smart cuts: pictures copied from the source and pictures encoded anew in one track.

What differs from codec to codec is told by a `Joint`; what is the same, is here: encoders at work ahead of
their turn, parts in order, and a checksum of what was copied, by which the clip is verified.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any

import numpy as np
from av.packet import Packet

from desktop.trim.bits import UnfitError
from desktop.trim.compare import Checksum, CopiedPart
from desktop.trim.copied import read_numbered
from desktop.trim.joint import Joint, with_data
from desktop.trim.mux import Track
from desktop.trim.picture import PictureFormat, encoding
from desktop.trim.plan import ClipPlan, CopyPackets, EncodePictures, Step
from desktop.trim.tracks import (
    pictures_on_the_clips_clock,
    reorder_depth,
    source_stream,
    track_of_pictures,
)

_COMPARED = 24  # pictures: by then everything that was kept for reference has been replaced


@dataclass(eq=False)
class SmartPictures:
    """The pictures of one clip; `copied` fills while they are written."""

    joint: Joint
    clip: ClipPlan
    held: ExitStack
    """What lives as long as the writing: encoders."""
    copied: list[CopiedPart] = field(default_factory=list)
    _waiting: Iterator[EncodePictures] = field(default_factory=lambda: iter(()))
    _started: Iterator[Packet[Any]] = field(default_factory=lambda: iter(()))
    _encoder: bytes | None = None
    _form: PictureFormat | None = None

    def track(self) -> Track:
        """Raises UnfitError, also while its packets are read."""
        picture = self.joint.picture
        encoded = [step for step in self._steps() if isinstance(step, EncodePictures)]
        depth = 0
        if encoded:
            self._form = self.joint.format()
            depth = self._form.reorder_depth
            # The sample entry is written first, so the encoder tells its parameters before its turn.
            self._waiting = iter(encoded)
            self._start()
            head = next(self._started)
            self._encoder = head.stream.codec_context.extradata or b""
            self._started = chain([head], self._started)
        packets = pictures_on_the_clips_clock(
            picture.packets,
            self.clip,
            self._packets,
            reorder_depth(picture.packets, self.clip, encoder=depth),
        )
        entry = self.joint.entry(self._encoder)
        track = track_of_pictures(packets, self.clip.frames, picture, entry.tag)
        track.template, track.extradata = source_stream(picture), entry.extradata
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

    def _start(self) -> None:
        """Encode the next pictures while others are copied: one part at a time, as it takes much memory."""
        step = next(self._waiting, None)
        if step is None or self._form is None:
            return
        picture = self.joint.picture
        ticks = picture.packets.starts[step.pictures.start : step.pictures.stop]
        encoder = encoding(picture.path, picture.info, picture.packets, ticks, self._form)
        self._started = self.held.enter_context(encoder)

    def _encoded(self, step: EncodePictures) -> Iterator[Packet[Any]]:
        packets = self._alike(self._started)
        yield from self.joint.encoded(packets, self._following(step), self._encoder or b"")
        self._start()

    def _alike(self, packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
        for packet in packets:
            if (packet.stream.codec_context.extradata or b"") != self._encoder:
                raise UnfitError("its parts could not be encoded alike")
            yield packet

    def _following(self, step: EncodePictures) -> bytes | None:
        """The source's keyframe that is copied right after these pictures, if one is."""
        after = next((later for one, later in pairwise(self._steps()) if one is step), None)
        if not isinstance(after, CopyPackets):
            return None
        picture = self.joint.picture
        ((_, packet),) = read_numbered(picture.path, picture.packets, after.packets[:1])
        return bytes(packet)

    def _copies(self, step: CopyPackets) -> Iterator[Packet[Any]]:
        picture, joint, checksum = self.joint.picture, self.joint, Checksum()
        first = int(step.packets[0]) if step is not next(self._steps()) else None
        leading = self._leading(step)
        for number, packet in read_numbered(picture.path, picture.packets, step.packets):
            if packet.has_sidedata("new_extradata"):
                told = bytes(packet.get_sidedata("new_extradata"))
                if told != joint.extradata:
                    raise UnfitError("its parameter sets change on the way")
            ticks = int(picture.packets.pts[number])
            if number == first:
                sample = joint.begun(packet)
                if leading:
                    stand_in = joint.stand_ins(packet, self._encoder or b"")
            elif ticks in leading:
                sample = stand_in(packet, leading[ticks])
            else:
                sample = joint.copied(packet)
            checksum.add(sample)
            yield with_data(packet, sample)
        self.copied.append(checksum.part(self._compared(step)))

    def _compared(self, step: CopyPackets) -> tuple[int, ...]:
        """The first pictures after a keyframe that goes on with the numbers of those before, however made."""
        packets, first = self.joint.picture.packets, int(step.packets[0])
        if packets.clean[first] or not self.joint.rule().apart:
            return ()
        group = packets.pts[step.packets[:_COMPARED]]
        return tuple(np.flatnonzero(group >= packets.pts[first]).tolist())

    def _leading(self, step: CopyPackets) -> dict[int, Packet[Any]]:
        """The pictures of the step that are encoded in their places, by their ticks."""
        if not step.leading:
            return {}
        picture = self.joint.picture
        ticks = picture.packets.starts[step.leading.start : step.leading.stop]
        form = self.joint.leading_format()
        with encoding(picture.path, picture.info, picture.packets, ticks, form) as packets:
            return {int(packet.pts or 0): packet for packet in self._alike(packets)}
