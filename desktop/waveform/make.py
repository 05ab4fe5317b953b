"""Doing the job: decode all of the sound once, and write its waveform."""

from __future__ import annotations

from desktop.files import write_file
from desktop.jobs.protocol import Report
from desktop.media.peaks import make_peaks, peaks_to_bytes
from desktop.waveform.job import WaveformJob, WaveformMade, seal


def make_waveform(job: WaveformJob, report: Report) -> WaveformMade:
    """Write `job.target`. Raises what `desktop.media.probe.probe` and `desktop.files.write_file` raise."""
    peaks = make_peaks(job.media, job.origin, lambda fraction: report("waveform", fraction))
    if peaks is None:
        return WaveformMade(there=False)
    write_file(job.target, seal(peaks_to_bytes(peaks)))
    return WaveformMade(there=True)
