"""A PostgreSQL cluster of the test session's own, on a Unix socket and without fsync."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

TEMPLATE = "reely_template"
HASTY = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 60
"""
"""Settings for tests, whose databases need not outlive a crash of the machine."""


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest; None where it is not installed."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: path.parts[-3])
    return versions[-1].parent if versions else None


@dataclass(frozen=True)
class Cluster:
    """A running cluster, in `folder`, which also has its socket."""

    bin: Path
    folder: Path

    @classmethod
    def start(cls, bin: Path, settings: str = HASTY) -> Cluster:
        """Makes a cluster and starts it, as a daemon: it refuses to run as root, so root gives it away."""
        cluster = cls(bin, Path(tempfile.mkdtemp(prefix="reely-pg-")))
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(cluster.folder, owner.pw_uid, owner.pw_gid)
        cluster._run("initdb", "-D", str(cluster.folder / "data"), "-U", "reely", "-A", "trust", "--no-sync")
        with (cluster.folder / "data" / "postgresql.auto.conf").open("a") as file:
            file.write(settings + "\n")
        cluster.resume()
        return cluster

    def resume(self) -> None:
        """Starts the cluster, which was made before."""
        options = f"-k {self.folder} -c listen_addresses="
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "-o", options, "start")

    def halt(self) -> None:
        """Ends the cluster as a crash does: without a word to those connected, and with its files left."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        self.halt()
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://reely@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Runs one statement outside of any transaction."""
        with psycopg.connect(f"host={self.folder} user=reely dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.bin / program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # Its output goes to a file: the daemon would keep a pipe open for ever.
        with (self.folder.parent / f"{self.folder.name}.out").open("w+b") as output:
            subprocess.run(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=True,
                timeout=60,
            )
        Path(output.name).unlink()
