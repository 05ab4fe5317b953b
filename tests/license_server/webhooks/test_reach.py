"""Webhooks reach the public internet, and nothing that only we can reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_server.webhooks.reach import Address, AddressRefusedError, NameUnknownError, Reach, look_up


def _leading_to(*addresses: str) -> Reach:
    return Reach(resolve=lambda _host: [ipaddress.ip_address(address) for address in addresses])


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_reached(address: str) -> None:
    target = _leading_to(address).target("https://example.com/hook?key=1")
    assert (target.host, target.port, target.path) == ("example.com", 443, "/hook?key=1")
    assert [str(found) for found in target.addresses] == [address]


FORBIDDEN = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:db8::1",
    "2001::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_other_addresses_are_refused_by_name_and_by_number(address: str) -> None:
    with pytest.raises(AddressRefusedError):
        _leading_to(address).target("https://example.com/")
    with pytest.raises(AddressRefusedError):
        _leading_to("93.184.216.34", address).target("https://example.com/")
    host = f"[{address}]" if ":" in address else address
    if "%" not in address:
        with pytest.raises(AddressRefusedError):
            Reach().target(f"https://{host}/")


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_ipv6_clothes_is_no_more_public_than_without(address: Address) -> None:
    def public(text: str) -> bool:
        try:
            _leading_to(text).target("https://example.com/")
        except AddressRefusedError:
            return False
        return True

    plain = public(str(address))
    assert public(f"::ffff:{address}") == plain
    high, low = divmod(int(address), 1 << 16)
    assert public(f"64:ff9b::{high:x}:{low:x}") == plain


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost"])
def test_loopback_in_disguise_is_refused(host: str) -> None:
    with pytest.raises(AddressRefusedError):
        Reach().target(f"https://{host}/")


def _unknown(host: str) -> Sequence[Address]:
    raise NameUnknownError(host)


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/",
        "https://a.localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://router.home.arpa./",
        "http://example.com/",
        "https:///nowhere",
    ],
)
def test_what_cannot_be_public_is_refused_even_where_nothing_knows_the_name(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        Reach(resolve=_unknown).target(url)


def test_a_name_that_nobody_knows_is_told_apart() -> None:
    with pytest.raises(NameUnknownError):
        Reach(resolve=_unknown).target("https://example.com/")
    with pytest.raises(NameUnknownError):
        look_up("no-such-name.invalid")


def test_development_may_allow_networks_and_http_there_alone() -> None:
    reach = Reach(networks=(ipaddress.ip_network("127.0.0.0/8"),))
    assert reach.target("http://127.0.0.1:8080/").port == 8080
    with pytest.raises(AddressRefusedError):
        reach.target("http://10.0.0.1/")
    with pytest.raises(AddressRefusedError):
        reach.target("http://93.184.216.34/")
    with pytest.raises(AddressRefusedError):
        reach.target("https://10.0.0.1/")
