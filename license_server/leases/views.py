"""The endpoints under `/leases`."""

from __future__ import annotations

from license_server.accounts import identity
from license_server.devices.signatures import check_signature
from license_server.errors import (
    DeviceSignatureExpired,
    DeviceSignatureInvalid,
    NotFound,
    QuotaExhausted,
    SignInAgain,
)
from license_server.http import Room
from license_server.leases import issue, lookup, settle, tokens
from license_server.leases.schemas import LeaseAnswer, LeaseRequest, SettleAnswer, Settlement

room = Room("leases", __name__)

_SIGNED = (DeviceSignatureInvalid, DeviceSignatureExpired, NotFound)


@room.serve("POST", "/leases", device_signed=True, problems=(*_SIGNED, QuotaExhausted, SignInAgain))
def request_lease(body: LeaseRequest) -> LeaseAnswer:
    """Get a lease for this device; the same request again gets the same lease."""
    caller = identity.caller()
    asking, leases = lookup.of_request(caller.account, body.device_id, body.request_id)
    check_signature(asking.device)
    return LeaseAnswer(lease=issue.issue(caller, asking, leases, body.request_id, body.wants).token)


@room.serve("POST", "/leases/<lease_id>/settle", device_signed=True, problems=_SIGNED)
def settle_spends(lease_id: str, body: Settlement) -> SettleAnswer:
    """Report what was spent on a lease, and, if wanted, return its rest and get the next one.

    `lease` is missing from the answer where nothing may be given; `POST /leases` tells why.
    """
    caller = identity.caller()
    asking, lease = lookup.of_lease(caller.account, lease_id)
    check_signature(asking.device)
    results = settle.settle(asking, lease, body.spends, body.failures, return_rest=body.return_rest)
    following = issue.successor(caller, lease, body.wants) if body.wants is not None else None
    counted = [result.spend_id for result in results if result.outcome != "rejected"]
    return SettleAnswer(
        results=results,
        receipt=tokens.sign_receipt(lease, asking, counted),
        lease=following.token if following else None,
    )
