"""The job `trim`: an edit of a source becomes clips, written under temporary names, verified and fsynced."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from desktop.errors import Exit, ReelyError
from desktop.jobs.progress import span
from desktop.jobs.protocol import Report
from desktop.trim.bits import UnfitError
from desktop.trim.chapters import chapters_of
from desktop.trim.compare import CopiedPart, Original
from desktop.trim.copied import MP4_SOUNDS, SoundCopy
from desktop.trim.edit import Clip, Mode
from desktop.trim.job import TrimJob, TrimResult
from desktop.trim.joint import Joint
from desktop.trim.joints import joint_of
from desktop.trim.media import CutMedia, Sound, read_media
from desktop.trim.mux import Timescales, Track, write_clip
from desktop.trim.partials import owner_of_this_process, partial_path
from desktop.trim.picture import choose_format
from desktop.trim.plan import ClipPlan, plan_cut
from desktop.trim.smart import SmartPictures
from desktop.trim.sound import output_rate
from desktop.trim.targets import check_room, check_targets, claim, discarding_unless_done, disk_errors, sync
from desktop.trim.tracks import clip_ticks, picture_track, sound_track, subtitle_tracks
from desktop.trim.verify import Expectation, SoundExpectation, verify_clip

__all__ = ["TrimJob", "TrimResult", "trim"]

# Shares of the work: reading the index, of all; writing, of each clip (the rest is checking it).
_INDEXING, _WRITING = 0.1, 0.9


def trim(job: TrimJob, report: Report) -> TrimResult:
    """Do the job. Nothing is left behind unless all clips are written and verified.

    Raises ReelyError: `file-exists`, `folder-not-found`, `folder-not-writable`, `destination-is-source`,
    `name-not-possible`, `disk-full`, `segment-outside-source`, `segment-empty`, `copy-not-possible`,
    `clip-verification-failed`, `pictures-missing`, `ffmpeg-missing`, and what `probe` raises.
    """
    sources = [path for path in (job.media.video, job.media.audio) if path is not None]
    wanted = len(job.edit.segments) if job.edit.separate else 1
    check_targets(job.targets, wanted, sources, overwrite=job.overwrite)
    media = read_media(job.media, job.edit, span(report, 0.0, _INDEXING))
    way = _way(job, media)
    plans = plan_cut(
        job.edit.model_copy(update={"mode": way.mode}),
        media.picture.packets if media.picture else None,
        [sound.packets for sound in media.sounds],
        way.joint.rule() if way.joint else None,
    )
    if job.max_height is None:  # what is scaled down may be far smaller than its source
        check_room(job.targets[0].absolute().parent, sum(media.bytes_of(plan) for plan in plans))
    share = (1 - _INDEXING) / len(plans)
    with discarding_unless_done() as written:
        clips = []
        for number, (plan, target) in enumerate(zip(plans, job.targets, strict=True)):
            temporary = partial_path(target, owner_of_this_process())
            written.append(temporary)
            part = span(report, _INDEXING + share * number, _INDEXING + share * (number + 1))
            clips.append(_ClipCut(job, media, plan, target, temporary, way).run(part))
        return TrimResult(clips=tuple(_handed_over(clip, job.owner, written) for clip in clips))


@dataclass(frozen=True)
class _Way:
    """How a clip is cut: in mode `smart` with the source's pictures as far as `joint` is there.

    `because` ends the sentence that says why a smart cut was not possible.
    """

    mode: Mode
    joint: Joint | None = None
    because: str | None = None


def _way(job: TrimJob, media: CutMedia) -> _Way:
    if job.edit.mode is not Mode.SMART:
        return _Way(job.edit.mode)
    if media.picture is None:
        return _Way(Mode.SMART)
    try:
        return _Way(Mode.SMART, joint_of(media.picture, job.max_height))
    except UnfitError as reason:
        return _Way(Mode.EXACT, because=str(reason))


def _handed_over(clip: Clip, owner: str, written: list[Path]) -> Clip:
    """From now on the clip is the property of the process that asked, which outlives this one."""
    temporary = partial_path(clip.path, owner)
    with disk_errors(clip.temporary, clip.path):
        clip.temporary.rename(temporary)
    written.append(temporary)
    return clip.model_copy(update={"temporary": temporary})


@dataclass(frozen=True, eq=False)
class _ClipCut:
    """The making of one clip."""

    job: TrimJob
    media: CutMedia
    plan: ClipPlan
    target: Path
    temporary: Path
    way: _Way

    def run(self, report: Report) -> Clip:
        """Write, verify and fsync the clip; exactly, where a smart cut is not possible or not right."""
        if self.way.mode is not Mode.SMART:
            return self._run(report)
        if self.media.picture is None and not all(self._copies):
            return self._exactly("sound in this form or joined can be cut to the sample only so").run(report)
        if self.media.picture is not None and not self.plan.copies:
            return self._exactly("there is no point in this part from which pictures could be copied").run(
                report
            )
        try:
            return self._run(report)
        except UnfitError as reason:
            exactly = self._exactly(str(reason))
        except ReelyError as failure:
            # ArgumentError: the muxer refuses times that do not fit together, which is no disk's fault.
            if failure.exit is not Exit.MEDIA and not isinstance(failure.__cause__, av.ArgumentError):
                raise
            exactly = self._exactly(f"the smart cut did not succeed ({failure.code})")
        self.temporary.unlink(missing_ok=True)
        return exactly.run(report)

    def _exactly(self, because: str) -> _ClipCut:
        return replace(self, plan=self.plan.encoded_anew(), way=_Way(Mode.EXACT, because=because))

    @cached_property
    def _copies(self) -> tuple[SoundCopy | None, ...]:
        """For each track of sound its copy; None where it is encoded anew."""
        copies = (SoundCopy.of(sound, self.plan) for sound in self.media.sounds)
        if self.way.mode is Mode.COPY:
            return tuple(copy if copy.sound.info.codec in MP4_SOUNDS else None for copy in copies)
        return tuple(copy if self.way.mode is Mode.SMART and copy.is_exact() else None for copy in copies)

    def _run(self, report: Report) -> Clip:
        parts = self._write(span(report, 0.0, _WRITING))
        verifying = span(report, _WRITING, 1.0)
        verifying("verify", 0.0)
        with ThreadPoolExecutor(1) as disk:  # it is slow, and the file stays as it is
            synced = disk.submit(sync, self.temporary)
            verify_clip(self.temporary, self._expectation(parts))
        with disk_errors(self.temporary, self.target):
            synced.result()
            clip = self._describe(self.temporary.stat().st_size)
        verifying("verify", 1.0)
        return clip

    def _write(self, report: Report) -> Sequence[int | CopiedPart]:
        """Write the clip. Returns what parts its pictures are made of in a smart cut."""
        picture, plan = self.media.picture, self.plan
        stage = "copy" if self.way.mode is Mode.COPY else "encode"

        length = float(plan.duration)

        def progress(written: float) -> None:
            report(stage, min(1.0, max(0.0, written / length)))

        with ExitStack() as held, disk_errors(self.temporary, self.target):
            claim(self.temporary)
            # Sound first: its encoders are at work while the pictures' start.
            sounds = [
                sound_track(sound, plan, copy, held)
                for sound, copy in zip(self.media.sounds, self._copies, strict=True)
            ]
            tracks: list[Track] = []
            smart = SmartPictures(self.way.joint, plan, held) if self.way.joint is not None else None
            if smart is not None:
                tracks.append(smart.track())
            elif picture is not None:
                tracks.append(picture_track(picture, plan, choose_format(picture.info, self.job.max_height)))
            subtitles = subtitle_tracks(self.media.subtitles, plan, held)
            write_clip(
                self.temporary,
                [*tracks, *sounds, *subtitles],
                timescales=self._timescales(),
                chapters=chapters_of(self.media.chapters, plan),
                size=self.media.bytes_of(plan),
                metadata={"title": self.job.title} if self.job.title else {},
                progress=progress,
            )
            return smart.parts if smart is not None else ()

    def _timescales(self) -> Timescales:
        picture, sounds = self.media.picture, self.media.sounds
        video = picture.packets.time_base.denominator if picture else 1000
        # Edit lists are counted in the movie's units: in those of the sound they are exact to the sample.
        return Timescales(video=video, movie=_rate(sounds[0], self._copies[0]) if sounds else video)

    def _expectation(self, parts: Sequence[int | CopiedPart]) -> Expectation:
        times: Sequence[float] | NDArray[np.floating[Any]] = ()
        if self.media.picture is not None:
            packets = self.media.picture.packets
            times = clip_ticks(self.plan, packets) * float(packets.time_base)
        sounds = [
            _expected_sound(sound, self.plan, copy)
            for sound, copy in zip(self.media.sounds, self._copies, strict=True)
        ]
        original = None
        if self.way.mode is not Mode.EXACT and self.media.picture is not None:
            original = Original(self.media.picture, self.plan)
        return Expectation(times, self.plan.duration, sounds, original, parts)

    def _describe(self, size: int) -> Clip:
        first, last = self.plan.segments[0], self.plan.segments[-1]
        return Clip(
            path=self.target,
            temporary=self.temporary,
            start=float(first.start),
            end=float(last.end),
            frames=self.plan.frames,
            duration=float(self.plan.duration),
            mode=self.way.mode,
            reencoded_seconds=float(self.plan.encoded),
            early=float(first.early),
            bytes=size,
            notes=tuple(self._notes()),
        )

    def _notes(self) -> list[str]:
        notes = []
        if self.way.because is not None:
            notes.append(f"Everything was re-encoded, because {self.way.because}.")
        if self.way.mode is Mode.COPY:
            early = [float(segment.early) for segment in self.plan.segments if segment.early > 0]
            if early:
                notes.append(
                    f"Begins {max(early):.2f} s early, at a keyframe, because nothing was re-encoded."
                )
            if self.job.max_height is not None:
                notes.append("The picture keeps its size, because nothing was re-encoded.")
            if not all(self._copies):
                notes.append("The sound was re-encoded, because MP4 cannot carry it as it is.")
        if self.media.left_out:
            notes.append(f"Left out, because clips do not carry them: {', '.join(self.media.left_out)}.")
        return notes


def _rate(sound: Sound, copy: SoundCopy | None) -> int:
    """Samples per second of the track."""
    return sound.info.sample_rate if copy is not None else output_rate(sound.info)


def _expected_sound(sound: Sound, plan: ClipPlan, copy: SoundCopy | None) -> SoundExpectation:
    # A sample is what roundings may cost; packets that do not fit together are only as fine as they are.
    slack, begins, ends = Fraction(1, _rate(sound, copy)), Fraction(0), plan.duration
    if copy is not None:
        packets = sound.packets
        first, last = plan.segments[0], plan.segments[-1]
        begins = max(begins, packets.seconds(int(packets.pts[0])) - first.start)
        ends -= max(Fraction(0), last.end - packets.seconds(packets.end))
        if not copy.is_exact():
            slack = 2 * packets.typical_duration * packets.time_base
    copied = copy.checksum.part() if copy is not None else None
    return SoundExpectation((begins - slack, begins + slack), (ends - slack, ends + slack), copied)
