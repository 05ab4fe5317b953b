"""The ffmpeg executable: where it is, and running it so that it never outlives the one who asked."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import ffmpeg
import imageio_ffmpeg

from desktop.errors import Exit, ReelyError

_STDERR_KEPT = 16 * 1024  # bytes; the last words say what went wrong
_NAME = "ffmpeg.exe" if os.name == "nt" else "ffmpeg"


def find_ffmpeg() -> Path:
    """The executable to use: the setting `REELY_FFMPEG`, next to the frozen app, imageio-ffmpeg's, or PATH's.

    Raises ReelyError `ffmpeg-missing` where there is none, also when the setting names no executable file:
    what was asked for is never silently replaced by something else.
    """
    setting = os.environ.get("REELY_FFMPEG")
    if setting:
        chosen = shutil.which(setting)
        if chosen is None:
            raise ReelyError(
                "ffmpeg-missing",
                f"REELY_FFMPEG names no executable file: {setting!r}.",
                "Set it to the path of an ffmpeg executable, or leave it unset.",
                Exit.MEDIA,
            )
        return Path(chosen)
    for candidate in _candidates():
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    raise ReelyError(
        "ffmpeg-missing",
        "The ffmpeg executable was not found.",
        "Install Reely again, or install FFmpeg and set REELY_FFMPEG to its path.",
        Exit.MEDIA,
    )


def _candidates() -> Iterator[Path]:
    if getattr(sys, "frozen", False):
        for folder in (Path(sys.executable).parent, Path(getattr(sys, "_MEIPASS", sys.executable))):
            yield folder / _NAME
    with contextlib.suppress(RuntimeError):  # the package came without an executable for this platform
        yield Path(imageio_ffmpeg.get_ffmpeg_exe())
    on_path = shutil.which(_NAME)
    if on_path is not None:
        yield Path(on_path)


class FfmpegProcess:
    """A running ffmpeg. `stdin` is None unless it was asked for; `stdout` carries what goes to `pipe:1`."""

    def __init__(self, arguments: Sequence[str], *, feed: bool) -> None:
        self._process = subprocess.Popen(
            [str(find_ffmpeg()), *arguments],
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._said = b""
        self._listener = threading.Thread(target=self._listen, name="ffmpeg-stderr", daemon=True)
        self._listener.start()

    @property
    def stdin(self) -> IO[bytes] | None:
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101 - asked for above; for the type checker
        return self._process.stdout

    def finish(self) -> None:
        """Wait until it has ended by itself. Raises ReelyError `ffmpeg-failed` if it did not succeed."""
        code = self._process.wait()
        self._listener.join()
        if code != 0:
            raise ReelyError(
                "ffmpeg-failed",
                f"The encoder stopped: {self._last_line()}",
                "Try another mode; if it happens again, please report it with the log file.",
                Exit.MEDIA,
            )

    def stop(self) -> None:
        """End it now if it still runs. Its pipes stay ours; whoever reads or writes them sees their end."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it now if it still runs, and let go of its pipes."""
        self.stop()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # what stdin still held has nobody to read it
                    pipe.close()

    def _listen(self) -> None:
        stderr = self._process.stderr
        while stderr is not None and (words := os.read(stderr.fileno(), 4096)):
            self._said = (self._said + words)[-_STDERR_KEPT:]

    def _last_line(self) -> str:
        lines = self._said.decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else f"without a word (exit code {self._process.returncode})"


@contextlib.contextmanager
def running(output: ffmpeg.nodes.OutputStream, *, feed: bool = False) -> Iterator[FfmpegProcess]:
    """Run the ffmpeg-python graph `output`; with `feed` its `pipe:0` is ours to write to.

    Whatever ends the `with` block ends the process too. Call `finish` to know that it succeeded.
    """
    arguments = ["-hide_banner", "-loglevel", "error", "-nostats", *ffmpeg.get_args(output)]
    process = FfmpegProcess(arguments if feed else ["-nostdin", *arguments], feed=feed)
    try:
        yield process
    finally:
        process.close()
