"""The endpoints under `/api-keys`; a key cannot make or end keys."""

from __future__ import annotations

from sqlalchemy import select

from license_server.accounts import identity
from license_server.accounts import service as accounts
from license_server.api_keys import service
from license_server.api_keys.models import ApiKey
from license_server.api_keys.schemas import ApiKeyAnswer, CreatedApiKey, NewApiKey
from license_server.errors import ApiKeyLimit, NotFound, TierLimit
from license_server.http import Room
from license_server.pagination import page
from license_server.schemas import Page, PageQuery

room = Room("api-keys", __name__)


@room.serve("POST", "/api-keys", access="session", status=201, problems=(TierLimit, ApiKeyLimit))
def create(body: NewApiKey) -> CreatedApiKey:
    """Make a key, which is shown this once."""
    account = identity.caller().account
    accounts.lock(account.id)
    new = service.create(account, body.name, body.scopes)
    return CreatedApiKey(**_answer(new.row).model_dump(), key=new.key)


@room.serve("GET", "/api-keys", access="session")
def list_keys(query: PageQuery) -> Page[ApiKeyAnswer]:
    """The account's keys, newest first."""
    rows = select(ApiKey).where(
        ApiKey.account_id == identity.caller().account.id, ApiKey.revoked_at.is_(None)
    )
    found, cursor = page(rows, ApiKey.created_at, ApiKey.id, query)
    return Page(items=[_answer(row) for row in found], next=cursor)


@room.serve("DELETE", "/api-keys/<key_id>", access="session", problems=(NotFound,))
def revoke(key_id: str) -> None:
    """End a key at once."""
    service.revoke(identity.caller().account, key_id)


def _answer(row: ApiKey) -> ApiKeyAnswer:
    return ApiKeyAnswer(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=row.scopes,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )
