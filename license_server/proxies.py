"""Whose word is taken for where a request comes from: proxies in a list, and nobody else."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxies:
    """Sets REMOTE_ADDR to the nearest address of `X-Forwarded-For` that is no trusted proxy itself.

    What stands before an address that is not trusted is the sender's own invention, and is ignored.
    """

    def __init__(self, app: WSGIApplication, networks: tuple[Network, ...]) -> None:
        self._app = app
        self._networks = networks

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        client = str(environ.get("REMOTE_ADDR", ""))
        hops = str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")
        while hops and self._trusts(client):
            hop = _plain(hops.pop())
            if hop is None:
                break
            client = hop
        environ["REMOTE_ADDR"] = client
        return self._app(environ, start_response)

    def _trusts(self, address: str) -> bool:
        plain = _plain(address)
        return plain is not None and any(ipaddress.ip_address(plain) in network for network in self._networks)


def network_of(address: str | None) -> str:
    """The address as it is counted: who has one IPv6 address has its whole /64. Empty where there is none."""
    plain = _plain((address or "").partition("%")[0])
    if plain is None:
        return ""  # a Unix socket has no address
    return str(ipaddress.ip_network((plain, 64), strict=False)) if ":" in plain else plain


def _plain(text: str) -> str | None:
    """The address in its usual spelling; None if it is none."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
