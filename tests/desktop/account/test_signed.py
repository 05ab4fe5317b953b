"""Leases and receipts are taken only as the server signed them for this device, and for nothing else."""

from __future__ import annotations

import base64
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from desktop.account.device import DeviceKey, base64url
from desktop.account.models import Meter
from desktop.account.signed import KeyRing, UnknownKey, UntrustedToken
from desktop.account.wire import KeySet

SERVER_KEY = Ed25519PrivateKey.generate()
OTHER_KEY = Ed25519PrivateKey.generate()
DEVICE = DeviceKey.new()
ACCOUNT = "account-1"
LEASE_CLAIMS: dict[str, Any] = {
    "iss": "https://reely.app",
    "aud": "reely-desktop",
    "sub": ACCOUNT,
    "jti": "lease-1",
    "device": {"id": "device-1", "key": DEVICE.public},
    "seq": 1,
    "tier": "free",
    "grants": {"trim": 2, "hook_run": None},
    "max_source_seconds": 300,
    "period": {"id": "2026-11-01", "ends_at": "2026-12-01T00:00:00Z"},
    "iat": 1_795_000_000,
    "nbf": 1_795_000_000,
    "exp": 1_796_000_000,
    "prev": None,
}
RECEIPT_CLAIMS: dict[str, Any] = {
    **{name: LEASE_CLAIMS[name] for name in ("iss", "aud", "sub", "device", "iat")},
    "jti": "receipt-1",
    "lease": "lease-1",
    "up_to_counter": 2,
    "settled": {"trim": 2, "hook_run": 0},
}
LEASE_HEADER = {"typ": "reely-lease+jwt", "kid": "key-1"}
RECEIPT_HEADER = {"typ": "reely-receipt+jwt", "kid": "key-1"}


def keyring(kid: str = "key-1") -> KeyRing:
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": kid,
        "x": base64url(SERVER_KEY.public_key().public_bytes_raw()),
    }
    others = [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "bad", "x": "AA"},
    ]
    return KeyRing(KeySet.model_validate({"keys": [*others, jwk]}))


def sign(
    claims: dict[str, Any], header: dict[str, Any], key: Any = SERVER_KEY, algorithm: str = "EdDSA"
) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers=header)


LEASE = sign(LEASE_CLAIMS, LEASE_HEADER)


def test_a_genuine_lease_tells_what_it_grants() -> None:
    lease = keyring().lease(LEASE, ACCOUNT, DEVICE.public)
    assert (lease.id, lease.tier, lease.max_source_seconds) == ("lease-1", "free", 300)
    assert lease.grants == {Meter.TRIM: 2, Meter.HOOK_RUN: None}


def test_a_genuine_receipt_tells_what_it_covers() -> None:
    receipt = keyring().receipt(sign(RECEIPT_CLAIMS, RECEIPT_HEADER), ACCOUNT, DEVICE.public)
    assert (receipt.lease, receipt.up_to_counter) == ("lease-1", 2)


HMAC_SECRET = SERVER_KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(sign(LEASE_CLAIMS | {"aud": "reely-api"}, LEASE_HEADER), id="for another audience"),
        pytest.param(sign(LEASE_CLAIMS | {"sub": "account-2"}, LEASE_HEADER), id="for another account"),
        pytest.param(
            sign(LEASE_CLAIMS | {"device": {"id": "device-1", "key": DeviceKey.new().public}}, LEASE_HEADER),
            id="for another device",
        ),
        pytest.param(sign(LEASE_CLAIMS, RECEIPT_HEADER), id="with the type of a receipt"),
        pytest.param(sign(LEASE_CLAIMS, LEASE_HEADER | {"typ": "JWT"}), id="with the type of an API token"),
        pytest.param(sign(LEASE_CLAIMS, LEASE_HEADER, OTHER_KEY), id="signed by another key"),
        pytest.param(sign(LEASE_CLAIMS, LEASE_HEADER, HMAC_SECRET, "HS256"), id="signed with the public key"),
        pytest.param(sign(LEASE_CLAIMS, LEASE_HEADER, None, "none"), id="not signed"),
        pytest.param(sign(LEASE_CLAIMS, LEASE_HEADER | {"crit": ["exp"]}), id="with critical extensions"),
        pytest.param(
            sign(LEASE_CLAIMS | {"grants": {"trim": -1}}, LEASE_HEADER), id="granting less than nothing"
        ),
        pytest.param(
            sign({k: v for k, v in LEASE_CLAIMS.items() if k != "exp"}, LEASE_HEADER), id="without an end"
        ),
        pytest.param("", id="empty"),
        pytest.param("a.b.c", id="garbage"),
        pytest.param(LEASE.rpartition(".")[0] + ".", id="with its signature cut off"),
    ],
)
def test_no_other_token_is_a_lease(token: str) -> None:
    with pytest.raises(UntrustedToken) as refused:
        keyring().lease(token, ACCOUNT, DEVICE.public)
    assert refused.value.code == "untrusted-lease"
    assert not isinstance(refused.value, UnknownKey)


def test_a_lease_is_no_receipt() -> None:
    with pytest.raises(UntrustedToken):
        keyring().receipt(LEASE, ACCOUNT, DEVICE.public)


def test_a_key_that_is_not_known_yet_is_told_apart() -> None:
    with pytest.raises(UnknownKey):
        keyring("key-2").lease(LEASE, ACCOUNT, DEVICE.public)


@given(st.integers(min_value=0, max_value=len(LEASE) * 8 - 1))
def test_any_flipped_bit_is_refused(bit: int) -> None:
    flipped = bytearray(LEASE.encode())
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(UntrustedToken):
        keyring().lease(flipped.decode("latin-1"), ACCOUNT, DEVICE.public)


def test_unused_bits_at_the_end_of_the_signature_are_no_loophole() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = LEASE[:-1] + alphabet[alphabet.index(LEASE[-1]) ^ 1]
    decode = base64.urlsafe_b64decode
    assert decode(twin.rpartition(".")[2] + "==") == decode(LEASE.rpartition(".")[2] + "==")
    with pytest.raises(UntrustedToken):
        keyring().lease(twin, ACCOUNT, DEVICE.public)
