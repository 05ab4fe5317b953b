"""What `reely doctor` finds: does each thing that Reely leans on work here, and what to do if not."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import keyring
import keyring.errors
import requests
from pydantic import BaseModel

from desktop.errors import ReelyError
from desktop.hooks.model_files import ModelFolder
from desktop.hooks.speech_models import ANY_LANGUAGE, ENGLISH
from desktop.media.ffmpeg import find_ffmpeg
from desktop.settings import Settings
from desktop.source.extract import deno_path

_TIME_LIMIT = 10.0  # seconds for one check; a keyring may wait for a prompt that nobody sees
_ROOM_NEEDED = 2 * 1024**3  # bytes; a half-hour 1080p source and its clips


class Verdict(StrEnum):
    WORKS = "works"
    LIMITED = "limited"
    """Reely runs without it, with less."""
    MISSING = "missing"


class Check(BaseModel):
    """One thing looked at; `hint` says what to do and is empty where all is well."""

    name: str
    verdict: Verdict
    detail: str
    hint: str = ""


class Diagnosis(BaseModel):
    """All checks, in the order in which a person would mend them."""

    checks: tuple[Check, ...]

    @property
    def usable(self) -> bool:
        """Whether a clip can be cut at all."""
        return all(check.verdict is not Verdict.MISSING for check in self.checks)

    def in_words(self) -> str:
        marks = {Verdict.WORKS: "✓", Verdict.LIMITED: "!", Verdict.MISSING: "✗"}
        lines = []
        for check in self.checks:
            lines.append(f"{marks[check.verdict]} {check.name}: {check.detail}")
            if check.hint:
                lines.append(f"    → {check.hint}")
        return "\n".join(lines)


def diagnose(settings: Settings) -> Diagnosis:
    """Run every check, each within its time limit. Changes nothing, and asks the network one question."""
    checks: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("FFmpeg", _ffmpeg),
        ("JavaScript runtime", _javascript),
        ("Keyring", _keyring),
        ("Speech model", lambda: _speech_model(settings)),
        ("License server", lambda: _server(settings)),
        ("Disk", lambda: _disk(settings.home)),
        ("Log", lambda: Check(name="Log", verdict=Verdict.WORKS, detail=str(settings.log))),
    )
    return Diagnosis(checks=tuple(_limited(name, check) for name, check in checks))


def _limited(name: str, check: Callable[[], Check]) -> Check:
    """The check's answer, or that it gave none in time (its thread then ends with the process)."""
    answers: list[Check] = []
    thread = threading.Thread(target=lambda: answers.append(check()), name=f"doctor {name}", daemon=True)
    thread.start()
    thread.join(_TIME_LIMIT)
    if answers:
        return answers[0]
    return Check(
        name=name,
        verdict=Verdict.LIMITED,
        detail=f"gave no answer within {_TIME_LIMIT:.0f} seconds",
        hint="Look for a window that waits for your password, or restart the computer.",
    )


def _ffmpeg() -> Check:
    name = "FFmpeg"
    try:
        path = find_ffmpeg()
    except ReelyError as error:
        return Check(name=name, verdict=Verdict.MISSING, detail=error.message, hint=error.hint)
    version = _first_line([str(path), "-hide_banner", "-version"])
    if version is None:
        return Check(
            name=name,
            verdict=Verdict.MISSING,
            detail=f"{path} does not run",
            hint="Set REELY_FFMPEG to an ffmpeg that runs here, or install Reely again.",
        )
    return Check(name=name, verdict=Verdict.WORKS, detail=f"{version} ({path})")


def _javascript() -> Check:
    name = "JavaScript runtime"
    hint = "Install Reely again; without it, some YouTube links cannot be opened. Files are not affected."
    path = deno_path()
    if path is None:
        return Check(name=name, verdict=Verdict.LIMITED, detail="deno was not found", hint=hint)
    version = _first_line([str(path), "--version"])
    if version is None:
        return Check(name=name, verdict=Verdict.LIMITED, detail=f"{path} does not run", hint=hint)
    return Check(name=name, verdict=Verdict.WORKS, detail=f"{version} ({path})")


def _first_line(command: list[str]) -> str | None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIME_LIMIT, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.partition("\n")[0].strip()


def _keyring() -> Check:
    name = "Keyring"
    try:
        backend = keyring.get_keyring()
        keyring.get_password("reely-doctor", "nobody")
    except keyring.errors.KeyringError as error:
        return Check(
            name=name,
            verdict=Verdict.LIMITED,
            detail=f"no secret can be kept ({type(error).__name__})",
            hint="You can sign in for one session at a time. On Linux, install gnome-keyring or KWallet.",
        )
    return Check(name=name, verdict=Verdict.WORKS, detail=type(backend).__module__)


def _speech_model(settings: Settings) -> Check:
    """Whether speech can be recognised at once; if not, that its model is downloaded when it is needed."""
    name = "Speech model"
    try:
        there = {
            model: folder
            for model in (ANY_LANGUAGE, ENGLISH)
            if (folder := ModelFolder(settings.models).find(model)) is not None
        }
    except ReelyError as error:
        return Check(name=name, verdict=Verdict.LIMITED, detail=error.message, hint=error.hint)
    if there:
        detail = ", ".join(dict.fromkeys(str(folder) for folder in there.values()))
        return Check(name=name, verdict=Verdict.WORKS, detail=detail)
    english, other = f"{ENGLISH.size / 1e6:.0f} MB", f"{ANY_LANGUAGE.size / 1e6:.0f} MB"
    detail = f"not downloaded yet ({english} for English, {other} for other languages)"
    return Check(
        name=name,
        verdict=Verdict.LIMITED if settings.offline else Verdict.WORKS,
        detail=detail,
        hint="Go online once, or name a folder in REELY_SPEECH_MODEL; captions need no model."
        if settings.offline
        else "",
    )


def _server(settings: Settings) -> Check:
    name = "License server"
    if settings.offline:
        return Check(name=name, verdict=Verdict.LIMITED, detail="not asked, because REELY_OFFLINE is set")
    try:
        answer = requests.get(f"{settings.server_url}/health", timeout=_TIME_LIMIT / 2, allow_redirects=False)
        answer.raise_for_status()
    except requests.RequestException as error:
        return Check(
            name=name,
            verdict=Verdict.LIMITED,
            detail=f"{settings.server_url} does not answer ({type(error).__name__})",
            hint="Check the network or REELY_SERVER_URL; what this device holds for offline use still works.",
        )
    return Check(name=name, verdict=Verdict.WORKS, detail=settings.server_url)


def _disk(home: Path) -> Check:
    name = "Disk"
    folder = next(parent for parent in (home, *home.parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:.1f} GiB free at {home}"
    if not os.access(folder, os.W_OK):
        return Check(
            name=name,
            verdict=Verdict.MISSING,
            detail=f"{folder} cannot be written",
            hint="Set REELY_HOME to a folder that you may write to.",
        )
    if free < _ROOM_NEEDED:
        hint = "Free some space; long sources and their clips need room."
        return Check(name=name, verdict=Verdict.LIMITED, detail=detail, hint=hint)
    return Check(name=name, verdict=Verdict.WORKS, detail=detail)
