"""H.264 from IDR pictures on: one sample entry with the parameter sets of the source and of the encoder.

The track's one entry (`avc1`) holds both, told apart by their ids: x264 is given an id that the source does
not use, and nothing of the source is rewritten. Of the ways to do it this one needs least of players.
Parameter sets in the samples (`avc3`) are not read by QuickTime and Safari. A second sample entry in the
track is not followed by every player that reads a track as one stream, and FFmpeg's MP4 writer writes one.

A decoder may go over to other parameter sets at an IDR picture and nowhere else (ITU-T H.264, 7.4.1.2.1), and
there the numbering of pictures starts anew, too. So every part, copied or encoded, begins with one. Copying
never begins at the I picture of an open group: its numbers go on from pictures that are not in the clip,
which FFmpeg conceals and stricter decoders refuse. `joint_h264_open` is for sources that have little else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from av.packet import Packet

from desktop.trim.bits import UnfitError
from desktop.trim.h264 import ParameterSets
from desktop.trim.joint import Joint, Sample, SampleEntry, pixel_filter, quite_like
from desktop.trim.picture import REORDER_DEPTH, PictureFormat
from desktop.trim.plan import CopyRule
from desktop.trim.tracks import reordering

# Names of H.264's profiles (annex A) for x264. Extended and the professional 4:4:4 ones are left out.
PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422"}
_PIXELS = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv420p10le", "yuv422p10le"}


@dataclass(frozen=True, eq=False)
class H264Joint(Joint):
    """Raises UnfitError where the source is not of a kind that x264 writes."""

    sets: ParameterSets = field(init=False)

    def __post_init__(self) -> None:
        quite_like(self.picture, _PIXELS)
        object.__setattr__(self, "sets", ParameterSets.from_extradata(self.extradata))
        if any(one.profile not in PROFILES for one in self.sets.parameters.values()):
            raise UnfitError("the encoder cannot write pictures quite like the source's")

    def rule(self) -> CopyRule:
        return CopyRule(self.picture.packets.clean)

    def format(self) -> PictureFormat:
        """Of a quality near to transparent, in closed groups of pictures, under parameter sets of another id.

        As these are few pictures, bits are spent where others would take time and memory: one reference, no
        look ahead, all cores at work on parts of the same picture, and one quantizer for all, as x264 keeps
        smaller copies of pictures to choose it for each.
        Colours and sample aspect go with the decoded pictures.
        """
        like = self.sets.first
        # Of all the source: decoders that go from no delay to some may lose pictures.
        depth = min(reordering(self.picture.packets.pts), REORDER_DEPTH)
        if PROFILES[like.profile] == "baseline":
            depth = 0
        params = {
            "sps-id": self.sets.free_number(),
            "level": like.level,
            "ref": 1,
            "bframes": depth,
            "b-pyramid": "strict" if depth > 1 else "none",
            "b-adapt": 0,
            "cabac": int(PROFILES[like.profile] != "baseline"),
            "deblock": "0,0",
            "sliced-threads": 1,
            "open-gop": 0,
        }
        options = {
            "c:v": "libx264",
            # Counted from the finest step of its depth (ITU-T H.264, 7.4.2.1.1: QpBdOffset).
            "qp": str(14 + 6 * (self.picture.info.bit_depth - 8)),
            "preset": "ultrafast",
            "profile:v": PROFILES[like.profile],
            "tag:v": "avc1",
            "x264-params": ":".join(f"{name}={value}" for name, value in params.items()),
        }
        if self.picture.info.interlaced:
            options["flags"] = "+ilme+ildct"
        return PictureFormat(options, pixel_filter(self.picture), depth)

    def entry(self, encoder: bytes | None) -> SampleEntry:
        sets = self.sets if encoder is None else self.sets.joined(ParameterSets.from_extradata(encoder))
        return SampleEntry("avc1", sets.avcc())

    def copied(self, packet: Packet[Any]) -> Sample:
        data = memoryview(packet)
        return data if self.sets.stays(data) else self.sets.sample(bytes(data))
