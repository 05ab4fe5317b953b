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
            hop = plain(hops.pop())
            if hop is None:
                break
            client = str(hop)
        environ["REMOTE_ADDR"] = client
        return self._app(environ, start_response)

    def _trusts(self, text: str) -> bool:
        address = plain(text)
        return address is not None and any(address in network for network in self._networks)


def network_of(address: str | None) -> str:
    """The address as it is counted: who has one IPv6 address has its whole /64. Empty where there is none."""
    found = plain((address or "").partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return "" if found is None else str(found)  # a Unix socket has no address


def plain(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, an IPv4 one where it is that in IPv6's clothes; None if the text is no address."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
