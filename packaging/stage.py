"""What a whole run of Reely needs around it: a license server, a display, a keyring."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BIN = Path(sys.prefix) / ("Scripts" if os.name == "nt" else "bin")
SAMPLE = Path(sys.prefix) / "share" / "reely" / "sample.mp4"


def has_display() -> bool:
    """Whether a window can be shown."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def license_server(data: Path, port: int = 0) -> Iterator[str]:
    """The server with its database in `data`, from the moment it answers; its address.

    Another port is taken when something listens on `port` already.
    """
    data.mkdir(parents=True, exist_ok=True)
    log = data / "server.log"
    command: list[str | Path] = [BIN / "reely-server", "run", "--data", data, "--port", str(_free(port))]
    with (
        log.open("ab") as words,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, text=True) as server,
    ):
        try:
            yield _address(server, log)
        finally:
            server.terminate()


def _address(server: subprocess.Popen[str], log: Path) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("listening on "):
            return line.removeprefix("listening on ").strip()
    raise SystemExit(f"The license server did not start. It said:\n{log.read_text()[-2000:]}")


def _free(port: int) -> int:
    with socket.socket() as probe:
        return 0 if probe.connect_ex(("127.0.0.1", port)) == 0 else port


@contextmanager
def virtual_display(size: str = "1280x800x24") -> Iterator[str]:
    """A display of its own (Xvfb) that nobody sees; its name, such as `:1`."""
    xvfb = shutil.which("Xvfb")
    if xvfb is None:
        raise SystemExit("There is no Xvfb; run `make setup-test`.")
    read, write = os.pipe()
    command = [xvfb, "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        try:
            with os.fdopen(read) as answer:
                number = answer.readline().strip()
            yield f":{number}"
        finally:
            server.terminate()


@contextmanager
def secret_service(folder: Path) -> Iterator[dict[str, str]]:
    """A real Secret Service (gnome-keyring on a bus of its own), its keyring in `folder`.

    Yields the environment by which programs find it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    bus_command = ["dbus-daemon", "--session", "--nofork", "--print-address", "--address=unix:tmpdir=/tmp"]
    own = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    with subprocess.Popen(bus_command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as bus:
        try:
            assert bus.stdout is not None
            found = {"DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().strip()}
            keyring_command = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
            with subprocess.Popen(
                keyring_command,
                env={**os.environ, **own, **found},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            ) as keyring:
                try:
                    assert keyring.stdin is not None
                    assert keyring.stdout is not None
                    keyring.stdin.write(b"unlocked by the test\n")
                    keyring.stdin.close()
                    keyring.stdout.readline()  # it prints where its sockets are once it serves
                    yield found
                finally:
                    keyring.terminate()
        finally:
            bus.terminate()
