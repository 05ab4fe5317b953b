"""What `make package` does: build the one-folder app, then prove that the frozen thing works.

The smoke test runs the frozen executable itself, with an empty PATH and no Python around it: `doctor`, a
trim (whose child processes must start from the frozen executable), and the window with a source in it.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stage import SAMPLE, has_display, license_server, secret_service, virtual_display

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "dist" / "reely"
EXECUTABLE = APP / ("reely.exe" if os.name == "nt" else "reely")


def main() -> None:
    """Build and smoke-test. Ends with a message and exit code 1 at the first thing that does not work."""
    command = [sys.executable, "-m", "PyInstaller", "packaging/reely.spec", "--noconfirm", "--log-level=WARN"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit("PyInstaller did not build the app; its own words are above.")
    size = sum(file.stat().st_size for file in APP.rglob("*") if file.is_file() and not file.is_symlink())
    print(f"built {APP} ({size / 1e6:.0f} MB)", flush=True)
    if any("WebEngine" in file.name for file in APP.rglob("*")):
        sys.exit("WebEngine is on board; see the excludes in packaging/reely.spec")
    smoke_test()
    print("the frozen app works: doctor, trim, window")


def smoke_test() -> None:
    """Run the frozen app as a user would, away from this checkout."""
    with (
        tempfile.TemporaryDirectory() as folder,
        license_server(Path(folder) / "server") as url,
        _keyring(Path(folder) / "keyring") as keyring,
        _display() as display,
    ):
        environment = {**_bare_environment(Path(folder), url), **keyring, **display}
        checks = {check["name"]: check for check in _reely(environment, "doctor")["checks"]}
        for name in ("FFmpeg", "JavaScript runtime"):
            if str(APP) not in checks[name]["detail"]:
                sys.exit(f"{name} was not found inside the frozen app: {checks[name]['detail']}")
        words = Path(folder) / "words.json"
        words.write_text(
            json.dumps({"segments": [{"start": 0, "end": 30, "text": "So. " + "It went on. " * 9}]})
        )
        _reely(environment, "hooks", "--transcript", str(words))
        clip = Path(folder) / "clip.mp4"
        email = f"smoke-{secrets.token_hex(4)}@example.com"
        _reely(environment, "account", "sign-up", "--email", email)
        done = _reely(environment, "trim", str(SAMPLE), "--from", "1", "--to", "3", "-o", str(clip))
        if done["clips"][0]["frames"] != 48 or clip.stat().st_size != done["clips"][0]["bytes"]:
            sys.exit(f"the frozen app cut something else: {done}")
        # The window quits by itself, with exit code 0, once the sample's first frame is shown.
        command: list[str | Path] = [EXECUTABLE, "app", "--smoke-test", SAMPLE]
        subprocess.run(command, env=environment, cwd=folder, check=True, timeout=60)


def _bare_environment(folder: Path, url: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "LANG", "HOME") if name in os.environ}
    return {
        **kept,
        "PATH": "",
        "REELY_HOME": str(folder / "home"),
        "REELY_SERVER_URL": url,
        "REELY_PASSWORD": secrets.token_urlsafe(16),
    }


@contextmanager
def _keyring(folder: Path) -> Iterator[dict[str, str]]:
    """Where Linux's keyring is found; Windows and macOS have theirs."""
    if sys.platform != "linux":
        yield {}
        return
    with secret_service(folder) as found:
        yield found


@contextmanager
def _display() -> Iterator[dict[str, str]]:
    if has_display():
        yield {"DISPLAY": os.environ.get("DISPLAY", "")}
        return
    with virtual_display() as name:
        yield {"DISPLAY": name}


def _reely(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [EXECUTABLE, *arguments, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        sys.exit(f"reely {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    main()
