"""The journal's SQLite file: opened for each transaction, durable when it returns, troubles told apart."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desktop.account import schema
from desktop.errors import Exit, ReelyError
from desktop.files import disk_error

_ROOM = 65_536  # bytes; the shared memory of a write-ahead log comes in 32 KiB
_BUSY_LIMIT = 15.0  # seconds to wait for another process; a transaction of ours takes milliseconds


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads. Raises as `writing` does."""
    with _connection(path) as db:
        yield db


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction that no other writer overlaps, on disk when it returns, undone by an exception.

    Raises ReelyError `journal-damaged`, `journal-disk-full`, `journal-busy` or `journal-unwritable`.
    """
    with _connection(path) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            if db.in_transaction:  # SQLite itself has undone it when the disk was full
                db.rollback()
            raise
        db.commit()


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise disk_error(error, path.parent) from error
    try:
        db = sqlite3.connect(path, timeout=_BUSY_LIMIT, isolation_level=None)
        try:
            if db.execute("PRAGMA user_version").fetchone()[0] < schema.VERSION:
                _bring_up_to_date(db)
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            yield db
        finally:
            db.close()
    except sqlite3.Error as error:
        raise _trouble(path, error) from error


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")  # stays with the file
    db.execute("BEGIN IMMEDIATE")
    # Another process may have been faster.
    version = db.execute("PRAGMA user_version").fetchone()[0]
    for step in schema.STEPS[version:]:
        statement = ""
        for line in step.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                db.execute(statement)
                statement = ""
    db.commit()


def _is_full(path: Path) -> bool:
    """Whether there is no room for the journal and its shared memory: SQLite calls that I/O, too."""
    try:
        return shutil.disk_usage(path.parent).free < _ROOM
    except OSError:
        return False


def _trouble(path: Path, error: sqlite3.Error) -> ReelyError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return ReelyError(
            "journal-disk-full",
            "The disk is full: Reely cannot note what it is about to do.",
            f"Free some space on the disk of {path.parent} and try again; nothing was counted.",
            Exit.DISK,
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ReelyError(
            "journal-busy",
            "Another Reely on this computer is busy with the account's journal.",
            "Wait for it to finish and try again.",
            Exit.DISK,
        )
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT}:
        return ReelyError(
            "journal-damaged",
            f"The account's journal ({path}) is damaged.",
            "Sign in again: Reely puts the damaged journal aside and starts a new one.",
            Exit.DISK,
        )
    return ReelyError(
        "journal-unwritable",
        f"The account's journal ({path}) cannot be used ({error}).",
        "Check that the folder may be written to and is on a local disk.",
        Exit.DISK,
    )
