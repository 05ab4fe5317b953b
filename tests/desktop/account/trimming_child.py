"""A process that makes clips until it is done, or kills itself at a named step.

`python -m tests.desktop.account.trimming_child HOME SERVER_URL CLIPS STEP`
"""

from __future__ import annotations

import os
import signal
import sys
import uuid
from pathlib import Path

from desktop.account import Account, Delivery, Meter
from desktop.errors import Exit, ReelyError
from desktop.files import publish

STEPS = ("reserved", "writing", "written", "committed", "published", "delivered", "settled")


def main(home: Path, url: str, clips: int, kill_at: str) -> int:
    def reach(step: str) -> None:
        if step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    folder = home / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    with Account.open(home, url) as account:
        account.recover()
        for _ in range(clips):
            name = uuid.uuid4().hex
            delivery = Delivery(temporary=folder / f".{name}.part", final=folder / f"{name}.mp4")
            try:
                permit = account.permit(Meter.TRIM)
            except ReelyError as error:
                print(error.code, flush=True)
                return int(error.exit)
            with permit:
                permit.expect([delivery])
                reach("reserved")
                delivery.temporary.write_bytes(b"half")
                reach("writing")
                delivery.temporary.write_bytes(b"whole")
                reach("written")
                permit.commit([delivery])
                reach("committed")
                publish(delivery.temporary, delivery.final)
                reach("published")
                permit.delivered()
                reach("delivered")
            account.settle()
            reach("settled")
            account.status()
            print("clip", flush=True)
    return int(Exit.DONE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]))
