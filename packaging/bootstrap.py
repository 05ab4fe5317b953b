"""Set up a checkout: system libraries, `.venv`, every pinned package, the sample video.

Runs on a bare Python 3.11+ with the standard library alone. A second run finds its stamp and ends at once.

    python3 packaging/bootstrap.py run      what `make run` needs
    python3 packaging/bootstrap.py test     the same and what tests need (a display, a keyring, a database)
    python3 packaging/bootstrap.py package  the same and what the frozen build needs
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")

# Nothing is installed but what they name: of the second one's packages only files are used.
LOCKS = ("requirements/dev.lock", "requirements/carried.lock")

# The shared libraries that Qt's wheels expect of a Debian system, and the packages that bring them.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libpulse.so.0": "libpulse0",
    "libpulse-mainloop-glib.so.0": "libpulse-mainloop-glib0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
TEST_PROGRAMS = {
    "Xvfb": "xvfb",
    "xauth": "xauth",
    "objdump": "binutils",
    "dbus-daemon": "dbus",
    "gnome-keyring-daemon": "gnome-keyring",
    "redis-server": "redis-server",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
}


class SetupError(Exception):
    """Why the set-up cannot go on, and what to do, in one text for the terminal."""


def main(purpose: str) -> None:
    """Bring the checkout into the state that `purpose` ("run", "test" or "package") needs."""
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        raise SetupError(f"Reely needs Python 3.11 to 3.13; this is {sys.version.split()[0]}.")
    stamp = VENV / f".reely-{purpose}"
    wanted = _fingerprint()
    if stamp.is_file() and stamp.read_text() == wanted and (BIN / _program("reely")).is_file():
        return
    _install_system_packages(_missing_system_packages(purpose))
    _create_venv()
    # The system's trust store, so that a network with its own certificate authority works.
    uv = [str(BIN / _program("uv")), "--system-certs", "pip"]
    inside = ["--python", str(BIN / _program("python"))]
    _run(
        [*uv, "sync", "--quiet", "--compile-bytecode", *inside, "--require-hashes", *LOCKS],
        "Installing packages",
    )
    _run(
        [*uv, "install", "--quiet", *inside, "--no-deps", "--no-build-isolation", "--editable", "."],
        "Installing Reely itself",
    )
    _run([str(BIN / _program("python")), "packaging/sample.py"], "Making the sample video")
    stamp.write_text(wanted)


def _program(name: str) -> str:
    return f"{name}.exe" if os.name == "nt" else name


def _fingerprint() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in (*LOCKS, "pyproject.toml", "packaging/bootstrap.py", "packaging/sample.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _missing_system_packages(purpose: str) -> list[str]:
    if sys.platform != "linux":
        return []
    missing = [package for library, package in QT_LIBRARIES.items() if not _loads(library)]
    if not any(Path("/usr/share/fonts").rglob("*.[to]tf")):
        missing.append("fonts-dejavu-core")
    if not Path("/etc/ssl/certs").is_dir():
        missing.append("ca-certificates")
    if purpose in {"test", "package"}:
        missing += [package for program, package in TEST_PROGRAMS.items() if not shutil.which(program)]
        if not Path("/usr/share/asterisk/sounds/en_US_f_Allison").is_dir():
            missing.append("asterisk-core-sounds-en-wav")  # spoken sentences
        if not shutil.which("pg_ctl") and not any(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")):
            missing.append("postgresql")
    if purpose == "package" and not _has_shared_python():
        missing.append(f"libpython{sys.version_info.major}.{sys.version_info.minor}")
    return missing


def _has_shared_python() -> bool:
    """Whether the library that the frozen app carries exists: Debian splits it off."""
    name = sysconfig.get_config_var("INSTSONAME") or ""
    folder = Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib")
    return ".so" not in name or _loads(name) or (folder / name).exists()


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _install_system_packages(packages: list[str]) -> None:
    if not packages:
        return
    if not shutil.which("apt-get"):
        _say(f"These libraries are missing; install your system's packages for them: {' '.join(packages)}")
        return
    become_root = [] if os.geteuid() == 0 else ["sudo"]
    if become_root and not shutil.which("sudo"):
        raise SetupError(f"Please install as root: apt-get install {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run([*become_root, "apt-get", "update", "-qq"], "Reading the system's package lists", environment)
    command = [*become_root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    _run(command, f"Installing {' '.join(packages)}", environment)


def _create_venv() -> None:
    """A virtual environment with pip and, through it, the pinned uv. An interrupted one is repaired."""
    if not (BIN / _program("uv")).is_file():
        try:
            import ensurepip  # noqa: F401, PLC0415 - Debian splits it off; asked only when it is needed
        except ModuleNotFoundError:
            _install_system_packages(["python3-venv"])
        _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "Creating .venv")
        pip = [
            str(BIN / _program("python")),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
        ]
        _run([*pip, "--require-hashes", "-r", "requirements/setup.lock"], "Installing uv")


def _run(command: list[str], what: str, environment: dict[str, str] | None = None) -> None:
    _say(what)
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SetupError(f"{what} failed (exit code {done.returncode}); its own words are above.")


def _say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "run")
    except SetupError as error:
        sys.exit(f"setup: {error}")
