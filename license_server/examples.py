"""A worked example of each call, for the OpenAPI document and its page: one person's first day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_ACCOUNT = "7d4e1f60-5a0c-4c1e-9b1c-2f1f7b7f6f11"
_DEVICE = "b0a9c5ce-43a9-4b53-8a76-7f3f5a7e9d02"
_LEASE = "0c9d52a4-6f0b-4f53-9a52-0d8f1f4c7e33"
_SPEND = "3f2a9f7c1d5e4b0c8a6e9d7f5b3c1a20"
_AT = "2026-11-24T09:30:00Z"
_PERIOD = {"id": "2026-11-24", "starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-12-24T00:00:00Z"}

_USER = {
    "id": _ACCOUNT,
    "email": "ada@example.com",
    "full_name": "Ada Lovelace",
    "tier": "free",
    "role": "user",
    "email_verified": True,
    "created_at": "2026-11-24T09:00:00Z",
}
_SIGNED_IN = {
    "user": _USER,
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiI3ZDRlMWY2MCJ9.c2lnbmF0dXJl",
    "refresh_token": "rt_q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA",
    "token_type": "Bearer",
    "expires_in": 900,
}
_DEVICE_ANSWER = {
    "id": _DEVICE,
    "name": "Laptop",
    "platform": "linux",
    "public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "created_at": _AT,
    "last_seen_at": _AT,
    "lost_at": None,
}
_API_KEY = {
    "id": "5b1f3f0e-0a52-4a0f-8f0e-5f7f3c9b1a44",
    "name": "My script",
    "prefix": "reely_1a2b3c4d",
    "scopes": ["read"],
    "created_at": _AT,
    "last_used_at": None,
}
_ENDPOINT = {
    "id": "c2b6a0f8-9d1e-4f57-8b39-1e0d6c5a7b55",
    "url": "https://example.com/reely",
    "events": ["job.completed", "usage.limit_reached"],
    "description": None,
    "created_at": _AT,
    "last_success_at": None,
    "disabled_at": None,
    "disabled_because": None,
}
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - a made-up one
_DELIVERY = {
    "id": "msg_0c9d52a46f0b4f539a520d8f1f4c7e33",
    "event": "job.completed",
    "state": "delivered",
    "created_at": _AT,
    "delivered_at": _AT,
    "next_attempt_at": None,
    "attempts": [{"at": _AT, "status": 204, "error": None, "milliseconds": 41, "excerpt": ""}],
}
_TOKEN = "eyJhbGciOiJFZERTQSIsInR5cCI6InJlZWx5LWxlYXNlK2p3dCJ9.eyJqdGkiOiIwYzlkNTJhNCJ9.c2lnbmF0dXJl"  # noqa: S105
_TIERS = [
    {
        "id": "free",
        "price_cents": 0,
        "currency": "usd",
        "meters": {"trim": 5, "hook_run": 3},
        "max_source_seconds": 300,
        "devices": 2,
        "features": [],
    },
    {
        "id": "premium",
        "price_cents": 2999,
        "currency": "usd",
        "meters": {"trim": None, "hook_run": None},
        "max_source_seconds": 7200,
        "devices": 5,
        "features": ["api-keys", "webhooks", "priority-processing"],
    },
]
_METER = {"limit": 5, "settled": 1, "held": 2, "available": 2}


@dataclass(frozen=True)
class Example:
    """What is sent and what is answered, as JSON values; None where there is nothing."""

    body: Any = None
    answer: Any = None


def _page(item: object) -> dict[str, object]:
    return {"items": [item], "next": None}


EXAMPLES: dict[str, Example] = {
    "accounts.register": Example(
        {"email": "ada@example.com", "password": "seven purple lanterns", "full_name": "Ada Lovelace"},
        _SIGNED_IN,
    ),
    "accounts.login": Example({"email": "ada@example.com", "password": "seven purple lanterns"}, _SIGNED_IN),
    "accounts.forgot_password": Example(
        {"email": "ada@example.com"},
        {"detail": "If the address has an account, mail to it is on its way."},
    ),
    "accounts.reset_password": Example({"token": "et_9f86d081884c", "new_password": "eight orange kettles"}),
    "accounts.verify_email": Example({"token": "et_9f86d081884c"}),
    "accounts.refresh": Example(answer=_SIGNED_IN),
    "accounts.me": Example(answer=_USER),
    "accounts.change_me": Example({"full_name": "Ada Lovelace"}, _USER),
    "accounts.delete_me": Example({"password": "seven purple lanterns"}),
    "accounts.change_password": Example(
        {"current_password": "seven purple lanterns", "new_password": "eight orange kettles"}
    ),
    "accounts.sessions": Example(
        answer=_page(
            {
                "id": "d6b1c0de-58b3-4bd0-9d0e-0c4b2f7a9e66",
                "client": "Reely/1.0",
                "created_at": _AT,
                "last_used_at": _AT,
                "current": True,
            }
        )
    ),
    "accounts.export": Example(
        answer={
            "exported_at": _AT,
            "user": _USER,
            "tables": {"devices": [{"id": _DEVICE, "account_id": _ACCOUNT, "name": "Laptop"}]},
        }
    ),
    "api-keys.create": Example(
        {"name": "My script", "scopes": ["read"]},
        {**_API_KEY, "key": "reely_1a2b3c4d_Zm9vYmFyYmF6cXV4cXV1eA"},
    ),
    "api-keys.list_keys": Example(answer=_page(_API_KEY)),
    "billing.create_checkout": Example(
        {"tier": "pro"},
        {"checkout_url": "https://checkout.stripe.com/c/pay/cs_live_a1b2", "session_id": "cs_live_a1b2"},
    ),
    "billing.create_portal": Example(answer={"portal_url": "https://billing.stripe.com/p/session/live_a1b2"}),
    "billing.subscription_status": Example(
        answer={
            "tier": "pro",
            "status": "active",
            "current_period_end": "2026-12-24T09:00:00Z",
            "cancel_at_period_end": False,
            "grace_until": None,
        }
    ),
    "billing.receive_event": Example(answer={"received": True}),
    "devices.add": Example(
        {"name": "Laptop", "platform": "linux", "public_key": _DEVICE_ANSWER["public_key"]}, _DEVICE_ANSWER
    ),
    "devices.list_devices": Example(answer=_page(_DEVICE_ANSWER)),
    "devices.rename": Example({"name": "Laptop"}, _DEVICE_ANSWER),
    "devices.lost": Example(answer={**_DEVICE_ANSWER, "lost_at": _AT}),
    "jobs.list_jobs": Example(
        answer=_page(
            {
                "id": "e8a1d0f4-1c3b-4e5d-9f7a-6b2c8d0e4f77",
                "device_id": _DEVICE,
                "spend_id": _SPEND,
                "meter": "trim",
                "state": "completed",
                "at": _AT,
                "reported_at": _AT,
                "job": {"title": "A clip"},
            }
        )
    ),
    "leases.request_lease": Example(
        {"device_id": _DEVICE, "request_id": "first-of-today", "wants": {"trim": 2, "hook_run": 1}},
        {"lease": _TOKEN},
    ),
    "leases.settle_spends": Example(
        {
            "spends": [
                {
                    "spend_id": _SPEND,
                    "counter": 1,
                    "meter": "trim",
                    "at": _AT,
                    "prev_hash": "0" * 64,
                    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "job": {"title": "A clip"},
                }
            ],
            "return_rest": False,
            "wants": {"trim": 1, "hook_run": 0},
        },
        {
            "results": [{"spend_id": _SPEND, "outcome": "applied"}],
            "receipt": _TOKEN,
            "lease": _TOKEN,
        },
    ),
    "system.about": Example(answer={"name": "Reely license server", "version": "0.1.0"}),
    "system.health": Example(
        answer={"status": "ok", "database": "ok", "migrations": "ok", "redis": "unused"}
    ),
    "system.ready": Example(answer={"status": "ok", "database": "ok", "migrations": "ok", "redis": "unused"}),
    "system.live": Example(answer={"status": "ok"}),
    "system.jwks": Example(
        answer={
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                    "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                    "alg": "EdDSA",
                    "use": "sig",
                }
            ]
        }
    ),
    "administration.tell_stats": Example(
        answer={
            "accounts": {"total": 1204, "verified": 1100, "administrators": 2, "new_in_30_days": 87},
            "tiers": {"free": 1100, "pro": 91, "premium": 13},
            "devices": 1530,
            "open_leases": 1402,
            "jobs": {"trim": 20411, "hook_run": 7302},
            "meters": {
                "trim": {"granted": 5120, "settled": 4011, "held": 880, "owed": 0},
                "hook_run": {"granted": 2048, "settled": 1730, "held": 211, "owed": 1},
            },
            "outboxes": {
                "mail": {"waiting": 2, "oldest_seconds": 1.4},
                "webhooks": {"waiting": 0, "oldest_seconds": 0.0},
            },
        }
    ),
    "tiers.list_tiers": Example(answer=_TIERS),
    "usage.show_usage": Example(
        answer={
            "tier": "free",
            "period": _PERIOD,
            "max_source_seconds": 300,
            "meters": {"trim": _METER, "hook_run": {"limit": 3, "settled": 0, "held": 1, "available": 2}},
            "history": [{**_PERIOD, "meters": {"trim": 1, "hook_run": 0}}],
        }
    ),
    "webhooks.create": Example(
        {"url": "https://example.com/reely", "events": ["job.completed", "usage.limit_reached"]},
        {**_ENDPOINT, "secret": _SECRET},
    ),
    "webhooks.list_endpoints": Example(answer=_page(_ENDPOINT)),
    "webhooks.test": Example(answer=_DELIVERY),
    "webhooks.rotate_secret": Example(answer={"secret": _SECRET, "old_secret_until": "2026-11-25T09:30:00Z"}),
    "webhooks.list_deliveries": Example(answer=_page(_DELIVERY)),
}
"""By the endpoint's name."""
