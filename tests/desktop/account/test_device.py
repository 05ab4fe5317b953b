"""The device key and the signature on requests."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from desktop.account.device import DeviceKey, base64url, from_base64url


@given(st.binary(max_size=100))
def test_base64url_comes_back(data: bytes) -> None:
    text = base64url(data)
    assert from_base64url(text) == data
    assert "=" not in text


@pytest.mark.parametrize("text", ["a", "a+b/", "ä", "a b", "====="])
def test_what_is_not_base64url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        from_base64url(text)


def test_a_key_comes_back_from_its_secret_which_is_short() -> None:
    key = DeviceKey.new()
    assert DeviceKey.from_secret(key.to_secret()).public == key.public
    assert len(key.to_secret()) == len(key.public) == 43


@pytest.mark.parametrize("secret", ["", "AAAA", "not base64!"])
def test_what_is_no_key_is_refused(secret: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - cryptography's words are its own
        DeviceKey.from_secret(secret)


def test_a_request_is_signed_over_time_method_path_and_body() -> None:
    key = DeviceKey.new()
    header = key.sign_request("post", "/api/v1/leases", b'{"a":1}', 1_795_000_000.9)
    stamp, _, signature = header.partition(",v1=")
    assert stamp == "t=1795000000"
    message = b"1795000000\nPOST\n/api/v1/leases\n" + hashlib.sha256(b'{"a":1}').hexdigest().encode()
    public = Ed25519PublicKey.from_public_bytes(from_base64url(key.public))
    public.verify(from_base64url(signature), message)
    with pytest.raises(InvalidSignature):
        public.verify(from_base64url(signature), message.replace(b"POST", b"PUT"))
