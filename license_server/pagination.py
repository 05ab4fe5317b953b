"""Long lists in parts: newest first, each part after an opaque cursor (keyset pagination)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

from license_server.database import Base, db
from license_server.errors import FieldFault, ValidationFailed
from license_server.schemas import PageQuery

RowT = TypeVar("RowT", bound=Base)


def page(
    rows: Select[RowT],
    time: InstrumentedAttribute[datetime],
    id: InstrumentedAttribute[str],
    query: PageQuery,
) -> tuple[Sequence[RowT], str | None]:
    """The part of `rows` that is asked for, and the cursor of the next. Raises `ValidationFailed`."""
    if query.cursor is not None:
        at, last = _read(query.cursor)
        rows = rows.where(or_(time < at, and_(time == at, id < last)))
    found = db.session.scalars(rows.order_by(time.desc(), id.desc()).limit(query.limit + 1)).all()
    if len(found) <= query.limit:
        return found, None
    final = found[query.limit - 1]
    return found[: query.limit], _write(getattr(final, time.key), getattr(final, id.key))


def _write(at: datetime, id: str) -> str:
    return urlsafe_b64encode(json.dumps([at.isoformat(), id]).encode()).decode("ascii")


def _read(cursor: str) -> tuple[datetime, str]:
    try:
        at, last = json.loads(urlsafe_b64decode(cursor))
        moment = datetime.fromisoformat(at).astimezone(UTC)
        if not isinstance(last, str) or not last.isprintable():
            raise ValueError("not one of ours")  # noqa: TRY301
    except (ValueError, TypeError, OverflowError):
        raise ValidationFailed([FieldFault(field="cursor", message="is not a cursor of this list")]) from None
    return moment, last
