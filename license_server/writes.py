"""Rows that are written together: by PostgreSQL at one request, by SQLite one after the other.

A flush of the session asks once for each table, and takes several times as long as the database does. What
devices call again and again says here what it writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import Insert, Select, Update, bindparam, insert, literal_column, select, update
from sqlalchemy.orm import InstrumentedAttribute

from license_server.database import Base, db

MOST_TOGETHER = 12
"""More rows than these are written table by table."""


class Write:
    """A way of writing rows of a table: whole new ones, or new values of `columns` at a primary key."""

    def __init__(self, model: type[Base], *columns: InstrumentedAttribute[Any]) -> None:
        self._table = Base.metadata.tables[model.__tablename__]
        self._columns = [column.key for column in columns]

    def __call__(self, **values: object) -> Row:
        """A row with a value for each of the columns."""
        return Row(self, values)

    def of(self, filled: Base) -> Row:
        """The row that an instance of the model would be, which has a value for each column itself."""
        return Row(self, {name: getattr(filled, name) for name in self._table.columns.keys()})  # noqa: SIM118

    def statement(self, prefix: str) -> Insert | Update:
        """Writes one row, whose values are parameters with such names."""
        table = self._table
        if not self._columns:
            names = [column.name for column in table.columns if column.identity is None]
            return insert(table).values({name: bindparam(prefix + name) for name in names})
        keys = [key == bindparam(prefix + key.name) for key in table.primary_key]
        return update(table).where(*keys).values({name: bindparam(prefix + name) for name in self._columns})


@dataclass(frozen=True)
class Row:
    """One row to write, with what its `write` wants to know."""

    write: Write
    values: dict[str, object]


def write(rows: Sequence[Row]) -> None:
    """Writes the rows, each of which only once: a statement does not see what another one has written.

    Those that others refer to come first.
    """
    if db.engine.dialect.name == "sqlite" or len(rows) > MOST_TOGETHER:
        for kind, alike in groupby(rows, key=lambda row: row.write):
            values = [_prefixed(0, row) for row in alike]
            db.session.execute(_alone(kind), values)
    elif rows:
        named = [_prefixed(number, row) for number, row in enumerate(rows)]
        db.session.execute(
            _together(tuple(row.write for row in rows)),
            {name: value for one in named for name, value in one.items()},
        )


def _prefixed(number: int, row: Row) -> dict[str, object]:
    return {f"row{number}_{name}": value for name, value in row.values.items()}


@lru_cache(maxsize=256)
def _alone(kind: Write) -> Insert | Update:
    return kind.statement("row0_")


@lru_cache(maxsize=256)
def _together(kinds: tuple[Write, ...]) -> Select[Any]:
    parts = [kind.statement(f"row{number}_").cte(f"row{number}") for number, kind in enumerate(kinds)]
    return select(literal_column("1")).add_cte(*parts)
