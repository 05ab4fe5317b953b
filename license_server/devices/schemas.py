"""What the device endpoints take and answer."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import AfterValidator, Field

from license_server.schemas import Answer, Body, Name


def _ed25519_key(text: str) -> str:
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise ValueError("is not a raw Ed25519 public key in base64url") from None
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


class NewDevice(Body):
    name: Name
    platform: Name
    public_key: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_-]{43}=?$", examples=["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"]),
        AfterValidator(_ed25519_key),
    ]


class DeviceName(Body):
    name: Name


class DeviceAnswer(Answer):
    id: str
    name: str
    platform: str
    public_key: str
    created_at: datetime
    last_seen_at: datetime
    lost_at: datetime | None
