"""Which IP addresses are not the public internet, and why.

The table is written out, because what Python's `ipaddress` calls global differs between its versions.
Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), RFC 6598 (shared space of carriers),
RFC 6052 and RFC 8215 (NAT64), RFC 5771 and RFC 4291 (multicast), RFC 4193 (unique local).
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from cds_service.sites import Range

_Address = IPv4Address | IPv6Address

_SPECIAL = {
    "0.0.0.0/8": "this host",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "carrier-grade NAT",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",  # where clouds serve machine credentials
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "6to4 relay",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
    "::/96": "unspecified, loopback or IPv4-compatible",
    "::ffff:0:0/96": "IPv4-mapped",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64",
    "100::/64": "discard",
    "2001::/23": "protocol assignments",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "3fff::/20": "documentation",
    "5f00::/16": "segment routing",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "private",
    "ff00::/8": "multicast",
}
_REFUSED = tuple((ip_network(text), kind) for text, kind in _SPECIAL.items())
_LOW_32 = 0xFFFF_FFFF

EVERYWHERE: tuple[Range, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""What the demo profile may call."""


def why_refused(address: str, allowed: Iterable[Range] = ()) -> str | None:
    """Return the kind of an address that may not be called (`loopback`), or None where it may.

    A range that a site allows makes its addresses good. An IPv6 address that carries an IPv4 one leads to that one,
    so both have to be good: allowing a NAT64 prefix does not open loopback behind it.
    """
    known = tuple(allowed)
    for each in _leads_to(ip_address(address.partition("%")[0])):
        kind = _kind(each)
        if kind is not None and not any(_holds(one, each) for one in known):
            return kind
    return None


def _kind(address: _Address) -> str | None:
    return next((kind for special, kind in _REFUSED if _holds(special, address)), None)


def _holds(network: Range, address: _Address) -> bool:
    return address.version == network.version and address in network


def _leads_to(address: _Address) -> Iterator[_Address]:
    """Yield an address, then the IPv4 address inside it, where its range carries one."""
    yield address
    if isinstance(address, IPv6Address):
        if address.sixtofour is not None:
            yield address.sixtofour
        elif _kind(address) in {"IPv4-mapped", "NAT64"}:
            yield IPv4Address(int(address) & _LOW_32)
