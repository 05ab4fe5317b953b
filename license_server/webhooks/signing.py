"""Signing secrets, and the headers that go with a message (Standard Webhooks 1.0)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime

from standardwebhooks import Webhook

from license_server.accounts.access_tokens import keyed_digest


def secret(endpoint_id: str, version: int) -> str:
    """The endpoint's secret of that version: derived with the server's secret, so that none is kept."""
    digest = bytes.fromhex(keyed_digest("webhook-secret", f"{endpoint_id} {version}"))
    return "whsec_" + b64encode(digest).decode("ascii")


def headers(message_id: str, at: datetime, body: str, secrets: list[str]) -> Mapping[str, str]:
    """The headers of one try at the time `at`, with a signature by each secret."""
    signatures = [Webhook(each).sign(message_id, at, body) for each in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
