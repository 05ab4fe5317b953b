"""Which addresses webhooks may go to: public ones, and in development the networks of a list.

It is asked when an endpoint is made, and again for every connection, after the name was looked up. What is
connected to is the very address that was asked about, so a name cannot lead elsewhere meanwhile (DNS
rebinding).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from license_server.proxies import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], Sequence[Address]]

_REFUSED_TOO: tuple[Network, ...] = (
    ipaddress.ip_network("168.63.129.16/32"),  # looks public, and tells secrets to whoever asks inside Azure
    ipaddress.ip_network("192.0.0.0/24"),  # IETF's own (RFC 6890), which not every Python takes for private
    ipaddress.ip_network("fec0::/10"),  # site-local (RFC 3879)
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits
_LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa")  # RFC 6761, 6762, 8375, and ICANN's .internal
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*")


class AddressRefusedError(Exception):
    """Webhooks do not go there; the message says why, about the URL."""


class NameUnknownError(Exception):
    """The name of the host leads to no address now."""


def look_up(host: str) -> Sequence[Address]:
    """The addresses of a host, as the system finds them. Raises `NameUnknownError`."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NameUnknownError(host) from None
    return [ipaddress.ip_address(str(entry[4][0])) for entry in found]


@dataclass(frozen=True)
class Target:
    """Where a URL leads: the host by its name, and the addresses to try in turn, all of them checked."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[Address, ...]


@dataclass(frozen=True)
class Reach:
    """How far webhooks may reach. `networks` are allowed besides public addresses, and by http too."""

    networks: tuple[Network, ...] = ()
    resolve: Resolve = look_up

    def target(self, url: str) -> Target:
        """Where the URL leads now. Raises `AddressRefusedError` or `NameUnknownError`.

        One address that is refused refuses the name: a public host has no private addresses.
        """
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        if not _HOST.fullmatch(host):
            raise AddressRefusedError("names no host")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            addresses = tuple(self.resolve(host))
        except NameUnknownError:
            self._check_name(host, parts.scheme)
            raise
        others = [address for address in addresses if not _is_within(address, self.networks)]
        if others:
            self._check_name(host, parts.scheme)
        if not all(_is_public(address) for address in others):
            raise AddressRefusedError("leads to an address that is not on the public internet")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port, path, addresses)

    def _check_name(self, host: str, scheme: str) -> None:
        if scheme != "https":
            raise AddressRefusedError("has to begin with https://")
        if any(host == local or host.endswith(f".{local}") for local in _LOCAL_NAMES):
            raise AddressRefusedError("names a host that is not on the public internet")


def _is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return _is_public(inner)
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not _is_within(address, _REFUSED_TOO)
    )
