"""The device's signature on a request: proof that its key, not just a copied lease, is at hand."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import request

from license_server.clock import now
from license_server.devices.models import Device
from license_server.errors import DeviceSignatureExpired, DeviceSignatureInvalid

HEADER = "Reely-Device-Signature"
MAX_AGE_SECONDS = 300
_FORM = re.compile(r"t=(\d{1,12}), *v1=([A-Za-z0-9_-]{86})(?:==)?")


def check_signature(device: Device) -> None:
    """Checks the signature on the request being served against the key of `device`.

    The header is `t=<unix seconds>,v1=<base64url>`, an Ed25519 signature over
    `"<t>\\n<METHOD>\\n<path>\\n<sha256 hex of the body>"`. Raises `DeviceSignatureInvalid`, or
    `DeviceSignatureExpired` where its time is 300 s away from the server's.
    """
    form = _FORM.fullmatch(request.headers.get(HEADER, ""))
    if form is None:
        raise DeviceSignatureInvalid(f"Sign the request in the header {HEADER}.")
    digest = hashlib.sha256(request.get_data()).hexdigest()
    message = f"{form[1]}\n{request.method}\n{request.path}\n{digest}".encode()
    key = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(device.public_key + "="))
    try:
        key.verify(urlsafe_b64decode(form[2] + "=="), message)
    except InvalidSignature:
        raise DeviceSignatureInvalid("The request is not signed with this device's key.") from None
    at = now()
    if abs(at.timestamp() - int(form[1])) > MAX_AGE_SECONDS:
        raise DeviceSignatureExpired("Sign the request anew, with the right time.", server_time=at)
