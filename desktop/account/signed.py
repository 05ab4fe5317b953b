"""Leases and receipts: what the server signed for this device and nobody else, verified claim by claim.

Both are compact JWS (RFC 7515) with Ed25519 (RFC 8037) and a `typ` of their own, so that neither can stand
in for the other or for an access token (RFC 8725, section 3.11).
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from desktop.account.device import base64url, from_base64url
from desktop.account.models import Meter
from desktop.account.wire import Count, Identifier, KeySet
from desktop.errors import Exit, ReelyError

_ALGORITHM = "EdDSA"
_AUDIENCE = "reely-desktop"
_LEASE_TYPE = "reely-lease+jwt"
_RECEIPT_TYPE = "reely-receipt+jwt"
# Times are judged by the device's own high-water clock, not by the wall clock that PyJWT would look at.
_OUR_CLOCK: jwt.types.Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "require": ["iss", "aud", "sub", "iat"],
}


class UntrustedToken(ReelyError):  # noqa: N818 - it describes the token
    """What came from the server, or lies on this disk, is not signed for this device (`untrusted-*`)."""


class UnknownKey(UntrustedToken):
    """Signed with a key that is not in the set at hand: it may be newer than the set."""


class _Claims(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    iss: Annotated[str, Field(min_length=1, max_length=500)]
    aud: Literal["reely-desktop"]
    sub: Identifier
    iat: Count


class LeaseDevice(BaseModel):
    """Whom a lease is for: the server's id of the device, and its public key (raw, base64url)."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: Identifier
    key: Annotated[str, Field(min_length=43, max_length=43)]


class LeasePeriod(BaseModel):
    """The period that spends on a lease count in."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: Identifier
    ends_at: AwareDatetime


class Lease(_Claims):
    """A verified allowance: units of each meter (None: no limit), from `nbf` until `exp` (Unix seconds)."""

    jti: Identifier
    device: LeaseDevice
    seq: Count
    tier: Identifier
    grants: dict[Meter, Count | None]
    max_source_seconds: Count | None
    period: LeasePeriod
    nbf: Count
    exp: Count
    prev: Identifier | None = None

    @property
    def id(self) -> str:
        return self.jti


class Receipt(_Claims):
    """A verified statement of what the server has counted on one lease, up to and with `up_to_counter`."""

    jti: Identifier | None = None
    device: LeaseDevice | None = None
    lease: Identifier
    up_to_counter: Count
    settled: dict[Meter, Count]
    spends: tuple[Identifier, ...] = ()
    """Those of the answered report that are counted, also where the chain has a gap before them."""


Claims = TypeVar("Claims", bound=_Claims)


class KeyRing:
    """The server's public lease keys by `kid`."""

    def __init__(self, keys: KeySet) -> None:
        self._keys: dict[str, Ed25519PublicKey] = {}
        for entry in keys.keys:
            if entry.kty == "OKP" and entry.crv == "Ed25519" and entry.kid and entry.x:
                try:
                    self._keys[entry.kid] = Ed25519PublicKey.from_public_bytes(from_base64url(entry.x))
                except ValueError:
                    continue  # a key that is none signs nothing

    def lease(self, token: str, account: str, device_key: str) -> Lease:
        """Verify a lease for this account and device. Time is not judged here: see `journal`.

        Raises UnknownKey, or UntrustedToken for anything else that is not right.
        """
        lease = self._claims(token, _LEASE_TYPE, Lease)
        if lease.sub != account or lease.device.key != device_key:
            raise _untrusted("lease", "it is for another device or account")
        return lease

    def receipt(self, token: str, account: str, device_key: str) -> Receipt:
        """Verify a receipt for this account (and device, where it names one). Raises as `lease` does."""
        receipt = self._claims(token, _RECEIPT_TYPE, Receipt)
        if receipt.sub != account or (receipt.device is not None and receipt.device.key != device_key):
            raise _untrusted("receipt", "it is for another device or account")
        return receipt

    def _claims(self, token: str, typ: str, claims: type[Claims]) -> Claims:
        what = claims.__name__.lower()
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != _ALGORITHM or header.get("typ") != typ or "crit" in header:
                raise _untrusted(what, "it is another kind of token")
            signature = token.rpartition(".")[2]
            if base64url(from_base64url(signature)) != signature:
                raise _untrusted(what, "it is damaged")
            key = self._keys.get(header.get("kid", ""))
            if key is None:
                raise UnknownKey(*_untrusted(what, "its key is not known").__reduce__()[1])
            payload = jwt.decode(token, key, algorithms=[_ALGORITHM], audience=_AUDIENCE, options=_OUR_CLOCK)
            return claims.model_validate(payload)
        except jwt.InvalidAudienceError as error:
            raise _untrusted(what, "it is for another program") from error
        except (jwt.InvalidTokenError, ValidationError, ValueError) as error:
            raise _untrusted(what, "it is damaged") from error


def _untrusted(what: str, why: str) -> UntrustedToken:
    return UntrustedToken(
        f"untrusted-{what}",
        f"The {what} is not one that the license server made for this device ({why}).",
        "Connect to the license server so that a new one can be fetched; update Reely if this stays.",
        Exit.ACCOUNT,
    )
