"""The hash chain of a device's journal, as the server checks it."""

from __future__ import annotations

import hashlib
import json

FIRST_HASH = "0" * 64
"""What the first entry of a lease has as the hash of the one before it."""


def entry_hash(prev_hash: str, *, spend_id: str, lease_id: str, counter: int, meter: str, at: str) -> str:
    """SHA-256, in hex, of `prev_hash` (64 hex digits) followed by the entry as canonical JSON (RFC 8785)."""
    entry = {"spend_id": spend_id, "lease_id": lease_id, "counter": counter, "meter": meter, "at": at}
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(prev_hash.encode("ascii") + canonical.encode()).hexdigest()
