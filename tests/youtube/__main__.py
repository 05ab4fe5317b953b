"""`python -m tests.youtube [--port N]`: serve the stand-in until ended (Ctrl+C or SIGTERM)."""

from __future__ import annotations

import argparse
import signal
import threading

from tests.youtube.catalogue import REFUSALS, VIDEOS
from tests.youtube.media import encoded_media
from tests.youtube.server import YouTube


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.youtube", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on loopback; 0 (default) picks one")
    port = parser.parse_args().port
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    with YouTube(encoded_media(), port) as youtube:
        print("environment of a client:")
        for name, value in youtube.env.items():
            print(f"  {name}={value}")
        print("videos:")
        for video in VIDEOS.values():
            print(f"  {youtube.url(video)}  {REFUSALS.get(video.id, repr(video.title[:60]))}")
        print(f"proxy {youtube.proxy}")
        print(f"ca {youtube.ca_file}", flush=True)
        # On Windows a wait without a limit cannot be interrupted.
        while not ended.wait(1.0):
            pass


if __name__ == "__main__":
    main()
