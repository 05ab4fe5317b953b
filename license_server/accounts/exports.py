"""Everything that is stored about an account, as its owner may have it (GDPR, article 20)."""

from __future__ import annotations

from pydantic import JsonValue
from pydantic_core import to_jsonable_python
from sqlalchemy import Column, Table, select

from license_server.accounts.models import Account
from license_server.accounts.schemas import Export, User
from license_server.clock import now
from license_server.database import Base, db

# What proves who somebody is, and is of no use to them.
_SECRET_COLUMNS = {"password_hash", "token_hash", "token", "key_hash"}


def export(account: Account, user: User) -> Export:
    """Every row that belongs to the account, in every table that names accounts."""
    tables: dict[str, list[dict[str, JsonValue]]] = {}
    for table in Base.metadata.sorted_tables:
        owner = _owner_column(table)
        if owner is None:
            continue
        columns = [column for column in table.columns if column.name not in _SECRET_COLUMNS]
        rows = db.session.execute(select(*columns).where(owner == account.id)).mappings()
        tables[table.name] = [to_jsonable_python(dict(row)) for row in rows]
    return Export(exported_at=now(), user=user, tables=tables)


def _owner_column(table: Table) -> Column[str] | None:
    if table.name == Account.__tablename__:
        return table.c.id
    return table.c.get("account_id")
