"""What `make run` does: the license server on an embedded database, and the app connected to it.

Without a display it does the same job with the headless command: signs up a local account, opens the
sample video, trims a clip, and says where it is.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

from stage import BIN, SAMPLE, has_display, license_server

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".reely"
PORT = 8750  # a fixed port, so that a sign-in outlives the run


def main() -> int:
    """Run until the window is closed, or until the headless job is done. Returns an exit code."""
    with license_server(STATE / "server", PORT) as url:
        environment = {**os.environ, "REELY_SERVER_URL": url, "REELY_HOME": str(STATE / "app")}
        if has_display():
            return subprocess.run([BIN / "reely", "app"], env=environment, check=False).returncode
        print("There is no display here, so the headless command does the same job.", flush=True)
        return headless(environment)


def headless(environment: dict[str, str]) -> int:
    """Sign up, open the sample, trim a clip. Returns the first exit code that is not 0."""
    # A machine without a display seldom has a keyring. The account made here is a throw-away one on the
    # local server, so a file inside .reely may hold its secret; the app itself never does that.
    environment = {
        **environment,
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
        "XDG_DATA_HOME": str(STATE / "headless"),
        "REELY_PASSWORD": secrets.token_urlsafe(16),
    }
    clip = STATE / "clips" / f"sample-{secrets.token_hex(3)}.mp4"
    clip.parent.mkdir(parents=True, exist_ok=True)
    email = f"local-{secrets.token_hex(4)}@example.com"
    for arguments in (
        ["account", "sign-up", "--email", email],
        ["probe", str(SAMPLE)],
        ["trim", str(SAMPLE), "--from", "5.2", "--to", "9.7", "-o", str(clip)],
        ["account", "show"],
    ):
        print(f"\n$ reely {' '.join(arguments)}", flush=True)
        code = subprocess.run([BIN / "reely", *arguments], env=environment, check=False).returncode
        if code:
            return code
    print(f"\nThe clip is at {clip}", flush=True)
    return 0


if __name__ == "__main__":
    # A polite kill ends the server and the app as Ctrl+C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
