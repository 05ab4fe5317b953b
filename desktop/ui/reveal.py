"""Showing a file in the system's own file manager, and opening it or a page in the program for it."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtGui import QDesktopServices


def reveal_command(path: Path, platform: str) -> tuple[str, list[str]] | None:
    """Program and arguments that select `path` in the file manager; None where only folders can be shown."""
    if platform == "win32":
        return "explorer.exe", ["/select,", str(path)]
    if platform == "darwin":
        return "/usr/bin/open", ["-R", str(path)]
    return None


def show_in_folder(path: Path) -> bool:
    """Open the folder of `path`, with the file selected where the system can do that. False if it failed."""
    command = reveal_command(path, sys.platform)
    if command is not None:
        program, arguments = command
        return bool(QProcess.startDetached(program, arguments)[0])
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))


def open_page(address: str) -> bool:
    """Open a page of the web in the user's browser; nothing else is opened. False if it failed."""
    url = QUrl(address, QUrl.ParsingMode.StrictMode)
    return url.scheme() in {"http", "https"} and QDesktopServices.openUrl(url)


def play_file(path: Path) -> bool:
    """Open the file in the user's player. False if the system knows none."""
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
