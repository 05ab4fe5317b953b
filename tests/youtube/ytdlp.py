"""Unpatched yt-dlp in a child process, pointed at the stand-in; run as a script, it is that child.

The child reads `{"urls", "options"}` from standard input and writes one JSON object a link.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.youtube.server import YouTube


@dataclass(frozen=True)
class Outcome:
    """What yt-dlp made of one link: `info`, or `error` (its words); `said` are its lines in order."""

    info: dict[str, Any] | None
    error: str | None
    said: tuple[str, ...]


def run(youtube: YouTube, *urls: str, folder: Path, deno: bool = True, **options: Any) -> list[Outcome]:
    """What yt-dlp, as a library with `options`, answers for each of `urls`; one child for all.

    Without `deno` it finds no JavaScript runtime. Its cache and downloads go to `folder`.
    """
    if deno:
        from deno import find_deno_bin

        options["js_runtimes"] = {"deno": {"path": find_deno_bin()}}
    else:
        options["js_runtimes"] = {}
    given = {"cachedir": str(folder / "cache"), "paths": {"home": str(folder)}, **options}
    # A PATH without anything on it: nothing but what is passed by path may be found.
    environment = {**os.environ, **youtube.env, "PATH": str(folder), "HOME": str(folder)}
    child = subprocess.run(
        [sys.executable, "-W", "error", __file__],
        input=json.dumps({"urls": urls, "options": given}),
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    return [
        Outcome(each["info"], each["error"], tuple(each["said"]))
        for each in map(json.loads, child.stdout.splitlines())
    ]


def _child() -> None:
    import yt_dlp

    job = json.load(sys.stdin)
    said: list[str] = []

    class Logger:
        def debug(self, message: str) -> None:
            said.append(message)

        def warning(self, message: str) -> None:
            said.append(f"WARNING: {message}")

        def error(self, message: str) -> None:
            said.append(message)

    # The link between yt-dlp and the stand-in's certificate: without this it trusts certifi's list alone.
    options: Any = {"compat_opts": {"no-certifi"}, "logger": Logger(), "noprogress": True, **job["options"]}
    download = bool(options.pop("download", False))
    with yt_dlp.YoutubeDL(options) as downloader:
        for url in job["urls"]:
            said.clear()
            info, error = None, None
            try:
                info = downloader.sanitize_info(downloader.extract_info(url, download=download))
            except yt_dlp.utils.DownloadError as refused:
                error = str(refused)
            print(json.dumps({"info": info, "error": error, "said": said}), flush=True)


if __name__ == "__main__":
    _child()
