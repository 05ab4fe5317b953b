"""Where clips go: checks before any work, the temporary file, and what a disk's refusals mean."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import av

from desktop.errors import Exit, ReelyError
from desktop.files import already_exists, disk_error
from desktop.media.container import shown

_SUFFIXES = {".mp4", ".m4v", ".mov", ".m4a"}
_NAME_BYTES = 255  # what common file systems allow
_ROOM_LEFT = 16 * 2**20  # bytes that stay free for everybody else


def check_targets(targets: Sequence[Path], wanted: int, sources: Sequence[Path], *, overwrite: bool) -> None:
    """Raise `name-not-possible`, `destination-is-source` or `file-exists` if clips cannot be named so."""
    if len(targets) != wanted or len(set(targets)) != wanted:
        raise ReelyError(
            "name-not-possible",
            f"{wanted} clips need as many different names; there are {len(set(targets))}.",
            "Name each clip.",
            Exit.USAGE,
        )
    for target in targets:
        if target.suffix.lower() not in _SUFFIXES or len(os.fsencode(target.name)) > _NAME_BYTES:
            raise ReelyError(
                "name-not-possible",
                f"A clip cannot be named {shown(target)}.",
                "Use a shorter name, and one of the endings .mp4, .m4v, .mov or .m4a.",
                Exit.USAGE,
            )
        if any(_is_same_file(target, source) for source in sources):
            raise ReelyError(
                "destination-is-source",
                f"{shown(target)} is the source itself; a clip never replaces it.",
                "Choose another name for the clip.",
                Exit.USAGE,
            )
        if os.path.lexists(target) and not overwrite:
            raise already_exists(target)


def _is_same_file(target: Path, source: Path) -> bool:
    try:
        return target.samefile(source)
    except OSError:
        return target.absolute() == source.absolute()


def check_room(folder: Path, needed: int) -> None:
    """Raise `disk-full` where `needed` bytes do not fit into `folder`, or what its absence means."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _folder_error(error, folder) from error
    if free < needed + _ROOM_LEFT:
        megabytes = math.ceil((needed + _ROOM_LEFT) / 1e6)
        raise ReelyError(
            "disk-full",
            f"The clip needs about {megabytes} MB; {math.floor(free / 1e6)} MB are left in {folder}.",
            "Free some space, or choose a folder on another disk, and try again.",
            Exit.DISK,
        )


@contextlib.contextmanager
def discarding_unless_done() -> Iterator[list[Path]]:
    """Files that are deleted when the `with` block does not end well."""
    written: list[Path] = []
    try:
        yield written
    except BaseException:
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink()
        raise


def claim(temporary: Path) -> None:
    """Create the temporary file: shows early whether the folder can be written to."""
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise _folder_error(error, temporary.parent) from error


@contextlib.contextmanager
def disk_errors(temporary: Path, target: Path) -> Iterator[None]:
    """Failures to write, from Python and from FFmpeg, as ReelyErrors about the clip's real name."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        number = error.errno
        if number == errno.ENOSPC or not _can_grow(temporary):
            raise disk_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), target) from error
        raise disk_error(OSError(number or errno.EIO, os.strerror(number or errno.EIO)), target) from error


def _can_grow(path: Path) -> bool:
    """Whether a few more bytes fit on the disk of `path`: FFmpeg does not always tell that it was full."""
    try:
        return shutil.disk_usage(path.parent).free > 0
    except OSError:
        return True


def _folder_error(error: OSError, folder: Path) -> ReelyError:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return ReelyError(
            "folder-not-found",
            f"There is no folder {folder}.",
            "Create it, or choose another folder.",
            Exit.DISK,
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return ReelyError(
            "folder-not-writable",
            f"Reely may not write to {folder}.",
            "Choose another folder, or change its permissions.",
            Exit.DISK,
        )
    return disk_error(error, folder)


def sync(path: Path) -> None:
    """Bring the file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
