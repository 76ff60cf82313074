"""What is not the public internet is refused, in whatever spelling, unless the site names its range."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.network.addresses import EVERYWHERE, why_refused

REFUSED = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "0.0.0.0": "this host",
    "10.1.2.3": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "100.64.0.1": "carrier-grade NAT",
    "169.254.169.254": "link-local",
    "224.0.0.1": "multicast",
    "255.255.255.255": "reserved",
    "192.0.2.7": "documentation",
    "198.19.0.1": "benchmarking",
    "::": "unspecified, loopback or IPv4-compatible",
    "::1": "unspecified, loopback or IPv4-compatible",
    "::7f00:1": "unspecified, loopback or IPv4-compatible",
    "::ffff:10.0.0.1": "IPv4-mapped",
    "::ffff:8.8.8.8": "IPv4-mapped",
    "64:ff9b::a00:1": "NAT64",
    "64:ff9b:1::1": "NAT64",
    "2002:a00:1::": "6to4",
    "2001:0:1::": "protocol assignments",
    "fd00::1": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "ff02::1": "multicast",
    "2001:db8::1": "documentation",
}
PUBLIC = ["8.8.8.8", "100.128.0.1", "172.32.0.1", "11.0.0.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize(("address", "kind"), REFUSED.items())
def test_an_address_that_is_not_public_is_refused(address, kind):
    assert why_refused(address) == kind


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address):
    assert why_refused(address) is None


def test_a_range_that_the_site_names_is_open_and_its_neighbour_is_not():
    allow = (ip_network("10.20.0.0/16"),)
    assert why_refused("10.20.3.4", allow) is None
    assert why_refused("10.21.0.1", allow) == "private"
    assert why_refused("127.0.0.1", allow) == "loopback"


def test_a_named_translator_does_not_open_what_stands_behind_it():
    allow = (ip_network("64:ff9b::/96"), ip_network("::ffff:0:0/96"))
    assert why_refused("64:ff9b::808:808", allow) is None
    assert why_refused("64:ff9b::7f00:1", allow) == "loopback"
    assert why_refused("::ffff:169.254.169.254", allow) == "link-local"
    both = (*allow, ip_network("10.0.0.0/8"))
    assert why_refused("64:ff9b::a00:1", both) is None


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_called(address):
    if address.is_private or address.is_multicast or address.is_link_local:
        assert why_refused(str(address)) is not None or _reassigned(address)
    assert why_refused(str(address), EVERYWHERE) is None


def _reassigned(address):
    """Python of some versions still calls these private as a whole."""
    return any(
        address in network
        for network in map(ip_network, ("192.31.196.0/24", "192.52.193.0/24"))
        if network.version == address.version
    )


def test_an_address_has_no_second_spelling_that_is_let_through():
    for spelling in ("::ffff:7f00:1", "0:0:0:0:0:ffff:7f00:0001", "::FFFF:127.0.0.1"):
        assert why_refused(str(ip_address(spelling))) == "IPv4-mapped"
