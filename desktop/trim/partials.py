"""Temporary names of clips in the making, and sweeping those that a dead process left behind.

A name tells its owner: `.CLIP.HOST-PID-STARTED-RANDOM.partial.mp4`, so that a sweep never touches the work of
a living process, of another computer on a shared folder, or of anybody else. The owner is the process that
asked for the clip, not the job's child: the clip is finished when the child ends, but not yet published.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import secrets
from pathlib import Path

import psutil

_NAME_BYTES = 255  # what common file systems allow
_PATTERN = re.compile(
    r"\..*\.(?P<host>[0-9a-f]{8})-(?P<pid>[0-9]{1,10})-(?P<started>[0-9]{1,12})-[0-9a-f]{8}\.partial\.[A-Za-z0-9]+",
    re.DOTALL,
)


def owner_of_this_process() -> str:
    """Who owns the partial files that this process asks for: computer, process id, start time (seconds)."""
    return f"{_host()}-{os.getpid()}-{_started(os.getpid())}"


def partial_path(final: Path, owner: str) -> Path:
    """A new temporary name in the folder of `final`, for `owner` (see `owner_of_this_process`)."""
    ending = f".{owner}-{secrets.token_hex(4)}.partial{final.suffix}"
    name = final.stem
    while len(os.fsencode(f".{name}{ending}")) > _NAME_BYTES:
        name = name[:-1]
    return final.with_name(f".{name}{ending}")


def sweep_partials(folder: Path) -> list[Path]:
    """Delete the partial clips in `folder` whose owner has died on this computer; returns what was deleted.

    A folder that cannot be listed, or a file that cannot be deleted, is left alone.
    """
    swept = []
    try:
        candidates = [path for path in folder.iterdir() if _PATTERN.fullmatch(path.name)]
    except OSError:
        return []
    for path in candidates:
        if _is_orphan(path):
            with contextlib.suppress(OSError):
                path.unlink()
                swept.append(path)
    return swept


def _is_orphan(path: Path) -> bool:
    match = _PATTERN.fullmatch(path.name)
    if match is None or match["host"] != _host() or path.is_symlink() or not path.is_file():
        return False
    try:
        return _started(int(match["pid"])) != int(match["started"])
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False  # it lives, and is none of our business


def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _started(pid: int) -> int:
    return int(psutil.Process(pid).create_time())
