"""The Ed25519 keys that sign leases: the newest signs, the others go on being published (JWKS, RFC 7517)."""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, TypeAdapter

# A lease lives for one period, at most 31 days; its key is published for twice that.
PUBLISHED_AFTER_ROTATION = timedelta(days=62)


@dataclass(frozen=True)
class SigningKey:
    """One key pair. `kid` is the RFC 7638 thumbprint of its public half."""

    private: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, text: str) -> SigningKey:
        """The key of a 32-byte seed (RFC 8032) in base64url. Raises `ValueError`."""
        try:
            seed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            raise ValueError("a signing key is 32 bytes in base64url") from None
        if len(seed) != 32:
            raise ValueError("a signing key is 32 bytes in base64url")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public_jwk(self) -> dict[str, str]:
        """The public half as a JWK (RFC 8037)."""
        x = _base64url(self.private.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "alg": "EdDSA", "use": "sig"}

    @property
    def kid(self) -> str:
        x = _base64url(self.private.public_key().public_bytes_raw())
        canonical = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
        return _base64url(hashlib.sha256(canonical.encode()).digest())


@runtime_checkable
class LeaseKeys(Protocol):
    """Where the signing keys come from."""

    def all(self) -> list[SigningKey]:
        """Every key whose leases are still accepted; the first one signs."""
        ...


@dataclass(frozen=True)
class FixedKeys:
    """Keys from the environment, newest first."""

    keys: tuple[SigningKey, ...]

    @classmethod
    def parse(cls, text: str) -> FixedKeys:
        """The keys of a comma-separated list of seeds, newest first. Raises `ValueError`."""
        return cls(tuple(SigningKey.from_seed(part.strip()) for part in text.split(",")))

    def all(self) -> list[SigningKey]:
        return list(self.keys)


class _KeptKey(BaseModel):
    seed: str
    made_at: datetime
    retired_at: datetime | None = None


_KEPT_KEYS = TypeAdapter(list[_KeptKey])


class FileKeys:
    """Keys in a file of mode 0600; a running server notices when `rotate` has changed it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._keys: list[SigningKey] = []

    @classmethod
    def open(cls, path: Path) -> FileKeys:
        """The keys kept at `path`, with a first one made if there is none yet."""
        keys = cls(path)
        if not path.exists():
            keys.rotate(datetime.now(UTC))
        return keys

    def all(self) -> list[SigningKey]:
        status = self._path.stat()
        seen = (status.st_mtime_ns, status.st_ino)
        if seen != self._seen:
            self._keys = [SigningKey.from_seed(kept.seed) for kept in self._read()]
            self._seen = seen
        return self._keys

    def rotate(self, at: datetime) -> SigningKey:
        """Puts a new key in front, and drops those whose leases have all ended."""
        kept = [
            key.model_copy(update={"retired_at": key.retired_at or at})
            for key in (self._read() if self._path.exists() else [])
            if key.retired_at is None or key.retired_at + PUBLISHED_AFTER_ROTATION > at
        ]
        new = _KeptKey(seed=new_seed(), made_at=at)
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_KEPT_KEYS.dump_json([new, *kept], indent=2))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)
        return SigningKey.from_seed(new.seed)

    def _read(self) -> list[_KeptKey]:
        return _KEPT_KEYS.validate_json(self._path.read_bytes())


def new_seed() -> str:
    """A new private key: a random 32-byte seed in base64url."""
    return _base64url(Ed25519PrivateKey.generate().private_bytes_raw())


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
