"""Giving finished files their real names: nothing half-written, nothing overwritten unasked, nothing lost."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from desktop.errors import Exit, ReelyError

_AT_FDCWD = -100  # linux/fcntl.h: paths are relative to the working directory
_RENAME_NOREPLACE = 1  # linux/fs.h
_RENAME_EXCL = 4  # sys/stdio.h of macOS
# What a file system answers that has no such rename, or no hard links (FAT, exFAT, some network shares).
_NOT_SUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EMLINK}


def publish(temporary: Path, final: Path, overwrite: bool = False) -> None:
    """Give the finished file `temporary` its real name `final`, on the same volume, and make that last.

    Without `overwrite` an existing file is never replaced, not even one that appears in the same moment:
    ReelyError `file-exists`. Other failures are `cannot-write-file`, `disk-full` or `other-volume`; in each
    case `temporary` is still where it was.
    """
    try:
        if overwrite:
            temporary.replace(final)
        else:
            _rename_without_replacing(temporary, final)
    except FileExistsError as error:
        raise already_exists(final) from error
    except OSError as error:
        raise disk_error(error, final) from error
    sync_folder(final.parent)


def free_name(path: Path) -> Path:
    """`path`, or the first of `name (2).ext`, `name (3).ext`, … that does not exist yet."""
    candidate, number = path, 2
    while os.path.lexists(candidate):
        candidate = path.with_name(f"{path.stem} ({number}){path.suffix}")
        number += 1
    return candidate


def write_file(path: Path, data: bytes) -> None:
    """Replace the small file `path` by `data` as a whole: after a crash it is the old one or the new one.

    Readable by its owner alone. Raises ReelyError `disk-full` or `cannot-write-file`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)  # noqa: PTH105 - `name` is a plain string here
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108 - as above
            raise
    except OSError as error:
        raise disk_error(error, path) from error
    sync_folder(path.parent)


def deliver_file(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a small file for the user as a whole, for the same people to read as any file of theirs.

    Raises what `publish` raises.
    """
    temporary = path.with_name(f".reely-{secrets.token_hex(8)}")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk_error(error, path) from error
        publish(temporary, path, overwrite=overwrite)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut, where the system lets a program ask for that."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return  # a folder that may be written but not read: the rename itself has succeeded
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise disk_error(error, folder) from error
    finally:
        os.close(descriptor)


def already_exists(path: Path) -> ReelyError:
    """What is said instead of overwriting `path`."""
    return ReelyError(
        "file-exists",
        f"There is already a file named {path.name} in {path.parent}.",
        "Choose another name, or ask for the file to be overwritten.",
        Exit.DISK,
    )


def disk_error(error: OSError, path: Path) -> ReelyError:
    """What `error` means for the user who wanted `path` written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ReelyError(
            "disk-full",
            f"The disk is full: {path.name} could not be written.",
            "Free some space, or choose a folder on another disk, and try again.",
            Exit.DISK,
        )
    if error.errno == errno.EXDEV:
        return ReelyError(
            "other-volume",
            f"{path.name} was prepared on another disk than {path.parent}.",
            "Choose a folder on one disk and try again.",
            Exit.DISK,
        )
    return ReelyError(
        "cannot-write-file",
        f"{path} could not be written ({os.strerror(error.errno or errno.EIO)}).",
        "Check that the folder exists and that you may write there, or choose another one.",
        Exit.DISK,
    )


def _rename_without_replacing(temporary: Path, final: Path) -> None:
    """Rename in one step that fails where `final` exists (FileExistsError).

    Linux: renameat2(2) with RENAME_NOREPLACE; macOS: renamex_np(2) with RENAME_EXCL; Windows: MoveFile never
    replaces. A file system without that gets a hard link, which never replaces either; one without links
    gets a check followed by a rename, the best that is left.
    """
    if os.name == "nt":
        temporary.rename(final)
        return
    for attempt in (_native_rename, _link_and_unlink):
        try:
            attempt(temporary, final)
        except OSError as error:
            if error.errno not in _NOT_SUPPORTED:
                raise
        else:
            return
    if os.path.lexists(final):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
    temporary.rename(final)


def _native_rename(temporary: Path, final: Path) -> None:
    call = _native_call()
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(os.fsencode(temporary), os.fsencode(final)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(temporary), None, str(final))


def _native_call() -> Callable[[bytes, bytes], int] | None:
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        renamex = library.renamex_np
        renamex.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
        return lambda old, new: int(renamex(old, new, _RENAME_EXCL))
    if sys.platform.startswith("linux") and hasattr(library, "renameat2"):
        renameat = library.renameat2
        renameat.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
        return lambda old, new: int(renameat(_AT_FDCWD, old, _AT_FDCWD, new, _RENAME_NOREPLACE))
    return None


def _link_and_unlink(temporary: Path, final: Path) -> None:
    final.hardlink_to(temporary)
    temporary.unlink()
