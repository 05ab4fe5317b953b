"""Making this app the one that opens `reely:` links, for this user: how the browser finds the way back.

macOS reads it from the app's bundle. Only an installed (frozen) app registers itself: a checkout is no place
that a browser should start.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from desktop.errors import ReelyError
from desktop.files import write_file

logger = logging.getLogger(__name__)

_TYPE = "x-scheme-handler/reely"
_LIMIT = 10.0  # seconds


def register_scheme() -> None:
    """Register the running frozen app; a failure costs the link back, and is noted in the log."""
    if not getattr(sys, "frozen", False):
        return
    executable = Path(sys.executable)
    try:
        if sys.platform == "win32":
            _register_in_windows(executable)
        elif sys.platform == "linux":
            register_in_freedesktop(executable, os.environ)
    except (OSError, ReelyError, subprocess.SubprocessError) as error:
        logger.warning("reely: links are not registered: %s", type(error).__name__)


def register_in_freedesktop(executable: Path, environment: Mapping[str, str]) -> Path:
    """Write the desktop entry of the app, and make it the default for its links; where the entry is.

    Desktop Entry Specification 1.5, and the MIME applications specification through `xdg-mime`.
    """
    data = environment.get("XDG_DATA_HOME") or str(
        Path(environment.get("HOME", "~")).expanduser() / ".local/share"
    )
    entry = Path(data) / "applications" / "reely.desktop"
    content = desktop_entry(executable).encode()
    if not entry.is_file() or entry.read_bytes() != content:
        write_file(entry, content)
    tool = shutil.which("xdg-mime", path=environment.get("PATH"))
    if tool is not None:
        subprocess.run(
            [tool, "default", entry.name, _TYPE],
            env=dict(environment),
            check=True,
            timeout=_LIMIT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    return entry


def desktop_entry(executable: Path) -> str:
    """The entry's text; the path is quoted as the specification wants it."""
    quoted = "".join(f"\\{char}" if char in '"`$\\' else char for char in str(executable))
    # The value itself is a string in which a backslash has to be escaped once more, and % is a field code.
    command = f'"{quoted}"'.replace("\\", "\\\\").replace("%", "%%")
    return "\n".join(
        (
            "[Desktop Entry]",
            "Type=Application",
            "Name=Reely",
            "Comment=Turn long videos into short ones",
            f"Exec={command} app %u",
            "Categories=AudioVideo;Video;AudioVideoEditing;",
            f"MimeType={_TYPE};",
            "",
        )
    )


def _register_in_windows(executable: Path) -> None:
    """The user's own classes in the registry, as the documentation of URI schemes describes it."""
    if sys.platform != "win32":
        return
    import winreg  # noqa: PLC0415 - there is none elsewhere

    with winreg.CreateKey(winreg.HKEY_CURRENT_USER, r"Software\Classes\reely") as key:
        winreg.SetValueEx(key, "", 0, winreg.REG_SZ, "URL:Reely")
        winreg.SetValueEx(key, "URL Protocol", 0, winreg.REG_SZ, "")
        with winreg.CreateKey(key, r"shell\open\command") as command:
            winreg.SetValueEx(command, "", 0, winreg.REG_SZ, f'"{executable}" app "%1"')
