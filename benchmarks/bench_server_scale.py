"""What a call costs among 1,000 and among 1,000,000 accounts, and which indexes its statements use."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from sqlalchemy import event

from bench_server import Client, Pair, clients, tell
from license_server.database import db
from license_server.extensions import close
from load import Load, send
from served import ours as our_app
from server_stage import Stage, gunicorn, stage
from side_by_side import machine

FEW, MANY = 1_000, 1_000_000
REQUESTS, PAIRS = 100, 5


def main() -> None:
    """Print the speed among many beside that among few, and every way a statement finds its rows."""
    with stage() as here:
        people: dict[str, list[Client]] = {}
        for name, accounts in (("few", FEW), ("many", MANY)):
            started = time.perf_counter()
            here.make_database(name, accounts, "pro")
            print(f"{accounts:,} accounts filled in {time.perf_counter() - started:.0f} s", flush=True)
            people[name] = clients(here.config(name), range(0, accounts, accounts // REQUESTS))[:REQUESTS]
        with (
            gunicorn("served:ours()", here.environment("few")) as few,
            gunicorn("served:ours()", here.environment("many")) as many,
        ):
            pairs: dict[str, list[Pair]] = {"usage": [], "lease": [], "settle": []}
            for turn in range(PAIRS + 1):
                among = {name: _all(port, people[name]) for name, port in (("many", many), ("few", few))}
                for what, found in pairs.items() if turn else ():  # the first turn warms up
                    found.append(Pair(among["many"][what], among["few"][what]))
        print(f"among {MANY:,} against {FEW:,} accounts; {machine()}")
        for what, found in pairs.items():
            tell(what, found)
        scans = _ways(here, people["many"][0])
    for way in sorted(scans):
        print(way)
    if any(way.startswith("Seq Scan") for way in scans):
        sys.exit("a statement reads a whole table")


def _all(port: int, people: Sequence[Client]) -> dict[str, Load]:
    usage = send(port, [client.usage() for client in people])
    lease = send(port, [client.lease() for client in people])
    tokens = [str(json.loads(body)["lease"]) for body in lease.bodies]
    settle = send(port, [client.settle(token) for client, token in zip(people, tokens, strict=True)])
    return {"usage": usage, "lease": lease, "settle": settle}


def _ways(here: Stage, client: Client) -> set[str]:
    """How the statements of the three calls find their rows, by EXPLAIN, in the large database."""
    os.environ.update(here.environment("many"))
    app = our_app()
    statements: list[tuple[str, Any]] = []
    with app.app_context():
        engine = db.engine
    event.listen(
        engine, "before_cursor_execute", lambda _c, _u, text, values, *_: statements.append((text, values))
    )
    lease = _in_process(app, client.lease())["lease"]
    _in_process(app, client.settle(lease))
    _in_process(app, client.usage())
    close(app)
    ways: set[str] = set()
    with psycopg.connect(f"host={here.cluster.folder} user=reely dbname=many") as connection:
        # An empty table is read as a whole whatever its indexes: so only what has none shows up as that.
        connection.execute("SET enable_seqscan = off")
        connection.commit()
        for text, values in statements:
            if not text.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                continue
            for (plan,) in connection.execute(f"EXPLAIN (FORMAT JSON) {text}".encode(), values):
                ways |= _nodes(plan[0]["Plan"])
            connection.rollback()
    return ways


def _nodes(plan: dict[str, Any]) -> set[str]:
    below = set().union(*(_nodes(part) for part in plan.get("Plans", [])))
    if "Relation Name" not in plan and "Index Name" not in plan:
        return below
    return below | {
        f"{plan['Node Type']} {plan.get('Relation Name', '')} {plan.get('Index Name', '')}".strip()
    }


def _in_process(app: Any, raw: bytes) -> Any:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    answer = app.test_client().open(path, method=method, data=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


if __name__ == "__main__":
    main()
