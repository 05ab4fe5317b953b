"""This device's identity: an Ed25519 key in the keyring that signs what the device asks of the server."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def base64url(data: bytes) -> str:
    """Base64 for URLs without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """The bytes behind `base64url`; ValueError if `text` is not that."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


class DeviceKey:
    """An Ed25519 key pair (RFC 8032); the private half never leaves this class but to the keyring."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public: str = base64url(private.public_key().public_bytes_raw())
        """The raw public key, base64url."""

    @classmethod
    def new(cls) -> DeviceKey:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_secret(cls, secret: str) -> DeviceKey:
        """The key kept as `secret`; ValueError if it is none."""
        return cls(Ed25519PrivateKey.from_private_bytes(from_base64url(secret)))

    def to_secret(self) -> str:
        """The private half, for the keyring alone."""
        raw = self._private.private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        )
        return base64url(raw)

    def sign_request(self, method: str, path: str, body: bytes, now: float) -> str:
        """The value of `Reely-Device-Signature` for a request sent at `now` (Unix seconds).

        Signed is `<t>\\n<METHOD>\\n<path>\\n<sha256 hex of the body>`; `path` is the whole path of the URL.
        """
        second = int(now)
        signed = f"{second}\n{method.upper()}\n{path}\n{hashlib.sha256(body).hexdigest()}"
        return f"t={second},v1={base64url(self._private.sign(signed.encode()))}"
